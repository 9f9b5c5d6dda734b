/**
 * Attempts: one try at one way to sign in, from its button to the assertion. Found by state, bound to the browser
 * that began it, one use, ten minutes.
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import {
  type Assertion,
  type Attempt,
  type Clock,
  Fault,
  type Form,
  isFault,
  type Json,
  type Random,
  type Step,
} from '@labgate/contract'
import type { ArtifactStore } from '../storage/artifacts.ts'
import { isConsumeConflict } from '../storage/conflict.ts'

const lifeSeconds = 600
/** How long what a try-out brought may wait for its page. */
const sightSeconds = 300
/** How long a browser that has opened an invitation may take to sign in. */
const invitationSeconds = 1800

/** What an attempt is for. `sandbox`: only to be looked at; it signs nobody in and changes nothing. */
export type Purpose = 'sign-in' | 'link' | 'sandbox'

/** What is kept of an attempt; sealed at rest. */
export interface AttemptRecord {
  readonly state: string
  readonly instance: string
  readonly purpose: Purpose
  /** Where its pages live: `/interaction/<uid>` or `/account/link`. */
  readonly base: string
  /** For `link` and `sandbox`: the account that asked. */
  readonly account: string | undefined
  /** For `sandbox`: the handle of the session that asked. */
  readonly session?: string | undefined
  /** Digest of the browser's binding cookie. */
  readonly binding: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly fresh: boolean
  readonly remember: boolean
  /** Where the relying party gets the browser back: forms of the attempt may lead there. */
  readonly returnTo: string | undefined
  readonly kept: Json | undefined
  /** The form that is open, if any. */
  readonly form: Form | undefined
}

/** What an attempt came to, waiting to be taken up on its own page. */
export interface Outcome {
  readonly id: string
  readonly instance: string
  readonly base: string
  readonly purpose: Purpose
  readonly account: string | undefined
  readonly session?: string | undefined
  readonly binding: string
  readonly remember: boolean
  readonly assertion: Assertion
}

/** An invitation that goes with a browser. */
export interface HeldInvitation {
  readonly proof: string
  /** What the last sign-in made of it. */
  readonly became?: 'accepted' | 'other-address' | 'over' | undefined
  /** Whose sign-in that was. */
  readonly account?: string | undefined
}

/** How an attempt begins. */
export type AttemptStart = Omit<AttemptRecord, 'state' | 'nonce' | 'codeVerifier' | 'kept' | 'form'>

/** What a way to sign in answered first. */
export interface Begun {
  readonly record: AttemptRecord
  readonly step: Step
  /** Whether the record can be found by its state; else it is over, unless `update` keeps it. */
  readonly isKept: boolean
}

export interface Attempts {
  /**
   * Begins one with the first step of its plugin. What is answered within one turn of the event loop nobody outside can have
   * heard of, so its record is kept only if it takes longer.
   */
  begin(start: AttemptStart, first: (record: AttemptRecord) => Promise<Step>): Promise<Begun>
  find(state: string | undefined): Promise<AttemptRecord | undefined>
  /** `isNew`: it was not kept so far. */
  update(record: AttemptRecord, kept?: { readonly isNew: boolean }): Promise<void>
  /** @throws Fault ERR_LOGIN_REPLAYED when it was used before */
  consume(record: AttemptRecord): Promise<void>
  /** What an attempt came to, for whoever takes it up in the same request. */
  outcome(record: AttemptRecord, assertion: Assertion): Outcome
  /** Leaves it to be taken up on its own page. */
  leave(outcome: Outcome): Promise<void>
  /** @throws Fault ERR_LOGIN_REPLAYED when it was taken up before, ERR_LOGIN_EXPIRED when it is gone */
  take(id: string | undefined): Promise<Outcome>
  /** What a try-out brought, for one look within five minutes; answers the id by which it is taken. */
  leaveSight(outcome: Outcome): Promise<string>
  /** `undefined` when it was looked at before, or is gone. */
  takeSight(id: string | undefined): Promise<Outcome | undefined>
  /** An assertion that waits for the proof of an existing account, by the page it belongs to. */
  setAside(outcome: Outcome): Promise<void>
  aside(base: string): Promise<Outcome | undefined>
  /** A line to show on the next page of this base, once. */
  leaveNote(base: string, text: string): Promise<void>
  takeNote(base: string): Promise<string | undefined>
  /** An invitation's link was opened in a browser, by its binding: the last one counts, and nothing of one before. */
  holdInvitation(binding: string, proof: string): Promise<void>
  /** What a sign-in in that browser brings: the proof of an invitation that it has not used yet, and what became of it. */
  heldInvitation(binding: string): Promise<HeldInvitation | undefined>
  settleInvitation(binding: string, held: HeldInvitation): Promise<void>
  forPlugin(record: AttemptRecord, urls: { issuer: string; redirectUri: URL }): Attempt
}

/** The digest of a binding cookie. */
export function bindingOf(cookie: string): string {
  return createHash('sha256').update(`binding:${cookie}`).digest('base64url')
}

/** Whether the browser that asks is the one that began. */
export function isSameBrowser(record: { readonly binding: string }, cookie: string | undefined): boolean {
  return cookie !== undefined && timingSafeEqual(Buffer.from(record.binding), Buffer.from(bindingOf(cookie)))
}

export function createAttempts(needs: { artifacts: ArtifactStore; clock: Clock; random: Random }): Attempts {
  const { artifacts, clock, random } = needs
  const recordOf = (model: string, id: string, payload: unknown, seconds = lifeSeconds) =>
    // Records are plain data; dates in an assertion are revived in `outcomeOf`.
    ({ model, id, payload: payload as Json, expiresAt: Math.floor(clock.now().getTime() / 1000) + seconds })
  const put = (...record: Parameters<typeof recordOf>) => artifacts.put(recordOf(...record))
  /** Under an id that was made just now. */
  const putNew = (...record: Parameters<typeof recordOf>) => artifacts.put({ ...recordOf(...record), isNew: true })
  const read = async (model: string, id: string) => {
    const found = await artifacts.find(model, id)
    return found && found.consumedAt === undefined ? found.payload : undefined
  }
  const once = async (model: string, id: string): Promise<void> => {
    await artifacts.consume(model, id).catch((error: unknown) => {
      if (!isConsumeConflict(error)) throw error
      throw new Fault('ERR_LOGIN_REPLAYED', 'This sign-in was used before. Please start again.')
    })
  }
  return {
    async begin(start, first) {
      const made = { state: random.token(), nonce: random.token(), codeVerifier: random.token() }
      const record = { ...start, ...made, kept: undefined, form: undefined }
      const answer = first(record)
      const isKept = !(await isWithinTurn(answer))
      if (isKept) await putNew('Attempt', record.state, record)
      return { record, step: await answer, isKept }
    },
    async find(state) {
      if (!state || !/^[\w-]{43}$/.test(state)) return undefined
      return (await read('Attempt', state)) as unknown as AttemptRecord | undefined
    },
    update: (record, { isNew } = { isNew: false }) => (isNew ? putNew : put)('Attempt', record.state, record),
    consume: (record) => once('Attempt', record.state),
    outcome(record, assertion) {
      const { instance, base, purpose, account, session, binding, remember } = record
      const of = { instance, base, purpose, account, session, binding, remember }
      return { id: random.token(), ...of, assertion: purpose === 'sandbox' ? without(assertion) : assertion }
    },
    leave: (outcome) => putNew('Outcome', outcome.id, outcome),
    async take(id) {
      const found = id && /^[\w-]{43}$/.test(id) ? await artifacts.find('Outcome', id) : undefined
      if (!found || !id) throw new Fault('ERR_LOGIN_EXPIRED', 'This sign-in took too long. Please start again.')
      await once('Outcome', id)
      return outcomeOf(found.payload)
    },
    async leaveSight(outcome) {
      const id = random.token()
      await put('Sight', id, outcome, sightSeconds)
      return id
    },
    async takeSight(id) {
      const found = id && /^[\w-]{43}$/.test(id) ? await read('Sight', id) : undefined
      if (found === undefined || id === undefined) return undefined
      const isFirst = await once('Sight', id).then(
        () => true,
        (error: unknown) => {
          if (!isFault(error) || error.code !== 'ERR_LOGIN_REPLAYED') throw error
          return false
        },
      )
      return isFirst ? outcomeOf(found) : undefined
    },
    setAside: (outcome) => put('Aside', outcome.base, outcome),
    async aside(base) {
      const found = await read('Aside', base)
      return found === undefined ? undefined : outcomeOf(found)
    },
    leaveNote: (base, text) => put('Note', base, { text }),
    async takeNote(base) {
      const found = (await read('Note', base)) as { text: string } | undefined
      if (found) await artifacts.delete('Note', base)
      return found?.text
    },
    holdInvitation: (binding, proof) => put('Invited', binding, { proof }, invitationSeconds),
    async heldInvitation(binding) {
      return (await read('Invited', binding)) as HeldInvitation | undefined
    },
    async settleInvitation(binding, held) {
      const now = (await read('Invited', binding)) as HeldInvitation | undefined
      // Another link that was opened meanwhile stays.
      if (now?.proof === held.proof) await put('Invited', binding, held, invitationSeconds)
    },
    forPlugin: (record, { issuer, redirectUri }) => ({
      // Made when they are asked for: hardly a plugin wants them all.
      get id() {
        return bindingOf(record.state)
      },
      state: record.state,
      nonce: record.nonce,
      codeVerifier: record.codeVerifier,
      redirectUri,
      get secretUri() {
        return new URL(`/sign-in/${record.instance}/a/${record.state}`, issuer)
      },
      get visitUri() {
        return new URL(`/sign-in/${record.instance}/visit?state=${record.state}`, issuer)
      },
      // A plugin does for a look what it does for a sign-in, or the look would show something else.
      purpose: record.purpose === 'link' ? 'link' : 'sign-in',
      fresh: record.fresh,
      kept: record.kept,
    }),
  }
}

/** Whether a promise is settled before the event loop turns. */
function isWithinTurn(answer: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const turn = setImmediate(resolve, false)
    const settled = () => {
      clearImmediate(turn)
      resolve(true)
    }
    answer.then(settled, settled)
  })
}

/** Of what an upstream gave to be kept, only that there was something. */
function without({ keep, ...assertion }: Assertion): Assertion {
  return keep === undefined ? assertion : { ...assertion, keep: true }
}

function outcomeOf(payload: Json): Outcome {
  const outcome = payload as unknown as Omit<Outcome, 'assertion'> & {
    assertion: Omit<Assertion, 'at'> & { at: string }
  }
  return { ...outcome, assertion: { ...outcome.assertion, at: new Date(outcome.assertion.at) } }
}

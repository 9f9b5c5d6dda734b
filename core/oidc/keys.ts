/** Signing keys: made at the first start, changed by age, sealed in the database, given to the Provider as a JWK set. @module */
import { generateKeyPair } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Clock, Fault, type Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { JWK, JWKS } from 'oidc-provider'
import { SettingEntity, type SigningKey, SigningKeyEntity } from '../storage/entities.ts'
import type { Storage } from '../storage/storage.ts'
import { dueSteps, type KeyRules, type KeyStep, type StagedKey } from './key-stages.ts'

const generate = promisify(generateKeyPair)
const purpose = 'signing-key'

/** Algorithms a relying party may choose; RS256 is what OpenID Connect Core §15.1 requires and the default of RFC 7591. */
export const signingAlgorithms = ['RS256', 'ES256'] as const
/** An algorithm that ID tokens may be signed with. */
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** A signing key without its secret part. */
export interface KeyListing extends StagedKey {}

/** The keys that sign tokens, sealed at rest. */
export interface SigningKeys {
  /** The private JWK set for the Provider: current keys first, then next and retired ones that are only published. Makes those that are missing. */
  load(): Promise<JWKS>
  list(): Promise<KeyListing[]>
  /** Names the keys and their stages: another text, another set. */
  ring(): Promise<string>
  /** Does what is due by the rules, once among all processes; says what it did. */
  advance(rules: KeyRules): Promise<KeyStep[]>
  /** Makes the next key of `alg` unless there is one: published now, used when every copy of the set has it. */
  announce(alg: SigningAlgorithm): Promise<KeyListing>
  /**
   * Makes a new current key of `alg` at once; the one before it is retired but stays published. Where several processes
   * serve, each of them publishes it first: then this takes some seconds.
   */
  rotate(alg: SigningAlgorithm): Promise<KeyListing>
  /** Takes a key away whose secret is known to others: what it signed counts no more. @throws Fault ERR_NOT_FOUND, ERR_CONFLICT for the one in use */
  remove(kid: string): Promise<void>
}

/** Only what is missing is made. */
const untilAsked: KeyRules = { rotateAfter: 0, publishBefore: Number.POSITIVE_INFINITY, keep: Number.POSITIVE_INFINITY }

interface Needs {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  /** Milliseconds in which every process is to publish a key that is wanted at once; default 5000. */
  readonly headStartMs?: number
}

/** Makes the signing keys on a storage. */
export function createSigningKeys(needs: Needs): SigningKeys {
  const { storage, clock, headStartMs = 5000 } = needs
  const { tellIn } = storage.notices
  const list = async () => (await storage.startRows.signingKeys()).map(stagedOf)
  const advance = async (rules: KeyRules): Promise<KeyStep[]> => {
    const ask = { rules, algorithms: signingAlgorithms }
    // Nearly always nothing is due, and nobody waits.
    const due = dueSteps(await list(), clock.now(), ask)
    if (due.length === 0) return []
    const made = new Map<string, Made>()
    for (const step of due) if (step.do === 'make') made.set(step.alg, await make(needs, step.alg as SigningAlgorithm))
    return storage.transaction(async (em) => {
      await takeTurn(em, clock.now())
      // Another process may have done it meanwhile.
      const still = dueSteps((await rowsIn(em)).map(stagedOf), clock.now(), ask)
      const done = still.filter((step) => step.do !== 'make' || made.has(step.alg))
      for (const step of done) await doStep(em, step, { made: made.get(step.alg), now: clock.now() })
      if (done.length > 0) await tellIn(em, 'keys')
      return done
    })
  }
  const makeAs = async (alg: SigningAlgorithm, state: 'next' | 'current'): Promise<KeyListing> => {
    const made = await make(needs, alg)
    const now = clock.now()
    await storage.transaction(async (em) => {
      if (state === 'current') await retireCurrent(em, alg, now)
      await insert(em, made, { alg, state, now })
      await tellIn(em, 'keys')
    })
    return { kid: made.kid, alg, state, createdAt: now, since: now }
  }
  /** What one process signs, the others must verify: they publish the key before any of them signs with it. */
  const rotateAmong = async (alg: SigningAlgorithm): Promise<KeyListing> => {
    const { kid } = await makeAs(alg, 'next')
    await pause(headStartMs)
    await storage.transaction(async (em) => {
      await doStep(em, { do: 'use', alg, kid }, { made: undefined, now: clock.now() })
      await tellIn(em, 'keys')
    })
    const used = (await list()).find((key) => key.kid === kid)
    if (used === undefined) throw new Fault('ERR_CONFLICT', `key ${kid} was removed before it could be used`)
    return used
  }
  return {
    advance,
    list,
    ring: async () => ringOf(await list()),
    rotate: (alg) => (storage.isShared ? rotateAmong(alg) : makeAs(alg, 'current')),
    async announce(alg) {
      const known = (await list()).find((key) => key.alg === alg && key.state === 'next')
      return known ?? makeAs(alg, 'next')
    },
    async remove(kid) {
      await storage.transaction(async (em) => {
        const row = (await rowsIn(em)).find((one) => one.kid === kid)
        if (row === undefined)
          throw new Fault('ERR_NOT_FOUND', `there is no key ${kid}; \`labgate keys list\` shows all`)
        if (row.state === 'current')
          throw new Fault(
            'ERR_CONFLICT',
            `key ${kid} is in use; \`labgate keys rotate --now\` puts another in its place`,
          )
        await em.nativeDelete(SigningKeyEntity, { kid })
        await tellIn(em, 'keys')
      })
    },
    async load() {
      await advance(untilAsked)
      const rank = { current: 0, next: 1, retired: 2 } as const
      const rows = await storage.startRows.signingKeys()
      const sorted = rows.toSorted((a, b) => rank[a.state] - rank[b.state])
      const opened = sorted.map((row) => storage.ring.open(Buffer.from(row.jwkSealed), purpose).toString())
      return { keys: opened.map((text) => JSON.parse(text) as JWK) }
    },
  }
}

/** Names keys and stages. */
function ringOf(keys: readonly StagedKey[]): string {
  return keys
    .map(({ kid, state }) => `${kid} ${state}`)
    .toSorted()
    .join('\n')
}

interface Made {
  readonly kid: string
  readonly sealed: Buffer
}

async function make({ storage, random }: Needs, alg: SigningAlgorithm): Promise<Made> {
  const pair =
    alg === 'RS256' ? await generate('rsa', { modulusLength: 2048 }) : await generate('ec', { namedCurve: 'P-256' })
  const kid = `${alg.toLowerCase()}-${random.token().slice(0, 12)}`
  const jwk = { ...pair.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  return { kid, sealed: storage.ring.seal(JSON.stringify(jwk), purpose) }
}

/** The newest first: what is read anew in a transaction must not come from memory. */
function rowsIn(em: EntityManager) {
  return em.find(SigningKeyEntity, {}, { orderBy: { createdAt: 'desc' }, disableIdentityMap: true })
}

function stagedOf(row: SigningKey): KeyListing {
  const { kid, alg, state, createdAt, stateSince } = row
  return { kid, alg, state, createdAt, since: stateSince ?? createdAt }
}

/** Holds a row until the transaction ends, so that of several processes one at a time decides. */
async function takeTurn(em: EntityManager, now: Date): Promise<void> {
  await em.upsert(SettingEntity, { key: 'signing.turn', value: now.toISOString() })
}

async function doStep(
  em: EntityManager,
  step: KeyStep,
  { made, now }: { readonly made: Made | undefined; readonly now: Date },
): Promise<void> {
  const { alg } = step
  if (step.do === 'remove') await em.nativeDelete(SigningKeyEntity, { kid: step.kid, state: 'retired' })
  else if (step.do === 'use') {
    await retireCurrent(em, alg, now)
    await em.nativeUpdate(SigningKeyEntity, { kid: step.kid }, { state: 'current', stateSince: now })
  } else if (made) await insert(em, made, { alg, state: step.state, now })
}

async function retireCurrent(em: EntityManager, alg: string, now: Date): Promise<void> {
  await em.nativeUpdate(SigningKeyEntity, { alg, state: 'current' }, { state: 'retired', stateSince: now })
}

async function insert(
  em: EntityManager,
  { kid, sealed }: Made,
  { alg, state, now }: { readonly alg: string; readonly state: 'next' | 'current'; readonly now: Date },
): Promise<void> {
  const row = { kid, alg, state, use: 'sig', jwkSealed: sealed, createdAt: now, stateSince: now }
  await em.insert(SigningKeyEntity, row)
}

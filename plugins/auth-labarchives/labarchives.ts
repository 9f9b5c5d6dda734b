/**
 * The trip of a sign-in with LabArchives: to its signed sign-in page and back with a code, or by a code typed here, then
 * the exchange. The protocol has no state; the attempt's secret path, which is part of what is signed, stands in for it.
 * @module
 */
import {
  type Assertion,
  type Attempt,
  type AuthMethod,
  type Card,
  Fault,
  type Finding,
  type IdentityLink,
  isFault,
  type RedeemAsk,
  type Refusal,
  type SignInAsk,
  type SignInReply,
  type Step,
} from '@labgate/contract'
import type { Person } from './answers.ts'
import { type Answer, type Api, apiOf } from './api.ts'
import type { Context } from './config.ts'
import { lonelyFault, type No } from './errors.ts'
import { assertionOf, emailBeside, emailOf, mostNotebooks, type Proof, readKept } from './facts.ts'
import { icon } from './icon.ts'
import { isNew, mayGuess, retryAfterSeconds } from './limits.ts'
import { broughtBy, manualForm, type Typed, typedIn } from './manual.ts'

/** A clock further off than this is worth a word in `doctor`. */
const tolerableMs = 30_000

interface Parts {
  readonly context: Context
  readonly api: Api
}

/** Makes a sign-in with LabArchives. Pure: the first request goes out at the first sign-in. */
export function labArchivesMethod(context: Context): AuthMethod {
  const parts: Parts = { context, api: apiOf(context) }
  return {
    issuers: [parts.api.place.origin],
    card: ({ locale }) => card(context, locale),
    begin: (ask, attempt) => begin(parts, ask, attempt),
    next: (reply, attempt) => next(parts, reply, attempt),
    redeem: (ask) => redeem(parts, ask),
    refresh: (link) => refresh(parts, link),
    health: async () => {
      const detail = parts.api.trouble()
      return detail === undefined ? { ok: true } : { ok: false, detail }
    },
    probe: () => probe(parts),
    stop: async () => parts.api.stop(),
  }
}

function card(context: Context, locale: string): Card {
  const { label: name, manual } = context.config
  const label = context.text('card', { name }, locale)
  const face = { label, name, icon: context.config.icon ?? icon }
  if (manual !== 'offered') return face
  const hint = context.text('card.manual.hint', { name }, locale)
  const choice = {
    name: 'manual',
    type: 'checkbox',
    label: context.text('card.manual', { name }, locale),
    hint,
  } as const
  return { ...face, form: { fields: [choice], submit: label } }
}

async function begin({ context, api }: Parts, ask: SignInAsk, attempt: Attempt): Promise<Step> {
  const { manual } = context.config
  if (manual === 'only' || (manual === 'offered' && ask.input.get('manual') === 'on')) {
    return { form: manualForm(context, { locale: ask.locale, email: ask.loginHint }), keep: { way: 'manual' } }
  }
  return { to: await api.loginUrl(attempt.secretUri), keep: { way: 'page' } }
}

async function next(parts: Parts, reply: SignInReply, attempt: Attempt): Promise<Step> {
  const way = wayOf(attempt)
  if (reply.via === 'form' && way === 'manual') return byTyping(parts, reply)
  // The core has found the attempt by this path; that it is this attempt's own is the whole of the protocol's state.
  const isBack = reply.via === 'callback' && reply.method === 'GET' && way === 'page'
  if (!isBack || reply.url.pathname !== attempt.secretUri.pathname) return no(parts, reply, 'unknown')
  return byPage(parts, reply)
}

function wayOf({ kept }: Attempt): 'manual' | 'page' | undefined {
  const way = (kept as { readonly way?: unknown } | null | undefined)?.way
  return way === 'manual' || way === 'page' ? way : undefined
}

async function byPage(parts: Parts, reply: SignInReply): Promise<Step> {
  const error = reply.url.searchParams.get('error')
  if (error !== null) return refusedThere(parts, reply, error)
  const brought = broughtBy(reply.url)
  if (brought === undefined) return no(parts, reply, 'unknown')
  if (!(await isNew(parts.context, brought.code))) return no(parts, reply, 'used')
  const answer = await parts.api.personByCode(brought.email, brought.code)
  return 'no' in answer ? no(parts, reply, answer.no) : { done: doneBy(parts, { person: answer.ok, brought, amr: [] }) }
}

/** Their page cannot be asked twice, but the next sign-in need not meet the same wrong clock. */
async function refusedThere(parts: Parts, reply: SignInReply, error: string): Promise<Step> {
  if (!/4504|expire/i.test(error)) return no(parts, reply, 'denied')
  await parts.api.measure()
  return no(parts, reply, 'clock')
}

async function byTyping(parts: Parts, reply: SignInReply): Promise<Step> {
  const { context } = parts
  const typed = typedIn(reply.body)
  if (typed === undefined) return again(parts, reply, 'manual.missing')
  if (!(await mayGuess(context, { email: typed.email, network: reply.address }))) return no(parts, reply, 'guesses')
  const answer = await parts.api.personByCode(typed.email, typed.code)
  if ('ok' in answer) return { done: doneBy(parts, { person: answer.ok, brought: typed, amr: ['pwd'] }) }
  const mayTryAgain = answer.no === 'wrong' || answer.no === 'address' || answer.no === 'busy'
  return mayTryAgain ? again(parts, reply, `no.${answer.no}`) : no(parts, reply, answer.no)
}

type Redeemed = Awaited<ReturnType<NonNullable<AuthMethod['redeem']>>>

/**
 * The manual path for a job. A code counts once here, though it works for an hour at LabArchives: a job's command line
 * is read by many.
 */
async function redeem(parts: Parts, { fields, address }: RedeemAsk): Promise<Redeemed> {
  const { context } = parts
  const typed = typedIn(new URLSearchParams(fields))
  const nay = (why: keyof typeof reasons): Redeemed => ({ no: refusal(parts, why, 'en') })
  if (typed === undefined) return nay('missing')
  if (!(await mayGuess(context, { email: typed.email, network: address }))) return nay('guesses')
  const answer = await parts.api.personByCode(typed.email, typed.code)
  if ('no' in answer) return nay(answer.no)
  // Only now: a code that came to nothing for their trouble may be sent again.
  if (!(await isNew(context, typed.code))) return nay('used')
  return { done: doneBy(parts, { person: answer.ok, brought: typed, amr: ['pwd'] }) }
}

function again({ context }: Parts, reply: SignInReply, key: string): Step {
  const { locale, body } = reply
  const error = context.text(key, { name: context.config.label }, locale)
  return { form: manualForm(context, { locale, email: body.get('email') ?? undefined, error }) }
}

interface Come {
  readonly person: Person
  readonly brought: Typed
  readonly amr: readonly string[]
}

function doneBy(parts: Parts, { person, brought, amr }: Come): Assertion {
  const email = emailOf(brought.email, person.email)
  return told(parts, person, { email, amr, at: parts.context.clock.now() })
}

function told({ context, api }: Parts, person: Person, proof: Proof): Assertion {
  const { config, log } = context
  const left = person.notebooks.length - mostNotebooks
  if (config.notebooks && left > 0) log.warn({ left }, 'a person has more notebooks than are kept')
  return assertionOf({ ...config, place: api.place }, person, proof)
}

const reasons: Readonly<
  Record<No | 'denied' | 'clock' | 'guesses' | 'used' | 'unknown' | 'missing', Refusal['reason']>
> = {
  wrong: 'denied',
  address: 'denied',
  withdrawn: 'expired',
  over: 'expired',
  forbidden: 'not-allowed',
  busy: 'limited',
  denied: 'denied',
  clock: 'failed',
  guesses: 'limited',
  used: 'used',
  unknown: 'failed',
  missing: 'failed',
}

const waits: Readonly<Partial<Record<keyof typeof reasons, number>>> = { busy: 30, guesses: retryAfterSeconds }

function no(parts: Parts, { locale }: SignInReply, why: keyof typeof reasons): Step {
  return { no: refusal(parts, why, locale) }
}

function refusal({ context }: Parts, why: keyof typeof reasons, locale: string): Refusal {
  const message = context.text(`no.${why}`, { name: context.config.label }, locale)
  const wait = waits[why]
  const reason = reasons[why]
  return wait === undefined ? { reason, message } : { reason, message, retryAfterSeconds: wait }
}

async function refresh(parts: Parts, link: IdentityLink): Promise<Assertion | 'gone'> {
  const { api, context } = parts
  const kept = readKept(link.kept)
  if (kept === undefined) {
    const { label } = context.config
    throw new Fault('ERR_LOGIN_EXPIRED', `${label} does not let us look you up again. Please sign in once more.`)
  }
  const answer = await api.personById(kept.uid)
  if ('no' in answer) return goneOr(parts, answer)
  const email = emailBeside(kept.email, answer.ok.email)
  const assertion = told(parts, answer.ok, { email, amr: [], at: kept.at })
  if (assertion.subject === link.subject) return assertion
  throw new Fault('ERR_UPSTREAM', `${api.who}: ${api.place.host} answered user_info_via_id with somebody else`)
}

function goneOr({ api }: Parts, { no: why }: Extract<Answer<Person>, { readonly no: No }>): 'gone' {
  if (why === 'withdrawn') return 'gone'
  throw lonelyFault({ who: api.who, host: api.place.host, method: 'user_info_via_id' }, why)
}

async function* probe({ api }: Parts): AsyncIterable<Finding> {
  const time = `${api.place.host} tells its time`
  const aheadMs = await api.measure().catch(foreseen)
  if (isFault(aheadMs)) {
    yield { ok: false, what: time, mend: aheadMs.message }
    return
  }
  yield { ok: true, what: time }
  const off = `our clock is ${Math.round(Math.abs(aheadMs) / 1000)} s off theirs`
  if (Math.abs(aheadMs) <= tolerableMs) yield { ok: true, what: off }
  else yield { ok: false, what: off, mend: 'set this machine’s clock (NTP), or `clockSource: epoch_time`' }
  const answer = await api.knock().catch(foreseen)
  const key = 'the access key is accepted'
  yield isFault(answer) ? { ok: false, what: key, mend: answer.message } : { ok: true, what: key }
}

function foreseen(error: unknown): Fault {
  if (isFault(error)) return error
  throw error
}

/**
 * The part of the LabArchives ELN API that signing in needs: signed, paced, with the clock put right. A call that comes
 * too late by their clock is repeated once; nothing else is ever repeated.
 * @module
 */
import { Fault, isFault } from '@labgate/contract'
import { epochIn, errorIn, type Person, personIn } from './answers.ts'
import type { Context } from './config.ts'
import { type Asked, errorFault, type No, verdictOf } from './errors.ts'
import { type Pace, paceOf } from './pace.ts'
import { type Place, placeOf } from './regions.ts'
import { signatureOf } from './signature.ts'
import { type Element, readXml } from './xml.ts'

/** Their time is asked for again after this long. */
const trustedMs = 3600_000

type Parameters = Readonly<Record<string, string>>
/** An answer, or why the person gets none. */
export type Answer<T> = { readonly ok: T } | { readonly no: No }

/** LabArchives, as one instance speaks with it. */
export interface Api {
  readonly place: Place
  /** `auth-labarchives "id"`, for messages. */
  readonly who: string
  /** The signed address of their sign-in page, which leads back to `back`. */
  loginUrl(back: URL): Promise<URL>
  /** Trades a code for the person it was given to. */
  personByCode(login: string, code: string): Promise<Answer<Person>>
  /** Asks again about somebody who was here before. */
  personById(uid: string): Promise<Answer<Person>>
  /** Asks for their time; how many milliseconds it is ahead of ours. */
  measure(): Promise<number>
  /** A signed call that changes nothing and tells of nobody. */
  knock(): Promise<Answer<Element>>
  /** The last trouble, in words; `undefined` when the last call went well. */
  trouble(): string | undefined
  stop(): void
}

interface Parts {
  readonly context: Context
  readonly place: Place
  readonly who: string
  readonly pace: Pace
  readonly clock: { aheadMs: number; measuredAt: number | undefined }
  readonly last: { trouble: string | undefined }
}

/** Makes the API of one instance. Opens nothing. */
export function apiOf(context: Context): Api {
  const place = placeOf(context.config)
  const who = `auth-labarchives "${context.id}"`
  const clock = { aheadMs: 0, measuredAt: undefined }
  const parts: Parts = { context, place, who, pace: paceOf(context), clock, last: { trouble: undefined } }
  return {
    place,
    who,
    loginUrl: (back) => loginUrl(parts, back),
    personByCode: (login, code) => person(parts, 'user_access_info', { login_or_email: login, password: code }),
    personById: (uid) => person(parts, 'user_info_via_id', { uid }),
    measure: () => measure(parts),
    knock: () => call(parts, { path: 'utilities', method: 'api_base_urls', parameters: {} }),
    trouble: () => parts.last.trouble,
    stop: () => parts.pace.stop(),
  }
}

async function loginUrl(parts: Parts, back: URL): Promise<URL> {
  await trustClock(parts)
  const url = new URL('/api_user_login', parts.place.origin)
  const { loginExpiry } = parts.context.config
  url.search = signed(parts, { redirect_uri: back.href }, { method: back.href, aheadSeconds: loginExpiry }).toString()
  return url
}

function signed(
  { context, clock }: Parts,
  parameters: Parameters,
  { method, aheadSeconds }: { method: string; aheadSeconds: number },
): URLSearchParams {
  const { accessKeyId, accessPassword, signatureAlgorithm: algorithm } = context.config
  const expires = context.clock.now().getTime() + clock.aheadMs + aheadSeconds * 1000
  const sig = signatureOf({ accessKeyId, password: accessPassword.reveal(), algorithm }, { method, expires })
  return new URLSearchParams({ ...parameters, akid: accessKeyId, expires: String(expires), sig })
}

async function person(parts: Parts, method: string, parameters: Parameters): Promise<Answer<Person>> {
  const answer = await call(parts, { path: 'users', method, parameters })
  return 'ok' in answer ? { ok: understood(parts, method, () => personIn(answer.ok)) } : answer
}

interface Call {
  readonly path: 'users' | 'utilities'
  readonly method: string
  readonly parameters: Parameters
}

async function call(parts: Parts, what: Call): Promise<Answer<Element>> {
  await trustClock(parts)
  const first = await callOnce(parts, what)
  if (!('late' in first)) return first
  await measure(parts)
  const second = await callOnce(parts, what)
  if ('late' in second) throw noted(parts, errorFault(askedOf(parts, what.method), 4504))
  return second
}

async function callOnce(parts: Parts, { path, method, parameters }: Call): Promise<Answer<Element> | { late: true }> {
  if (!(await parts.pace.turn())) return { no: 'busy' }
  const url = new URL(`/api/${path}/${method}`, parts.place.origin)
  url.search = signed(parts, parameters, { method, aheadSeconds: parts.context.config.callExpiry }).toString()
  const { status, answer } = await ask(parts, url, method)
  const code = errorIn(answer)
  if (code !== undefined) return verdict(parts, method, code)
  if (status !== 200) throw unusable(parts, method, new Error(`status ${status}`))
  parts.last.trouble = undefined
  return { ok: answer }
}

function verdict(parts: Parts, method: string, code: number) {
  try {
    const said = verdictOf(askedOf(parts, method), code)
    parts.last.trouble = undefined
    return said
  } catch (error) {
    throw isFault(error) ? noted(parts, error) : error
  }
}

/** With `epoch_time` as the source, their time is known before the first signature and not older than an hour. */
async function trustClock(parts: Parts): Promise<void> {
  const { context, clock } = parts
  if (context.config.clockSource === 'local') return
  const age = clock.measuredAt === undefined ? Infinity : context.clock.now().getTime() - clock.measuredAt
  if (age < 0 || age > trustedMs) await measure(parts)
}

async function measure(parts: Parts): Promise<number> {
  const { context, clock, place } = parts
  const method = 'epoch_time'
  if (!(await parts.pace.turn())) throw new Fault('ERR_UPSTREAM', `${parts.who}: too many calls wait for their turn`)
  const url = new URL(`/api/utilities/${method}`, place.origin)
  url.search = new URLSearchParams({ akid: context.config.accessKeyId }).toString()
  const { answer } = await ask(parts, url, method)
  const code = errorIn(answer)
  if (code !== undefined) throw noted(parts, errorFault(askedOf(parts, method), code))
  const theirs = understood(parts, method, () => epochIn(answer))
  const now = context.clock.now().getTime()
  clock.aheadMs = theirs - now
  clock.measuredAt = now
  return clock.aheadMs
}

/** One request. Neither its address nor its answer may be logged: both hold codes and signatures. */
async function ask(parts: Parts, url: URL, method: string): Promise<{ status: number; answer: Element }> {
  try {
    const headers = { accept: 'application/xml' }
    const response = await parts.context.fetch(url, { headers, redirect: 'manual' })
    const body = await response.text()
    const { status } = response
    return { status, answer: readAnswer(body, status) }
  } catch (error) {
    throw isFault(error) ? noted(parts, error) : unusable(parts, method, error)
  }
}

function readAnswer(body: string, status: number): Element {
  try {
    return readXml(body)
  } catch (cause) {
    throw new Error(`status ${status}, ${cause instanceof Error ? cause.message : 'no XML'}`, { cause })
  }
}

function understood<T>(parts: Parts, method: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw unusable(parts, method, error)
  }
}

function unusable(parts: Parts, method: string, cause: unknown): Fault {
  const why = cause instanceof Error ? cause.message : 'no reason given'
  const { host } = parts.place
  const said = `${parts.who}: ${host} gave no usable answer to ${method}: ${why}`
  return noted(parts, new Fault('ERR_UPSTREAM', said, { cause, detail: { host, method } }))
}

function askedOf({ who, place }: Parts, method: string): Asked {
  return { who, host: place.host, method }
}

function noted(parts: Parts, fault: Fault): Fault {
  parts.last.trouble = fault.message
  return fault
}

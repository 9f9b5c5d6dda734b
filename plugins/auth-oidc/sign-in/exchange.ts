/**
 * The wire to one upstream: the guarded fetch handed to the library, what it last heard, and faults for what went wrong.
 * @module
 */
import { type Clock, Fault, type Health } from '@labgate/contract'
import * as oauth from 'oauth4webapi'
import { type Asked, faultOf, type OAuthRefusal, refusalOf, refusedFault, unreachableFault } from './faults.ts'

export interface ExchangeNeeds {
  /** Who asks, for messages: `auth-oidc "university"`. */
  readonly name: string
  readonly issuer: string
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
}

/** The options every call of the library gets. */
export type CallOptions = ReturnType<typeof callOptions>

export interface Exchange {
  /** Runs one exchange; what goes wrong becomes a fault. */
  run<T>(what: string, work: (options: CallOptions) => Promise<T>): Promise<T>
  /** As `run`, but an OAuth error answered by the upstream is a value. */
  attempt<T>(what: string, work: (options: CallOptions) => Promise<T>): Promise<{ ok: T } | { refused: OAuthRefusal }>
  /** One request beyond the flow, to the upstream's API; any answer is handed on. @throws Fault ERR_UPSTREAM when none came */
  send(what: string, url: URL, init?: RequestInit): Promise<Response>
  /** The fault for a refusal that the caller did not expect. */
  refuse(what: string, refused: OAuthRefusal): Fault
  /** The last time the upstream could not be used, if it was not usable since. */
  lastFailure(): { readonly at: Date; readonly fault: Fault } | undefined
  /** Notes a failure that was found out after the answer had come. */
  noteFailure(fault: Fault): void
  health(): Health
}

/** Makes the wire to one upstream. Opens nothing. */
export function createExchange(needs: ExchangeNeeds): Exchange {
  let failure: { at: Date; fault: Fault } | undefined
  let refused: Fault | undefined
  const host = new URL(needs.issuer).host
  const failed = (fault: Fault): Fault => {
    failure = { at: needs.clock.now(), fault }
    return fault
  }
  const answered = () => {
    failure = undefined
  }
  const refuse = (what: string, given: OAuthRefusal): Fault => {
    const fault = refusedFault({ name: needs.name, host, what }, given)
    if (given.error === 'invalid_client') refused = fault
    return fault
  }
  const attempt: Exchange['attempt'] = async (what, work) => {
    try {
      const ok = await work(callOptions(needs, what, { failed, answered }))
      if (what === tokenRequest) refused = undefined
      return { ok }
    } catch (error) {
      const given = refusalOf(error)
      if (given !== undefined) return { refused: given }
      throw faultOf({ name: needs.name, host, what }, error)
    }
  }
  return {
    attempt,
    refuse,
    send: (what, url, init = {}) => hear(needs, { what, failed, answered }, { url: url.href, init }),
    async run(what, work) {
      const result = await attempt(what, work)
      if ('refused' in result) throw refuse(what, result.refused)
      return result.ok
    },
    lastFailure: () => failure,
    noteFailure: (fault) => void failed(fault),
    health() {
      const worst = failure?.fault ?? refused
      return worst === undefined ? { ok: true } : { ok: false, detail: worst.message }
    },
  }
}

/** The name of the exchange whose success proves the client credentials. */
export const tokenRequest = 'the token request'

interface Pulse {
  failed(fault: Fault): Fault
  answered(): void
}

function callOptions(needs: ExchangeNeeds, what: string, pulse: Pulse) {
  return {
    // The library's own request options are a part of the platform's; its types say so with other words.
    [oauth.customFetch]: (url: string, init: object) =>
      hear(needs, { ...pulse, what }, { url, init: init as RequestInit }),
    // Not a way round TLS: `assertPrivate` is stricter than the library's own check, but knows loopback.
    [oauth.allowInsecureRequests]: true as const,
  }
}

async function hear(
  needs: ExchangeNeeds,
  pulse: Pulse & { readonly what: string },
  { url, init }: { readonly url: string; readonly init: RequestInit },
): Promise<Response> {
  const { what } = pulse
  const asked: Asked = { name: needs.name, host: new URL(url).host, what }
  assertPrivate(asked, new URL(url))
  const response = await needs.fetch(url, init).catch((error: unknown) => {
    throw pulse.failed(unreachableFault(asked, error))
  })
  if (response.status >= 500) {
    pulse.failed(new Fault('ERR_UPSTREAM', `${asked.name}: ${asked.host} answered ${response.status} to ${what}`))
  } else pulse.answered()
  return response
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Refuses plain http to anything but this machine, whatever the discovery document says. */
function assertPrivate(asked: Asked, url: URL): void {
  if (isPrivate(url)) return
  throw new Fault('ERR_UPSTREAM', `${asked.name}: ${asked.host} must be reached by https for ${asked.what}`)
}

/** Whether an address is https, or on this machine. */
export function isPrivate(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname))
}

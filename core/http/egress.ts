/**
 * The guarded fetch: every request that leaves Labgate passes here. Names are resolved once and the checked address is
 * the one that is connected to, so that a second answer of the name server changes nothing.
 * @module
 */
import { lookup as systemLookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { getCACertificates, TLSSocket } from 'node:tls'
import { Fault, isFault, type Log } from '@labgate/contract'
import type { Agent, buildConnector } from 'undici'
import { outgoingSpans } from '../observe/spans.ts'
import { inRange, parseAddress, parseRange } from './edge.ts'
import { capBody } from './egress-body.ts'

/** One address of a name. */
export interface Resolved {
  readonly address: string
  readonly family: number
}

/** What a guarded fetch needs. */
export interface EgressNeeds {
  /** Who asks: an instance's id or a purpose; in errors, logs and metrics. */
  readonly name: string
  /** Names, addresses and ranges that may be reached although they are private, and over plain http. */
  readonly allow: readonly string[]
  /** For the whole answer, body included; default 10 seconds. */
  readonly timeoutMs?: number
  /** Largest body; default 1 MiB. */
  readonly maxBytes?: number
  /** PEM of an authority to trust beside the system's. */
  readonly ca?: string | undefined
  readonly log: Log
  readonly metrics?: { upstream(sample: UpstreamSample): void }
  readonly watch?: EgressWatch | undefined
  readonly resolve?: (host: string) => Promise<readonly Resolved[]>
}

/** Who looks at the hosts that are reached, as `labgate doctor` does. */
export interface EgressWatch {
  /** A connection with TLS was made; its certificate is good until `validTo`. */
  secured(seen: { readonly name: string; readonly host: string; readonly validTo: Date }): void
  /** An answer came; `time` is what the host's clock says, if it says so. */
  answered(seen: { readonly name: string; readonly host: string; readonly time: Date | undefined }): void
}

/** One finished request, as metrics see it. */
export interface UpstreamSample {
  readonly name: string
  readonly outcome: 'answered' | 'failed' | 'refused'
  readonly seconds: number
}

/** `fetch` with rules; `close` ends its kept connections. */
export type GuardedFetch = typeof globalThis.fetch & { close(): Promise<void> }

/** Says whether a host may be reached under an address. */
interface Policy {
  mayReach(host: string, address: string): boolean
  mayBePlain(host: string, address: string): boolean
}

const isName = (entry: string): boolean => !entry.includes('/') && isIP(entry) === 0
const bare = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase()

function policyOf(allow: readonly string[]): Policy {
  const names = new Set(allow.filter(isName).map((name) => name.toLowerCase()))
  const ranges = allow.filter((entry) => !isName(entry)).map(parseRange)
  const listed = (host: string, text: string) => {
    const address = parseAddress(text)
    return names.has(host) || (address !== undefined && ranges.some((range) => inRange(address, range)))
  }
  return {
    mayReach: (host, address) => listed(host, address) || parseAddress(address)?.range() === 'unicast',
    mayBePlain: listed,
  }
}

function refusal(needs: EgressNeeds, host: string, why: string): Fault {
  return new Fault('ERR_EGRESS', `${needs.name}: ${host} ${why}; if it is meant, add it to \`egress.allow\``)
}

/** Refuses a host when any of its addresses is not allowed: which one gets connected is not ours to choose. */
function assertReachable(
  needs: EgressNeeds,
  policy: Policy,
  to: { host: string; plain: boolean; addresses: readonly Resolved[] },
): void {
  for (const { address } of to.addresses) {
    if (!policy.mayReach(to.host, address)) throw refusal(needs, to.host, 'is not a public address')
    if (to.plain && !policy.mayBePlain(to.host, address)) throw refusal(needs, to.host, 'would be reached without TLS')
  }
}

async function resolveHost(host: string, needs: EgressNeeds): Promise<readonly Resolved[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const resolve = needs.resolve ?? ((name: string) => systemLookup(name, { all: true, verbatim: true }))
  const found = await resolve(host)
  if (found.length === 0) throw new Fault('ERR_UPSTREAM', `${needs.name}: ${host} has no address`)
  return found
}

/** A lookup that knows one host only, with the addresses that were checked. */
function pinned(addresses: readonly Resolved[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses
    if (options.all) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}

type Undici = Pick<typeof import('undici'), 'Agent' | 'buildConnector'>

function connectorOf(needs: EgressNeeds, { buildConnector: build }: Undici): buildConnector.connector {
  const policy = policyOf(needs.allow)
  const tls = needs.ca === undefined ? {} : { ca: [...getCACertificates('default'), needs.ca] }
  const connectChecked = async (options: buildConnector.Options, callback: buildConnector.Callback) => {
    const host = bare(options.hostname)
    const addresses = await resolveHost(host, needs)
    assertReachable(needs, policy, { host, plain: options.protocol === 'http:', addresses })
    const connect = build({
      ...tls,
      timeout: needs.timeoutMs ?? defaults.timeoutMs,
      lookup: pinned(addresses),
    })
    connect(options, watched(needs, host, callback))
  }
  return (options, callback) => {
    connectChecked(options, callback).catch((error: Error) => callback(error, null))
  }
}

/** The callback, after the watch has seen the certificate. */
function watched({ watch, name }: EgressNeeds, host: string, callback: buildConnector.Callback) {
  if (watch === undefined) return callback
  const told: buildConnector.Callback = (...[error, socket]) => {
    if (socket instanceof TLSSocket)
      watch.secured({ name, host, validTo: new Date(socket.getPeerCertificate().valid_to) })
    return error === null ? callback(null, socket) : callback(error, null)
  }
  return told
}

/** The host's time by its answer (RFC 9110 §6.6.1); a kept answer is older by its age (RFC 9111 §5.1). */
function timeOf({ headers }: Response): Date | undefined {
  const milliseconds = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(milliseconds)) return undefined
  return new Date(milliseconds + 1000 * (Number.parseInt(headers.get('age') ?? '0', 10) || 0))
}

const defaults = { timeoutMs: 10_000, maxBytes: 1024 * 1024 }

function causes(error: unknown): readonly Error[] {
  const chain: Error[] = []
  for (let at = error; at instanceof Error && chain.length < 10; at = at.cause) chain.push(at)
  return chain
}

/** What `fetch` threw, as a fault that names the host; the caller's own abort stays what it is. */
function faultOf(error: unknown, needs: EgressNeeds, host: string): unknown {
  const chain = causes(error)
  const fault = chain.find(isFault)
  if (fault !== undefined) return fault
  const timedOut = chain.some((one) => /^(?:TimeoutError|ConnectTimeoutError)$/.test(one.name))
  const codes = chain.map((one) => (one as { code?: unknown }).code).filter((code) => typeof code === 'string')
  const seconds = (needs.timeoutMs ?? defaults.timeoutMs) / 1000
  const why = timedOut
    ? `did not answer within ${seconds} s`
    : `could not be reached (${codes.at(-1) ?? chain.at(-1)?.message ?? 'no reason given'})`
  return new Fault('ERR_UPSTREAM', `${needs.name}: ${host} ${why}`, { cause: error })
}

/** Makes a guarded fetch. Redirects are handed to the caller, never followed; ask for `redirect: 'error'` to have them thrown. */
export function createFetch(needs: EgressNeeds): GuardedFetch {
  const agent = lateAgent(needs)
  const { timeoutMs, maxBytes } = { ...defaults, ...needs }
  const outgoing = outgoingSpans()
  const fetchGuarded = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input)
    const started = performance.now()
    const seconds = () => (performance.now() - started) / 1000
    const own = init.signal ?? (input instanceof Request ? input.signal : undefined)
    const limit = AbortSignal.timeout(timeoutMs)
    const signal = own ? AbortSignal.any([own, limit]) : limit
    const failure = (error: unknown) => (own?.aborted ? error : faultOf(error, needs, url.host))
    const redirect = init.redirect === 'error' ? ('error' as const) : ('manual' as const)
    try {
      // The global fetch takes this undici's dispatcher; its types come from another copy of undici.
      const dispatcher = await agent.get()
      const send = (headers?: Headers) =>
        fetch(input, {
          ...init,
          ...(headers ? { headers } : {}),
          redirect,
          signal,
          dispatcher,
        } as object as RequestInit)
      const response = await (outgoing === undefined
        ? send()
        : outgoing(spanOf(needs.name, url, { input, init }), (more) => send(withHeaders(more, { input, init }))))
      needs.log.debug({ via: needs.name, host: url.host, status: response.status }, 'upstream answered')
      needs.metrics?.upstream({ name: needs.name, outcome: 'answered', seconds: seconds() })
      needs.watch?.answered({ name: needs.name, host: bare(url.hostname), time: timeOf(response) })
      return capBody(response, { maxBytes, failure, tooLarge: () => tooLarge(needs, url.host, maxBytes) })
    } catch (error) {
      const fault = failure(error)
      const outcome = isFault(fault) && fault.code === 'ERR_EGRESS' ? 'refused' : 'failed'
      needs.metrics?.upstream({ name: needs.name, outcome, seconds: seconds() })
      throw fault
    }
  }
  return Object.assign(fetchGuarded, { close: agent.close })
}

/** The connections, made at the first request: many an instance never sends one, and undici is a megabyte of code. */
function lateAgent(needs: EgressNeeds): { get(): Promise<Agent>; close(): Promise<void> } {
  let made: Promise<Agent> | undefined
  const make = async () => {
    const undici = await import('undici')
    return new undici.Agent({ connect: connectorOf(needs, undici), connections: 32, keepAliveTimeout: 10_000 })
  }
  return {
    get() {
      made ??= make()
      return made
    },
    close: async () => (await made)?.close(),
  }
}

interface Sent {
  readonly input: string | URL | Request
  readonly init: RequestInit
}

function spanOf(name: string, url: URL, { input, init }: Sent) {
  return { name, method: init.method ?? (input instanceof Request ? input.method : 'GET'), host: bare(url.hostname) }
}

function withHeaders(more: Readonly<Record<string, string>>, { input, init }: Sent): Headers {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
  for (const [name, value] of Object.entries(more)) headers.set(name, value)
  return headers
}

function tooLarge(needs: EgressNeeds, host: string, maxBytes: number): Fault {
  return new Fault('ERR_UPSTREAM', `${needs.name}: ${host} sent more than ${maxBytes} bytes`)
}

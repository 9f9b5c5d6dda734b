/** What `labgate doctor` sees on the way to others: certificates and clocks of every host, and our issuer as others see it. @module */
import { type Clock, type Finding, isFault } from '@labgate/contract'

/** One host, under the name of who reached it. */
interface Host {
  readonly name: string
  readonly host: string
}

/** Notes what was seen of each host; it is handed to the guarded fetch as its watch. */
export interface Reach {
  secured(seen: Host & { readonly validTo: Date }): void
  answered(seen: Host & { readonly time: Date | undefined }): void
  /** What was seen of the hosts that `name` reached. */
  findings(name: string): Finding[]
}

const dayMs = 86_400_000
const soonDays = 14
const tolerableSeconds = 30

/** Makes the notes. */
export function createReach(clock: Clock): Reach {
  const noted = new Map<string, Map<string, Finding>>()
  const note = (name: string, key: string, finding: Finding) => {
    noted.set(name, (noted.get(name) ?? new Map()).set(key, finding))
  }
  return {
    secured: ({ name, host, validTo }) => note(name, `tls ${host}`, certificateFinding(host, validTo, clock.now())),
    answered({ name, host, time }) {
      if (time !== undefined) note(name, `time ${host}`, clockFinding(host, time, clock.now()))
    },
    findings: (name) => [...(noted.get(name)?.values() ?? [])],
  }
}

function certificateFinding(host: string, validTo: Date, now: Date): Finding {
  const days = Math.floor((validTo.getTime() - now.getTime()) / dayMs)
  const what = `the TLS certificate of ${host} is good for ${days} more days`
  if (days >= soonDays) return { ok: true, what }
  return { ok: false, what, mend: 'renew it (is the job that renews it running?), or tell its operator' }
}

function clockFinding(host: string, time: Date, now: Date): Finding {
  const seconds = Math.round(Math.abs(time.getTime() - now.getTime()) / 1000)
  if (seconds <= tolerableSeconds) return { ok: true, what: `our clock agrees with that of ${host}` }
  const mend = 'set the clock of this machine (NTP); when it is right, tell the operator of the other'
  return { ok: false, what: `our clock and that of ${host} are ${seconds} s apart`, mend }
}

/** What is to be found out about our own issuer. */
export interface IssuerNeeds {
  readonly issuer: string
  readonly fetch: typeof globalThis.fetch
  /** Ids of the keys we sign with; `undefined` when they are not known. */
  readonly signingKeys: readonly string[] | undefined
}

/** Looks at our issuer from outside: can it be reached, by https, is it this Labgate that answers there. */
export async function* lookAtIssuer(needs: IssuerNeeds): AsyncIterable<Finding> {
  yield transportFinding(new URL(needs.issuer))
  const what = `${needs.issuer} answers with its discovery document`
  const answer = await documentAt(new URL('/.well-known/openid-configuration', needs.issuer), needs)
  if ('mend' in answer) {
    yield { ok: false, what, mend: answer.mend }
    return
  }
  yield { ok: true, what }
  const { issuer, jwks_uri: keysAt } = answer.document
  if (issuer !== needs.issuer) {
    const mend = `another service answers there: check \`issuer\` and where the reverse proxy leads`
    yield { ok: false, what: `it calls itself ${String(issuer)}, not ${needs.issuer}`, mend }
    return
  }
  yield { ok: true, what: 'it calls itself by its issuer' }
  if (needs.signingKeys !== undefined && typeof keysAt === 'string' && keysAt.startsWith(`${needs.issuer}/`))
    yield await keysFinding(new URL(keysAt), needs.signingKeys, needs)
}

function transportFinding({ protocol, hostname }: URL): Finding {
  if (protocol === 'https:') return { ok: true, what: 'the issuer is https' }
  // RFC 8252 §8.3: what stays on the machine needs no TLS.
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
    return { ok: true, what: 'the issuer is plain http, for this machine only' }
  const mend = 'put a reverse proxy with TLS in front (docs/operate.md) and write https:// in `issuer`'
  return { ok: false, what: 'the issuer is https', mend }
}

type Answer = { readonly document: Readonly<Record<string, unknown>> } | { readonly mend: string }

async function documentAt(address: URL, { fetch }: Pick<IssuerNeeds, 'fetch'>): Promise<Answer> {
  try {
    const answer = await fetch(address)
    const text = await answer.text()
    if (answer.status !== 200) return { mend: `it answered ${answer.status}: ${mendStatus(answer.status)}` }
    const document: unknown = parsed(text)
    // Any object will do: its members are looked at one by one.
    if (typeof document === 'object' && document !== null) return { document: document as Record<string, unknown> }
    return { mend: 'something else than Labgate answers there: check where the reverse proxy leads' }
  } catch (error) {
    if (!isFault(error)) throw error
    return { mend: `${withHint(error.message)}; is Labgate running, and does the name lead to it or to its proxy?` }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function mendStatus(status: number): string {
  if (status >= 300 && status < 400) return 'the proxy sends people elsewhere; `issuer` must be the final address'
  if (status === 502 || status === 504)
    return 'the proxy does not reach Labgate; is it running, and where `listen` says?'
  if (status === 404) return 'something else than Labgate answers there: check where the reverse proxy leads'
  return 'check `proxies`, and that the proxy passes on Host as it came (docs/operate.md)'
}

async function keysFinding(address: URL, wanted: readonly string[], needs: IssuerNeeds): Promise<Finding> {
  const what = 'it publishes the keys that tokens are signed with'
  const answer = await documentAt(address, needs)
  if ('mend' in answer) return { ok: false, what, mend: answer.mend }
  const { keys } = answer.document
  const published = Array.isArray(keys) ? keys.map((key: { kid?: unknown } | null) => key?.kid) : []
  if (wanted.every((kid) => published.includes(kid))) return { ok: true, what }
  return { ok: false, what, mend: 'restart Labgate; or it runs on another database than this config names' }
}

const hints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/CERT_HAS_EXPIRED/, 'its TLS certificate has expired: renew it, or tell its operator'],
  [/ALTNAME_INVALID/, 'its TLS certificate is for another name'],
  [
    /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
    'its TLS certificate is of an authority that this machine does not know: name it in `tls.ca` of the plugin or in NODE_EXTRA_CA_CERTS',
  ],
  [/ENOTFOUND|EAI_AGAIN/, 'its name is not found: check the spelling, and the DNS of this machine'],
  [/ECONNREFUSED/, 'nothing listens there'],
]

/** A message with what its error code means, when it has one that is known. */
export function withHint(message: string): string {
  const hint = hints.find(([pattern]) => pattern.test(message))?.[1]
  return hint === undefined ? message : `${message}: ${hint}`
}

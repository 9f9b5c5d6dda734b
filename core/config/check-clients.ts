/** What can be wrong with a relying party's entry: above all, addresses that would give codes away. Pure. @module */
import { keyConditions } from './check-client-keys.ts'
import type { Finding } from './finding.ts'
import type { Path } from './problems.ts'
import type { ClientEntry } from './schema.ts'
import { didYouMean } from './suggest.ts'

/** Where a client stands, and what it is judged by. */
export interface ClientPlace {
  readonly path: Path
  readonly demo: boolean
  /** Scopes that exist; `undefined`: not known. */
  readonly scopes: readonly string[] | undefined
  /** Grant types that exist; `undefined`: not known. */
  readonly grantTypes: readonly string[] | undefined
  /** Resource servers by their indicator. */
  readonly resources: readonly string[]
}

/** Everything wrong or doubtful with one client. */
export function clientFindings(client: ClientEntry, place: ClientPlace): Finding[] {
  return [
    ...keyConditions(client).map(
      (broken): Finding => ({ level: 'error', ...broken, path: [...place.path, ...broken.path] }),
    ),
    ...webFindings(client.jwksUri, place, ['jwksUri']),
    ...client.redirectUris.flatMap((uri, index) => redirectFindings(uri, place, ['redirectUris', index])),
    ...client.postLogoutRedirectUris.flatMap((uri, index) =>
      redirectFindings(uri, place, ['postLogoutRedirectUris', index]),
    ),
    ...client.origins.flatMap((uri, index) => webFindings(uri, place, ['origins', index])),
    ...webFindings(client.backchannelLogoutUri, place, ['backchannelLogoutUri']),
    ...initiateFindings(client.initiateLoginUri, place),
    ...grantFindings(client, place),
    ...client.grantTypes.flatMap((grantType, index) => grantTypeFindings(grantType, place, index)),
    ...resourceFindings(client, place),
    ...(client.scopes ?? []).flatMap((scope, index) => scopeFindings(scope, place, index)),
  ]
}

/** Whether a URL is of this machine: `localhost`, 127.0.0.1 or [::1] (RFC 8252 §7.3, §8.3). */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

/** RFC 9700 §2.1, RFC 8252 §7.1: https, http on loopback, or a native application's scheme with a dot in it. */
function redirectFindings(uri: string, place: ClientPlace, below: Path): Finding[] {
  const { protocol } = new URL(uri)
  const path = [...place.path, ...below]
  if (uri.includes('#')) return [{ level: 'error', path, message: 'must not have a fragment (RFC 6749 §3.1.2)' }]
  const star = { path, message: 'is compared letter by letter: `*` stands for itself and nothing else' }
  const stars: Finding[] = uri.includes('*') ? [{ level: 'warning', ...star }] : []
  if (protocol === 'https:' || protocol === 'http:') return [...stars, ...webFindings(uri, place, below)]
  if (protocol.includes('.')) return stars
  return [
    { level: 'error', path, message: 'must be https, or a scheme with a dot in it such as org.example.app:/callback' },
  ]
}

function webFindings(uri: string | undefined, place: ClientPlace, below: Path): Finding[] {
  if (uri === undefined) return []
  const url = new URL(uri)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return []
  const level = place.demo && url.protocol === 'http:' ? 'warning' : 'error'
  const message = 'must be https; http is for localhost, 127.0.0.1 and [::1] only'
  return [{ level, path: [...place.path, ...below], message }]
}

/** The library refuses the client at its first request otherwise, on loopback too. */
function initiateFindings(uri: string | undefined, { path }: ClientPlace): Finding[] {
  if (uri === undefined || new URL(uri).protocol === 'https:') return []
  const message = 'must be https (OpenID Connect Dynamic Client Registration §2)'
  return [{ level: 'error', path: [...path, 'initiateLoginUri'], message }]
}

function grantFindings(
  { grantTypes, redirectUris, firstParty, public: isPublic, pkce }: ClientEntry,
  place: ClientPlace,
) {
  const findings: Finding[] = []
  const usesCode = grantTypes.includes('authorization_code')
  if (usesCode && redirectUris.length === 0) {
    const message = '`redirectUris` is empty, so no code could be sent anywhere'
    findings.push({ level: 'error', path: place.path, part: 'key', message })
  }
  if (isPublic && !pkce && usesCode) {
    const message = 'a public client without PKCE gives its codes to whoever catches them (RFC 9700 §2.1.1)'
    findings.push({ level: 'error', path: [...place.path, 'pkce'], message })
  }
  if (grantTypes.length === 0) {
    findings.push({
      level: 'error',
      path: [...place.path, 'grantTypes'],
      message: 'is empty, so the client can do nothing',
    })
  }
  if (firstParty && isPublic && redirectUris.some((uri) => !/^https?:/.test(uri))) {
    const message = 'any application can claim this scheme, and nobody would be asked for consent'
    findings.push({ level: 'warning', path: [...place.path, 'firstParty'], message })
  }
  return findings
}

function grantTypeFindings(grantType: string, { path, grantTypes }: ClientPlace, index: number): Finding[] {
  if (grantTypes === undefined || grantTypes.includes(grantType)) return []
  const message = `there is no grant type \`${grantType}\`${didYouMean(grantType, grantTypes)}`
  return [{ level: 'error', path: [...path, 'grantTypes', index], message }]
}

function scopeFindings(scope: string, { path, scopes }: ClientPlace, index: number): Finding[] {
  if (scopes === undefined || scopes.includes(scope)) return []
  const message = `there is no scope \`${scope}\`${didYouMean(scope, scopes)}`
  return [{ level: 'error', path: [...path, 'scopes', index], message }]
}

function resourceFindings({ resource }: ClientEntry, { path, resources }: ClientPlace): Finding[] {
  if (resource === undefined || resources.includes(resource)) return []
  const message = `there is no resource server \`${resource}\` under \`resources\`${didYouMean(resource, resources)}`
  return [{ level: 'error', path: [...path, 'resource'], message }]
}

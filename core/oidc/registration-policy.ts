/** What a client that registers itself may say of itself; all else is left out or refused (RFC 7591 §2, §3.2.2). @module */
import { errors } from 'oidc-provider'
import type { ClientSettings } from './clients.ts'
import type { RegistrationPolicy } from './registrations.ts'

/** Registered metadata, in snake case. */
export type Metadata = Record<string, unknown>

/** Members that are taken; the name and addresses of a client are shown as text. */
const taken = new Set([
  'client_id',
  'client_id_issued_at',
  'client_secret',
  'client_secret_expires_at',
  'client_name',
  'client_uri',
  'application_type',
  'redirect_uris',
  'post_logout_redirect_uris',
  'grant_types',
  'response_types',
  'scope',
  'token_endpoint_auth_method',
  'jwks',
  'jwks_uri',
  'id_token_signed_response_alg',
  'subject_type',
  'sector_identifier_uri',
  'backchannel_logout_uri',
  'backchannel_logout_session_required',
  'initiate_login_uri',
  'require_pushed_authorization_requests',
  'require_signed_request_object',
  'dpop_bound_access_tokens',
])
const addresses = ['redirect_uris', 'post_logout_redirect_uris'] as const
const address = [
  'client_uri',
  'jwks_uri',
  'sector_identifier_uri',
  'backchannel_logout_uri',
  'initiate_login_uri',
] as const
const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']

/** Makes metadata fit the policy of an invitation, in place. @throws errors.InvalidClientMetadata, errors.InvalidRedirectUri */
export function applyPolicy(metadata: Metadata, policy: RegistrationPolicy): void {
  for (const name of Object.keys(metadata)) if (!taken.has(name)) delete metadata[name]
  metadata.grant_types ??= ['authorization_code']
  for (const grant of wordsIn(metadata, 'grant_types'))
    if (!policy.grantTypes.includes(grant)) refuse(`grant_types: ${grant} was not invited`)
  if (metadata.subject_type === 'pairwise' && wordsIn(metadata, 'redirect_uris').length === 0)
    refuse('subject_type: pairwise ids are for the host of a redirect URI')
  const isForCodes = wordsIn(metadata, 'grant_types').includes('authorization_code')
  metadata.response_types ??= isForCodes ? ['code'] : []
  for (const type of wordsIn(metadata, 'response_types')) if (type !== 'code') refuse('response_types: only code')
  metadata.scope ??= policy.scopes.join(' ')
  for (const scope of textIn(metadata, 'scope').split(' ').filter(Boolean))
    if (!policy.scopes.includes(scope)) refuse(`scope: ${scope} was not invited`)
  if (!authMethods.includes(textIn(metadata, 'token_endpoint_auth_method') || 'client_secret_basic'))
    refuse('token_endpoint_auth_method: not one of ours')
  checkName(metadata)
  for (const name of addresses) for (const uri of wordsIn(metadata, name)) checkAddress(name, uri, policy)
  for (const name of address) if (metadata[name] !== undefined) checkAddress(name, textIn(metadata, name), policy)
}

function checkName(metadata: Metadata): void {
  const name = textIn(metadata, 'client_name')
  if (name.length > 100 || /[\p{C}\p{Zl}\p{Zp}]/u.test(name)) refuse('client_name: at most 100 characters on one line')
}

/** Hosts letter by letter: a name that merely ends alike is another one. */
function checkAddress(name: string, uri: string, { redirectHosts }: RegistrationPolicy): void {
  const url = URL.parse(uri)
  const isLoopback = url !== null && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  const isWeb = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback)
  // Another port of the same machine may be somebody else's; an app on a person's own takes any (RFC 8252 §7.3).
  const isListed =
    url !== null && (redirectHosts.includes(url.host) || (isLoopback && redirectHosts.includes(url.hostname)))
  const isPlain = url !== null && url.username === '' && url.password === '' && !uri.includes('#')
  if (url !== null && isWeb && isPlain && isListed && !/[\\\s*]/.test(uri)) return
  refuse(`${name}: only https addresses of ${redirectHosts.join(', ') || 'no host'}`)
}

function wordsIn(metadata: Metadata, name: string): string[] {
  const value = metadata[name] ?? []
  if (
    !Array.isArray(value) ||
    value.length > 20 ||
    !value.every((one) => typeof one === 'string' && one.length <= 2000)
  )
    refuse(`${name}: a list of texts`)
  return value as string[]
}

function textIn(metadata: Metadata, name: string): string {
  const value = metadata[name] ?? ''
  if (typeof value !== 'string' || value.length > 2000) refuse(`${name}: a text`)
  return value as string
}

function refuse(why: string): never {
  throw new errors.InvalidClientMetadata(why)
}

/** The metadata as the config file would have it. Never first party, never without PKCE. */
export function settingsOfMetadata(metadata: Metadata): ClientSettings {
  const text = (name: string) => (typeof metadata[name] === 'string' ? (metadata[name] as string) : undefined)
  const words = (name: string) => [...((metadata[name] as readonly string[] | undefined) ?? [])]
  const method = text('token_endpoint_auth_method') ?? 'client_secret_basic'
  const given = {
    name: text('client_name'),
    homepage: text('client_uri'),
    scopes: text('scope')?.split(' ').filter(Boolean),
    jwks: metadata.jwks,
    jwksUri: text('jwks_uri'),
    sectorIdentifierUri: text('sector_identifier_uri'),
    backchannelLogoutUri: text('backchannel_logout_uri'),
    initiateLoginUri: text('initiate_login_uri'),
  }
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    redirectUris: words('redirect_uris'),
    postLogoutRedirectUris: words('post_logout_redirect_uris'),
    origins: [],
    grantTypes: words('grant_types'),
    authMethod: method === 'none' ? 'client_secret_basic' : method,
    public: method === 'none',
    firstParty: false,
    pkce: true,
    par: metadata.require_pushed_authorization_requests === true,
    signedRequests: metadata.require_signed_request_object === true,
    dpop: metadata.dpop_bound_access_tokens === true,
    subjectType: metadata.subject_type === 'pairwise' ? 'pairwise' : 'public',
    idTokenAlg: metadata.id_token_signed_response_alg === 'ES256' ? 'ES256' : 'RS256',
    // Every member was checked by the policy and by the library before.
  } as ClientSettings
}

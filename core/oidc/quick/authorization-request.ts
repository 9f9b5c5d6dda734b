/**
 * Which authorization requests are plain: a code for an OpenID client of this site, every parameter once, known and well formed, no
 * object, resource or `claims`. What it asks for is then the same as the library's own checks would make of it.
 * @module
 */
import type { ClientFinder, QuickClient } from './client.ts'

/** Parameters of a plain request by name. */
export type PlainParams = Readonly<Record<string, string>>

/** The library's client, as far as authorization asks it. */
export interface AuthClient extends QuickClient {
  readonly applicationType?: string
  readonly defaultAcrValues?: unknown
  readonly defaultMaxAge?: unknown
  readonly requireAuthTime?: boolean
  readonly requirePushedAuthorizationRequests?: boolean
  readonly requireSignedRequestObject?: boolean
  readonly labgate_pkce?: boolean
  responseTypeAllowed(type: string): boolean
  responseModeAllowed(mode: string, type: string, profile: undefined): boolean
  redirectUriAllowed(uri: string): boolean
  includeSid(): unknown
}

/** A plain request, judged. */
export interface AuthWish {
  readonly client: AuthClient
  readonly params: PlainParams & { readonly redirect_uri: string; readonly scope: string }
}

interface Rules {
  readonly models: { readonly Client: ClientFinder }
  /** Every scope there is. */
  readonly scopes: ReadonlySet<string>
}

const known = new Set([
  ...['client_id', 'response_type', 'redirect_uri', 'scope', 'state', 'nonce', 'login_hint', 'prompt', 'ui_locales'],
  ...['code_challenge', 'code_challenge_method', 'labgate_sign_in'],
])
/** Anything else begins a question that only the library knows how to ask. */
const prompts = new Set([undefined, 'none', 'consent'])

/** What a plain request wishes; `undefined`: it is for the library to judge. */
export async function wishOf(
  given: Iterable<readonly [name: string, value: unknown]>,
  { models, scopes }: Rules,
): Promise<AuthWish | undefined> {
  const params = paramsOf(given)
  if (params === undefined || params.response_type !== 'code' || !prompts.has(params.prompt)) return undefined
  const { client_id: id, redirect_uri: uri } = params
  if (id === undefined || uri === undefined || !URL.canParse(uri)) return undefined
  const client = (await models.Client.find(id)) as AuthClient | undefined
  if (client === undefined || !isPlainClient(client) || !client.redirectUriAllowed(uri)) return undefined
  const scope = scopeOf(params, { client, scopes })
  if (scope === undefined || !isChallenged(params, client)) return undefined
  return { client, params: { ...params, redirect_uri: uri, scope } }
}

function paramsOf(given: Iterable<readonly [name: string, value: unknown]>): PlainParams | undefined {
  const params: Record<string, string> = {}
  for (const [name, value] of given) {
    if (typeof value !== 'string' || value === '' || !known.has(name) || params[name] !== undefined) return undefined
    params[name] = value
  }
  return params
}

/** Those of a profile, of a resource, with wishes of their own, and apps on a person's machine are asked more. */
function isPlainClient(client: AuthClient): boolean {
  const { defaultAcrValues, defaultMaxAge, requireAuthTime } = client
  if (defaultAcrValues !== undefined || defaultMaxAge !== undefined || requireAuthTime) return false
  if (client.requirePushedAuthorizationRequests || client.requireSignedRequestObject) return false
  if (client.labgate_profile || client.labgate_resource || client.applicationType === 'native') return false
  return client.responseTypeAllowed('code') && client.responseModeAllowed('query', 'code', undefined)
}

/** The scopes asked for. Without consent nobody stays signed in offline (OpenID Connect Core §11). */
function scopeOf({ scope = '', prompt }: PlainParams, about: { client: AuthClient; scopes: ReadonlySet<string> }) {
  const { client, scopes } = about
  const asked = [...new Set(scope.split(' '))]
  const allowed = client.scope?.split(' ')
  if (!asked.includes('openid') || asked.some((one) => !scopes.has(one) || allowed?.includes(one) === false))
    return undefined
  const mayStay = prompt === 'consent' && client.grantTypeAllowed('refresh_token')
  return asked.filter((one) => one !== 'offline_access' || mayStay).join(' ')
}

/** Proof Key for Code Exchange (RFC 7636 §4.3), which only some clients may do without. */
function isChallenged({ code_challenge, code_challenge_method }: PlainParams, client: AuthClient): boolean {
  if (code_challenge === undefined) return code_challenge_method === undefined && client.labgate_pkce === false
  return code_challenge_method === 'S256' && /^[\w.~-]{43,128}$/.test(code_challenge)
}

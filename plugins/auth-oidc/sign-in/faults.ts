/**
 * Turns what goes wrong between us and an upstream into faults: who, what, how to mend, and nothing secret.
 * The library's own errors carry tokens and codes in their causes, so only name, message and code of them are kept.
 * @module
 */
import { Fault, isFault } from '@labgate/contract'
import * as oauth from 'oauth4webapi'

/** One exchange, for messages: whose, with whom, and what was asked. */
export interface Asked {
  /** Who asks, as an operator knows it: `auth-oidc "university"`. */
  readonly name: string
  readonly host: string
  /** `the token request`, `the discovery document`. */
  readonly what: string
}

/** What the token endpoint said instead of giving tokens (RFC 6749 §5.2), in the standard's words. */
export interface OAuthRefusal {
  readonly error: string
  readonly description: string | undefined
  readonly status: number
}

/** GitHub and its likes answer errors with words of their own. */
const dialect: Readonly<Record<string, string>> = {
  bad_verification_code: 'invalid_grant',
  incorrect_client_credentials: 'invalid_client',
  bad_refresh_token: 'invalid_grant',
}

const mends: Readonly<Record<string, string>> = {
  invalid_client: 'check clientId, clientSecret and clientAuth',
  unauthorized_client: 'check clientId, and that the application may use the authorization code grant',
  invalid_scope: 'check scopes',
  redirect_uri_mismatch: 'check the redirect URI registered there, and callbackPath',
  invalid_redirect_uri: 'check the redirect URI registered there, and callbackPath',
  invalid_token: 'check registration.initialAccessToken',
}

/** Reads an OAuth error out of what the library threw; `undefined`: it was something else. */
export function refusalOf(error: unknown): OAuthRefusal | undefined {
  if (error instanceof oauth.ResponseBodyError) {
    return refusal(error.error, error.error_description, error.status)
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    const given = error.cause[0]?.parameters
    return refusal(given?.error ?? unnamed(error), given?.error_description, error.status)
  }
  const body = bodyOf(error)
  return typeof body?.error === 'string' ? refusal(body.error, body.error_description, 200) : undefined
}

/** A challenge need not say what is wrong (RFC 6750 §3.1); what it asks for tells: the client, or a token. */
function unnamed({ cause }: oauth.WWWAuthenticateChallengeError): string {
  return cause[0]?.scheme === 'basic' ? 'invalid_client' : 'invalid_token'
}

/** Some upstreams answer an error with status 200; the library then misses the token and keeps the body as cause. */
function bodyOf(error: unknown): Record<string, unknown> | undefined {
  if (!(error instanceof oauth.OperationProcessingError)) return undefined
  const body = (error.cause as { body?: unknown } | undefined)?.body
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined
}

function refusal(error: string, description: unknown, status: number): OAuthRefusal {
  return {
    error: dialect[error] ?? error.slice(0, 80),
    description: typeof description === 'string' ? description.slice(0, 200) : undefined,
    status,
  }
}

/** The fault for a refusal by the upstream: the setting to look at is named. */
export function refusedFault(asked: Asked, refused: OAuthRefusal): Fault {
  const said = `${asked.name}: ${asked.host} answered ${asked.what} with ${refused.error}`
  const detail = { host: asked.host, ...refused }
  if (refused.status >= 500) return new Fault('ERR_UPSTREAM', said, { detail })
  const mend = mends[refused.error] ?? 'check how the application is registered there'
  return new Fault('ERR_UPSTREAM_REFUSED', `${said}; ${mend}`, { detail })
}

/** The fault for anything the library or the network threw. A `TypeError` of wrong use stays what it is. */
export function faultOf(asked: Asked, error: unknown): unknown {
  const known = faultIn(error)
  if (known !== undefined) return named(asked, known)
  const refused = refusalOf(error)
  if (refused !== undefined) return refusedFault(asked, refused)
  if (!(error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError))
    return error
  return new Fault('ERR_UPSTREAM', `${asked.name}: ${asked.host}: ${asked.what}: ${explain(error)}`, {
    detail: { host: asked.host, ...(error.code === undefined ? {} : { reason: error.code }) },
    cause: withoutSecrets(error),
  })
}

/** The fault for a request that got no answer at all. */
export function unreachableFault(asked: Asked, error: unknown): Fault {
  const known = faultIn(error)
  if (known !== undefined) return named(asked, known)
  const cause = withoutSecrets(error)
  return new Fault('ERR_UPSTREAM', `${asked.name}: ${asked.host} gave no answer to ${asked.what}`, {
    detail: { host: asked.host },
    cause,
  })
}

/** The guarded fetch knows the host but not whose request it was. */
function named(asked: Asked, fault: Fault): Fault {
  if (fault.message.startsWith(asked.name)) return fault
  const { detail } = fault
  return new Fault(fault.code, `${asked.name}: ${asked.host}: ${asked.what}: ${fault.message}`, {
    detail,
    cause: fault,
  })
}

function faultIn(error: unknown): Fault | undefined {
  let one: unknown = error
  for (let depth = 0; depth < 5 && one instanceof Error; depth++) {
    if (isFault(one)) return one
    one = one.cause
  }
  return undefined
}

function explain(error: Error & { code?: string | undefined }): string {
  const cause: unknown = error.cause
  if (error.code === oauth.RESPONSE_IS_NOT_CONFORM && cause instanceof Response) return `answered ${cause.status}`
  if (error.code === oauth.RESPONSE_IS_NOT_JSON || error.code === oauth.PARSE_ERROR) return 'answered no JSON'
  return error.message.slice(0, 300)
}

/** Name, message and code of an error and of its causes, without what hangs on them. */
function withoutSecrets(error: unknown, depth = 0): Error {
  if (!(error instanceof Error)) return new Error('not an error')
  const inner =
    error.cause instanceof Error && depth < 3 ? { cause: withoutSecrets(error.cause, depth + 1) } : undefined
  const code = (error as { code?: unknown }).code
  const copy = new Error(typeof code === 'string' ? `${error.message} (${code})` : error.message, inner)
  copy.name = error.name
  return copy
}

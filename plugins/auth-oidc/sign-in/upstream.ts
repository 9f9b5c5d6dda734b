/**
 * The authorization code flow against one upstream, OAuth 2.0 and OpenID Connect alike: where to send the browser, what
 * to make of what comes back, and what may be asked later. PKCE (S256), state and, with OpenID, nonce are always used.
 * @module
 */
import type { Attempt, Clock, Fault, SignInReply } from '@labgate/contract'
import * as oauth from 'oauth4webapi'
import { asLibraryClient, type ClientSource, clockToleranceSeconds } from './client.ts'
import { type CallOptions, type Exchange, isPrivate, tokenRequest } from './exchange.ts'
import { type OAuthRefusal, refusalOf } from './faults.ts'
import type { Server } from './server.ts'

/** A JSON object of claims, as the upstream wrote it. */
export type Claims = Readonly<Record<string, unknown>>

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  /** Claims of the ID token, checked: issuer, audience, expiry, nonce, authorised party, signature. */
  readonly claims: Claims | undefined
  readonly scope: string | undefined
}

/** `denied`: the person said no. `expired`: the code is used up, too old or not ours. `failed`: the upstream wants a new start. */
export type No = 'denied' | 'expired' | 'failed'

export interface AuthorizationAsk {
  readonly attempt: Attempt
  readonly redirectUri: URL
  readonly scopes: readonly string[]
  /** Further parameters; they never override the protocol's own. */
  readonly parameters?: Readonly<Record<string, string | undefined>>
}

export interface RedeemAsk {
  readonly reply: SignInReply
  readonly attempt: Attempt
  readonly redirectUri: URL
  /** The person must have signed in upstream at most so many seconds ago (OpenID Connect Core §3.1.2.1). */
  readonly maxAgeSeconds?: number
}

export interface UpstreamNeeds {
  readonly exchange: Exchange
  readonly server: Server
  readonly client: ClientSource
  readonly clock: Clock
  readonly openid: boolean
}

export interface Upstream {
  authorizationUrl(ask: AuthorizationAsk): Promise<URL>
  /** @throws Fault ERR_UPSTREAM (no usable answer, or one that fails a check), ERR_UPSTREAM_REFUSED (a setting is wrong) */
  redeem(ask: RedeemAsk): Promise<Tokens | { readonly no: No }>
  /** `undefined`: the upstream has no userinfo endpoint. The subject must be the ID token's. */
  userinfo(tokens: Tokens, subject: string): Promise<Claims | undefined>
  /** `gone`: the upstream no longer takes the refresh token. */
  refresh(refreshToken: string): Promise<Tokens | 'gone'>
  /** Ends a token upstream (RFC 7009); `false`: the upstream cannot. */
  revoke(token: string, hint: 'refresh_token' | 'access_token'): Promise<boolean>
  /** Where the browser ends the upstream's session (OpenID Connect RP-Initiated Logout §2); `undefined`: nowhere. */
  endSessionUrl(ask: { readonly idToken: string | undefined; readonly back: URL }): Promise<URL | undefined>
}

/** Makes the code flow against one upstream. Opens nothing. */
export function createUpstream(needs: UpstreamNeeds): Upstream {
  return {
    authorizationUrl: (ask) => authorizationUrl(needs, ask),
    redeem: (ask) => redeem(needs, ask),
    userinfo: (tokens, subject) => userinfo(needs, { tokens, subject }),
    refresh: (token) => refresh(needs, token),
    revoke: (token, hint) => revoke(needs, { token, hint }),
    endSessionUrl: (ask) => endSessionUrl(needs, ask),
  }
}

async function authorizationUrl(needs: UpstreamNeeds, ask: AuthorizationAsk): Promise<URL> {
  const { attempt } = ask
  const url = await endpoint(needs, 'authorization_endpoint')
  const { clientId } = await needs.client.get()
  const own = {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: ask.redirectUri.href,
    scope: ask.scopes.join(' '),
    state: attempt.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.codeVerifier),
    code_challenge_method: 'S256',
    nonce: needs.openid ? attempt.nonce : undefined,
  }
  for (const [name, value] of Object.entries({ ...ask.parameters, ...own })) {
    if (value !== undefined && value !== '') url.searchParams.set(name, value)
  }
  return url
}

async function endpoint(needs: UpstreamNeeds, name: 'authorization_endpoint'): Promise<URL> {
  const server = await needs.server.get()
  return needs.exchange.run('the way to its sign-in page', async () => {
    const url = URL.parse(server[name] ?? '')
    if (url !== null && isPrivate(url)) return url
    throw new oauth.OperationProcessingError(`the metadata has no usable ${name}`)
  })
}

const restartable = new Set([
  'login_required',
  'interaction_required',
  'account_selection_required',
  'consent_required',
])

async function redeem(needs: UpstreamNeeds, ask: RedeemAsk): Promise<Tokens | { no: No }> {
  const server = await needs.server.get()
  const { client, proof } = asLibraryClient(await needs.client.get())
  const read = await readReply(needs, { ask, server, client })
  if (!('parameters' in read)) return read
  const answer = await needs.exchange.attempt(tokenRequest, async (options) => {
    const { redirectUri, attempt } = ask
    const redirect = redirectUri.href
    const { parameters } = read
    const verifier = attempt.codeVerifier
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      proof,
      parameters,
      redirect,
      verifier,
      options,
    )
    const body = await oauth.processAuthorizationCodeResponse(server, client, response, idTokenChecks(needs, ask))
    if (needs.openid) await checkSignature(needs, { server, response, options })
    return tokensOf(body)
  })
  return 'ok' in answer ? answer.ok : refusedRedeem(needs, answer.refused)
}

function idTokenChecks({ openid }: UpstreamNeeds, ask: RedeemAsk): oauth.ProcessAuthorizationCodeResponseOptions {
  if (!openid) return {}
  const checks = { expectedNonce: ask.attempt.nonce, requireIdToken: true }
  return ask.maxAgeSeconds === undefined ? checks : { ...checks, maxAge: ask.maxAgeSeconds }
}

async function readReply(
  needs: UpstreamNeeds,
  given: { ask: RedeemAsk; server: oauth.AuthorizationServer; client: oauth.Client },
): Promise<{ parameters: URLSearchParams } | { no: No }> {
  const { reply, attempt } = given.ask
  const sent = reply.method === 'POST' ? reply.body : reply.url.searchParams
  return needs.exchange.run('the authorization response', async () => {
    try {
      return { parameters: oauth.validateAuthResponse(given.server, given.client, sent, attempt.state) }
    } catch (error) {
      if (!(error instanceof oauth.AuthorizationResponseError)) throw error
      return refusedAuthorization(needs, error)
    }
  })
}

function refusedAuthorization(needs: UpstreamNeeds, error: oauth.AuthorizationResponseError): { no: No } {
  if (error.error === 'access_denied') return { no: 'denied' }
  if (restartable.has(error.error)) return { no: 'failed' }
  const isTheirs = error.error === 'server_error' || error.error === 'temporarily_unavailable'
  const refused = { error: error.error, description: error.error_description, status: isTheirs ? 503 : 400 }
  throw needs.exchange.refuse('the authorization request', refused)
}

async function refusedRedeem(needs: UpstreamNeeds, refused: OAuthRefusal): Promise<{ no: No }> {
  if (refused.error === 'invalid_grant') return { no: 'expired' }
  const fault: Fault = needs.exchange.refuse(tokenRequest, refused)
  if (refused.error === 'invalid_client' && (await needs.client.forget())) return { no: 'expired' }
  throw fault
}

/**
 * Checks the signature of the JWT in a response. A key that we do not know is looked for once more in a fresh key set:
 * the library itself would wait a minute, and a person is waiting now.
 */
async function checkSignature(
  needs: UpstreamNeeds,
  given: { server: oauth.AuthorizationServer; response: Response; options: CallOptions },
): Promise<void> {
  const { server, response, options } = given
  try {
    await oauth.validateApplicationLevelSignature(server, response, options)
  } catch (error) {
    if (refusalOf(error) !== undefined || !(error instanceof oauth.OperationProcessingError)) throw error
    if (error.code !== oauth.KEY_SELECTION && error.code !== oauth.INVALID_RESPONSE) throw error
    const anew = { ...server }
    await oauth.validateApplicationLevelSignature(anew, response, options)
    needs.server.replace(anew)
  }
}

function tokensOf(body: oauth.TokenEndpointResponse): Tokens {
  return {
    accessToken: body.access_token,
    refreshToken: body.refresh_token,
    idToken: body.id_token,
    claims: oauth.getValidatedIdTokenClaims(body),
    scope: body.scope,
  }
}

async function userinfo(needs: UpstreamNeeds, ask: { tokens: Tokens; subject: string }): Promise<Claims | undefined> {
  const server = await needs.server.get()
  if (server.userinfo_endpoint === undefined) return undefined
  const { client } = asLibraryClient(await needs.client.get())
  const answer = await needs.exchange.attempt('the userinfo request', async (options) => {
    const response = await oauth.userInfoRequest(server, client, ask.tokens.accessToken, options)
    const claims = await oauth.processUserInfoResponse(server, client, ask.subject, response)
    const isSigned = response.headers.get('content-type')?.startsWith('application/jwt')
    if (isSigned) await checkSignature(needs, { server, response, options })
    return claims as Claims
  })
  if ('ok' in answer) return answer.ok
  // A token the upstream gave a moment ago and now refuses is its trouble, not a setting of ours.
  throw needs.exchange.refuse('the userinfo request', { ...answer.refused, status: 502 })
}

async function refresh(needs: UpstreamNeeds, refreshToken: string): Promise<Tokens | 'gone'> {
  const server = await needs.server.get()
  const { client, proof } = asLibraryClient(await needs.client.get())
  const answer = await needs.exchange.attempt(tokenRequest, async (options) => {
    const response = await oauth.refreshTokenGrantRequest(server, client, proof, refreshToken, options)
    const body = await oauth.processRefreshTokenResponse(server, client, response)
    if (body.id_token !== undefined && needs.openid) await checkSignature(needs, { server, response, options })
    return tokensOf(body)
  })
  if ('ok' in answer) return { ...answer.ok, refreshToken: answer.ok.refreshToken ?? refreshToken }
  if (answer.refused.error === 'invalid_grant') return 'gone'
  throw needs.exchange.refuse(tokenRequest, answer.refused)
}

async function revoke(
  needs: UpstreamNeeds,
  ask: { token: string; hint: 'refresh_token' | 'access_token' },
): Promise<boolean> {
  const server = await needs.server.get()
  if (server.revocation_endpoint === undefined) return false
  const { client, proof } = asLibraryClient(await needs.client.get())
  await needs.exchange.run('the revocation request', async (options) => {
    const hint = { ...options, additionalParameters: { token_type_hint: ask.hint } }
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, ask.token, hint))
  })
  return true
}

async function endSessionUrl(
  needs: UpstreamNeeds,
  ask: { readonly idToken: string | undefined; readonly back: URL },
): Promise<URL | undefined> {
  const server = await needs.server.get()
  const url = URL.parse(server.end_session_endpoint ?? '')
  if (url === null || !isPrivate(url)) return undefined
  const { clientId } = await needs.client.get()
  if (ask.idToken !== undefined) url.searchParams.set('id_token_hint', ask.idToken)
  url.searchParams.set('client_id', clientId)
  url.searchParams.set('post_logout_redirect_uri', ask.back.href)
  return url
}

/** The `maxAgeSeconds` to check on the way back, when `sentSeconds` were asked for at `began`: the person's own time is not counted. */
export function maxAgeNow(ask: { readonly sentSeconds: number; readonly began: Date; readonly now: Date }): number {
  const elapsed = Math.ceil((ask.now.getTime() - ask.began.getTime()) / 1000)
  return ask.sentSeconds + Math.max(0, elapsed) + clockToleranceSeconds
}

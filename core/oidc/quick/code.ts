/**
 * A code (RFC 6749 §4.1.3) and a refresh token (§6) turned into tokens in the plain form, which nearly all have: no resource, no
 * proof of a key, no parameter `claims`. Everything is read, judged and written by the library's own models, in its order, and
 * committed before the answer; `undefined` leaves the request to the library with nothing written, a second use among all else.
 * @module
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Asked, QuickClient } from './client.ts'
import { type Finder, grantOf, type QuickAccount, type QuickGrant, type QuickToken } from './models.ts'

/** What the grants need of the house. */
export interface QuickCodeNeeds {
  /** The account behind a code or token, which may act, and whose session lives where it must. */
  account(client: QuickClient, id: string, token?: object): Promise<QuickAccount | undefined>
  /** See `step` of the adapter. */
  step<T>(work: () => Promise<T | undefined>): Promise<T | undefined>
}

/** What tokens are made from: a code, or the refresh token before them. */
interface Source extends QuickToken {
  readonly consumed?: unknown
  readonly gty?: string
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly authTime?: number
  readonly nonce?: string
  readonly resource?: string | readonly string[]
  readonly sessionUid?: string
  readonly expiresWithSession?: boolean
  readonly attestationJkt?: string
  readonly rotations?: number
  readonly iiat?: number
  consume(): Promise<void>
}

interface Code extends Source {
  readonly redirectUri?: string
  readonly codeChallenge?: string
  readonly codeChallengeMethod?: string
  readonly dpopJkt?: string
}

interface NewToken {
  scope?: string | undefined
  claims?: object | undefined
  readonly expiration: number
  readonly tokenType: string
  save(): Promise<string>
}

interface NewIdToken {
  scope: string
  mask: object
  rejected: readonly string[]
  set(name: string, value: unknown): void
  issue(about: { use: 'idtoken' }): Promise<string>
}

/** The library's models that the grants are made of. */
export interface QuickCodeModels {
  readonly AuthorizationCode: Finder<Code>
  readonly RefreshToken: Finder<Source> & (new (about: object) => NewToken)
  readonly AccessToken: new (about: object) => NewToken
  readonly IdToken: new (available: object, about: { client: QuickClient }) => NewIdToken
  readonly Grant: Finder<QuickGrant>
}

interface Parts {
  readonly models: QuickCodeModels
  readonly needs: QuickCodeNeeds
}

const whateverItsAge = { ignoreExpiration: true }

/** Turns a code into tokens. */
export function codeGrant({ client, form }: Asked, parts: Parts): Promise<object | undefined> {
  return parts.needs.step(async () => {
    const code = await parts.models.AuthorizationCode.find(form.get('code') ?? '', whateverItsAge)
    if (code === undefined || code.dpopJkt !== undefined || code.redirectUri !== form.get('redirect_uri'))
      return undefined
    if (!isVerified(code, form.get('code_verifier') ?? undefined)) return undefined
    const holder = await holderOf(code, { client, parts })
    if (holder === undefined) return undefined
    await code.consume()
    const makesRefresh = client.grantTypeAllowed('refresh_token')
    return issue({ ...holder, gty: 'authorization_code', refresh: makesRefresh ? { rotations: 0 } : undefined }, parts)
  })
}

/** Turns a refresh token into new tokens, a refresh token among them: it counts once. */
export function refreshGrant({ client, form }: Asked, parts: Parts): Promise<object | undefined> {
  return parts.needs.step(async () => {
    const token = await parts.models.RefreshToken.find(form.get('refresh_token') ?? '', whateverItsAge)
    if (token === undefined || token.isSenderConstrained()) return undefined
    const holder = await holderOf(token, { client, parts })
    if (holder === undefined) return undefined
    await token.consume()
    const { gty, iiat, rotations = 0 } = token
    const both = gty === undefined || gty.endsWith('refresh_token') ? gty : `${gty} refresh_token`
    return issue({ ...holder, gty: both, refresh: { rotations: rotations + 1, iiat } }, parts)
  })
}

/** Proof Key for Code Exchange (RFC 7636 §4.6): asked for by whoever began with it, and by nobody else. */
function isVerified({ codeChallenge, codeChallengeMethod }: Code, verifier: string | undefined): boolean {
  if (codeChallenge === undefined || verifier === undefined) return codeChallenge === verifier
  if (codeChallengeMethod !== 'S256' || !/^[\w.~-]{43,128}$/.test(verifier)) return false
  const [expected, given] = [Buffer.from(codeChallenge), Buffer.from(hash('sha256', verifier, 'base64url'))]
  return expected.length === given.length && timingSafeEqual(expected, given)
}

interface Holder {
  readonly client: QuickClient
  readonly source: Source
  readonly grant: QuickGrant
  readonly account: QuickAccount
}

/** Everything that must hold of what a client presents; the account last, since that may look again at what upstreams say. */
async function holderOf(
  source: Source,
  { client, parts }: { readonly client: QuickClient; readonly parts: Parts },
): Promise<Holder | undefined> {
  if (source.clientId !== client.clientId || source.isExpired || source.consumed || !isPlain(source)) return undefined
  const grant = await grantOf(source, parts.models)
  const account = grant && (await parts.needs.account(client, grant.accountId, source))
  return account && { client, source, grant, account }
}

function isPlain({ resource, rar, attestationJkt, claims = {} }: Source): boolean {
  const isForResource = Array.isArray(resource) ? resource.length > 0 : resource !== undefined
  return !isForResource && rar === undefined && attestationJkt === undefined && Object.keys(claims).length === 0
}

interface Issue extends Holder {
  readonly gty: string | undefined
  /** What is said of the refresh token besides; absent: none is made. */
  readonly refresh: { readonly rotations: number; readonly iiat?: number | undefined } | undefined
}

/** The answer to both grants (RFC 6749 §5.1; OpenID Connect Core §3.1.3.3). */
async function issue({ client, source, grant, account, gty, refresh }: Issue, { models }: Parts): Promise<object> {
  const { accountId, expiresWithSession, grantId, sessionUid, sid, claims, scope } = source
  const shared = { accountId, client, expiresWithSession, grantId, gty, sessionUid, sid }
  const token = new models.AccessToken(shared)
  token.claims = claims
  token.scope = grant.getOIDCScopeFiltered(source.scopes)
  const access = await token.save()
  const { acr, amr, authTime, nonce, resource } = source
  const next =
    refresh && new models.RefreshToken({ ...shared, acr, amr, authTime, claims, nonce, resource, scope, ...refresh })
  const refreshToken = await next?.save()
  return {
    access_token: access,
    expires_in: token.expiration,
    id_token: source.scopes.has('openid') ? await idToken({ client, source, grant, account }, models) : undefined,
    refresh_token: refreshToken,
    scope: scope ? token.scope : token.scope || undefined,
    token_type: token.tokenType,
  }
}

async function idToken({ client, source, grant, account }: Holder, models: QuickCodeModels): Promise<string> {
  const { accountId: sub, acr, amr, authTime: auth_time } = source
  const rejected = grant.getRejectedOIDCClaims()
  const claims = await account.claims('id_token', source.scope ?? '', {}, rejected)
  const token = new models.IdToken({ ...claims, sub, acr, amr, auth_time }, { client })
  // The other claims are told by userinfo, which the access token opens (OpenID Connect Core §5.4).
  token.scope = 'openid'
  token.mask = {}
  token.rejected = rejected
  token.set('nonce', source.nonce)
  token.set('sid', source.sid)
  return token.issue({ use: 'idtoken' })
}

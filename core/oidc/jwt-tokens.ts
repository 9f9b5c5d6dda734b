/**
 * JWT access tokens (RFC 9068) of people with a record: each is stored like an opaque one, under a name only we can derive from
 * its verified `jti`; those of clients need none (`core/oidc/client-jwts.ts`). Userinfo, introspection and revocation get that name
 * in the token's place, so the library's own checks and our revocation hold for both kinds; only offline verifiers see the rest of a
 * JWT's short life.
 * @module
 */
import { createHmac } from 'node:crypto'
import type { Clock } from '@labgate/contract'
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWK } from 'jose'
import type { Context, Next } from 'koa'
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider'
import { type ClientJwtClaims, clientJwtName, isClientJwt } from './client-jwts.ts'
import { formOf, handOn } from './forms.ts'

/** JWT access tokens never live longer: an offline verifier does not hear of a revocation. */
export const jwtLifeSeconds = 600

export interface JwtTokenNeeds {
  readonly issuer: string
  readonly jwks: { readonly keys: readonly object[] }
  readonly clock: Clock
  /** Secret from which record names are made. */
  readonly recordSecret: string
}

interface RecordNeeds extends Pick<JwtTokenNeeds, 'clock' | 'recordSecret'> {
  readonly records: Adapter
}

interface Issued {
  readonly jti: string
  readonly format?: string
  /** Seconds it lives. When it began and ends, the library writes into the JWT alone. */
  readonly expiration: number
  readonly resourceServer?: unknown
}

/** Members of a token that a record keeps; the audience is left out, because it is for resource servers only. */
const kept = [
  'accountId',
  'claims',
  'clientId',
  'expiresWithSession',
  'extra',
  'grantId',
  'gty',
  'jkt',
  'scope',
  'sessionUid',
  'sid',
] as const

/** Records JWTs of a Provider when they are issued. */
export function recordJwts(provider: Provider, { records, clock, recordSecret }: RecordNeeds): void {
  provider.on('access_token.issued', (token) => {
    const issued = token as unknown as Issued & Record<string, unknown>
    const jti = recordName(recordSecret, issued.jti)
    const iat = Math.floor(clock.now().getTime() / 1000)
    const payload = {
      ...{ jti, kind: 'AccessToken', iat, exp: iat + issued.expiration },
      ...Object.fromEntries(kept.flatMap((key) => (issued[key] === undefined ? [] : [[key, issued[key]]]))),
    }
    // Within a request this joins the unit that is committed before the token leaves; it cannot fail here.
    void records.upsert(jti, payload as AdapterPayload, issued.expiration)
  })
}

/** The name that a token is found by: of a JWT of ours a derived one, of others the token itself. */
export type TokenName = (value: string) => Promise<string>

/** Makes the names of tokens. */
export function tokenNames(needs: JwtTokenNeeds): TokenName {
  const verify = createVerifier(needs)
  return async (value) => {
    const claims = await verify(value)
    if (claims === undefined) return value
    return isClientJwt(claims) ? clientJwtName(needs.recordSecret, claims) : recordName(needs.recordSecret, claims.jti)
  }
}

/**
 * The records, found by the JWT itself where userinfo is asked with a proof of its key: the proof names the token's own
 * hash (RFC 9449 §4.3), so nothing may stand in its place in the request.
 */
export function answeringForJwts(records: Adapter, needs: JwtTokenNeeds): Adapter {
  const verify = createVerifier(needs)
  return {
    ...records,
    async find(id) {
      const ctx = Provider.ctx
      if (ctx?.path !== '/oidc/userinfo' || !/^dpop /i.test(ctx.get('authorization'))) return records.find(id)
      const claims = await verify(id)
      return records.find(claims === undefined ? id : recordName(needs.recordSecret, claims.jti))
    },
  }
}

function recordName(secret: string, jti: string): string {
  return createHmac('sha256', secret).update(`jwt:${jti}`).digest('base64url')
}

function createVerifier(needs: JwtTokenNeeds): (value: string) => Promise<ClientJwtClaims | undefined> {
  const keys = publicKeys(needs)
  return async (value) => {
    if (!looksLikeJwt(value)) return undefined
    try {
      const { payload, protectedHeader } = await compactVerify(value, keys)
      const claims = JSON.parse(new TextDecoder().decode(payload)) as ClientJwtClaims & { iss?: string }
      const isOurs = protectedHeader.typ === 'at+jwt' && claims.iss === needs.issuer
      return isOurs && typeof claims.jti === 'string' ? claims : undefined
    } catch {
      // Not ours, or tampered with: the library answers as for any unknown token.
      return undefined
    }
  }
}

function publicKeys({ jwks: { keys } }: Pick<JwtTokenNeeds, 'jwks'>) {
  const open = keys.map((key) => {
    const { kid, alg, kty, n, e, crv, x, y } = key as JWK
    return JSON.parse(JSON.stringify({ kid, alg, kty, n, e, crv, x, y })) as JWK
  })
  return createLocalJWKSet({ keys: open } as JSONWebKeySet)
}

function looksLikeJwt(value: string): boolean {
  if (value.split('.').length !== 3) return false
  try {
    return decodeProtectedHeader(value).alg !== undefined
  } catch {
    return false
  }
}

/** A step that puts the names of tokens in their places. */
export function namingJwts(needs: JwtTokenNeeds) {
  const toName = tokenNames(needs)
  return async (ctx: Context, next: Next): Promise<void> => {
    if (ctx.path === '/oidc/userinfo') await translateHeader(ctx, toName)
    else if (ctx.method === 'POST' && (ctx.path === '/oidc/introspection' || ctx.path === '/oidc/revocation'))
      await translateBody(ctx, toName)
    await next()
  }
}

async function translateHeader(ctx: Context, toName: TokenName): Promise<void> {
  const match = /^(bearer) (.+)$/i.exec(ctx.get('authorization'))
  if (match) ctx.req.headers.authorization = `${match[1]} ${await toName(match[2] ?? '')}`
}

async function translateBody(ctx: Context, toName: TokenName): Promise<void> {
  const form = await formOf(ctx)
  if (form === undefined) return
  const [token, ...others] = form.getAll('token')
  if (token !== undefined && others.length === 0) form.set('token', await toName(token))
  handOn(ctx, form)
}

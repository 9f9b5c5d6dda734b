/**
 * JWT access tokens (RFC 9068) of people with a record: each is stored like an opaque one, under a name only we can derive from
 * its verified `jti`; those of clients need none (`core/oidc/client-jwts.ts`). Userinfo, introspection and revocation get that name in the token's place, so the library's own
 * checks and our revocation hold for both kinds; only offline verifiers see the rest of a JWT's short life.
 * @module
 */
import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '@labgate/contract'
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWK } from 'jose'
import type { Context, Next } from 'koa'
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider'
import { type ClientJwtClaims, clientJwtName, isClientJwt } from './client-jwts.ts'

/** JWT access tokens never live longer: an offline verifier does not hear of a revocation. */
export const jwtLifeSeconds = 600

export interface JwtTokenNeeds {
  readonly issuer: string
  readonly jwks: { readonly keys: readonly object[] }
  readonly clock: Clock
  /** Secret from which record names are made. */
  readonly secret: string
  readonly adapterFor: (model: string) => Adapter
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

/** Hooks a Provider: records JWTs when they are issued and answers for them afterwards. */
export function recordJwtTokens(provider: Provider, needs: JwtTokenNeeds): void {
  const records = needs.adapterFor('AccessToken')
  provider.on('access_token.issued', (token) => {
    const issued = token as unknown as Issued & Record<string, unknown>
    const jti = recordName(needs.secret, issued.jti)
    const iat = Math.floor(needs.clock.now().getTime() / 1000)
    const payload = {
      ...{ jti, kind: 'AccessToken', iat, exp: iat + issued.expiration },
      ...Object.fromEntries(kept.flatMap((key) => (issued[key] === undefined ? [] : [[key, issued[key]]]))),
    }
    // Within a request this joins the unit that is committed before the token leaves; it cannot fail here.
    void records.upsert(jti, payload as AdapterPayload, issued.expiration)
  })
  const toName = tokenNames(needs)
  provider.use((ctx, next) => translate(ctx as unknown as Context, next, toName))
}

/** The name that a token is found by: of a JWT of ours a derived one, of others the token itself. */
export type TokenName = (value: string) => Promise<string>

/** Makes the names of tokens. */
export function tokenNames(needs: Omit<JwtTokenNeeds, 'adapterFor'>): TokenName {
  const verify = createVerifier(needs)
  return async (value) => {
    const claims = await verify(value)
    if (claims === undefined) return value
    return isClientJwt(claims) ? clientJwtName(needs.secret, claims) : recordName(needs.secret, claims.jti)
  }
}

/**
 * The records, found by the JWT itself where userinfo is asked with a proof of its key: the proof names the token's own
 * hash (RFC 9449 §4.3), so nothing may stand in its place in the request.
 */
export function answeringForJwts(records: Adapter, needs: Omit<JwtTokenNeeds, 'adapterFor'>): Adapter {
  const verify = createVerifier(needs)
  return {
    ...records,
    async find(id) {
      const ctx = Provider.ctx
      if (ctx?.path !== '/oidc/userinfo' || !/^dpop /i.test(ctx.get('authorization'))) return records.find(id)
      const claims = await verify(id)
      return records.find(claims === undefined ? id : recordName(needs.secret, claims.jti))
    },
  }
}

function recordName(secret: string, jti: string): string {
  return createHmac('sha256', secret).update(`jwt:${jti}`).digest('base64url')
}

function createVerifier(
  needs: Omit<JwtTokenNeeds, 'adapterFor'>,
): (value: string) => Promise<ClientJwtClaims | undefined> {
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

const bodyLimit = 56 * 1024

async function translate(ctx: Context, next: Next, toName: TokenName): Promise<void> {
  if (ctx.path === '/oidc/userinfo') await translateHeader(ctx, toName)
  else if (ctx.method === 'POST' && (ctx.path === '/oidc/introspection' || ctx.path === '/oidc/revocation'))
    await translateBody(ctx, toName)
  else if (read.has(ctx.req)) handBody(ctx, new URLSearchParams(read.get(ctx.req)))
  await next()
}

async function translateHeader(ctx: Context, toName: TokenName): Promise<void> {
  const match = /^(bearer) (.+)$/i.exec(ctx.get('authorization'))
  if (match) ctx.req.headers.authorization = `${match[1]} ${await toName(match[2] ?? '')}`
}

async function translateBody(ctx: Context, toName: TokenName): Promise<void> {
  if (!ctx.is('application/x-www-form-urlencoded') || (ctx.request.length ?? 0) > bodyLimit) return
  const text = read.get(ctx.req) ?? (await readText(ctx.req)) ?? ctx.throw(413, 'request entity too large')
  const form = new URLSearchParams(text)
  const tokens = form.getAll('token')
  if (tokens.length === 1 && tokens[0] !== undefined) form.set('token', await toName(tokens[0]))
  handBody(ctx, form)
}

/** The library takes a body that somebody has read from the request. */
function handBody(ctx: Context, form: URLSearchParams): void {
  const body: Record<string, string | string[]> = {}
  for (const name of new Set(form.keys())) {
    const all = form.getAll(name)
    body[name] = all.length === 1 ? (all[0] as string) : all
  }
  ;(ctx.req as { body?: unknown }).body = body
}

/** Forms that were read before the Provider's app saw their requests. */
const read = new WeakMap<IncomingMessage, string>()

/** Reads the form of a request that goes on to the Provider; `undefined`, and nothing is read, where it is no plain one. */
export async function formText(req: IncomingMessage): Promise<string | undefined> {
  const { 'content-type': type = '', 'content-length': length, 'content-encoding': encoding } = req.headers
  if (!/^application\/x-www-form-urlencoded(?:; ?charset=utf-8)?$/i.test(type) || encoding !== undefined)
    return undefined
  if (!(Number(length) <= bodyLimit)) return undefined
  const text = read.get(req) ?? (await readText(req))
  if (text !== undefined) read.set(req, text)
  return text
}

/** `undefined`: it is too large. Of what broke off nothing is left: whoever sent it is gone, and the library finds no client in it. */
async function readText(req: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // The rest of what is too large is read off when it is answered.
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > bodyLimit) return undefined
      chunks.push(chunk)
    }
  } catch (err) {
    if (req.complete) throw err
    return ''
  }
  return Buffer.concat(chunks).toString()
}

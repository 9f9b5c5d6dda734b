/**
 * A relying party that behaves as WebKnossos does (its `OpenIdConnectClient`, read in 2026): no PKCE, no state, no
 * nonce; the first RSA key of the key set whatever the tokens' `kid`; an access token that must be a JWT; the person
 * from the ID token. It is strict where WebKnossos' parsers are: a member that is missing throws.
 * @module
 */
import { createPublicKey, verify } from 'node:crypto'

/** What stands under `singleSignOn.openIdConnect` there. */
export interface WebknossosSettings {
  /** With a slash at its end. */
  readonly providerUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string
}

/** The person, as WebKnossos takes them; all three are needed. */
export interface WebknossosPerson {
  readonly given_name: string
  readonly family_name: string
  readonly email: string
}

type Json = Readonly<Record<string, unknown>>

/** Where the browser is sent. */
export async function webknossosLogin(settings: WebknossosSettings, callback: string): Promise<URL> {
  const { authorization_endpoint: endpoint } = await discover(settings)
  const query = { client_id: settings.clientId, redirect_uri: callback, scope: settings.scope, response_type: 'code' }
  return new URL(`${endpoint}?${new URLSearchParams(query)}`)
}

/** What it does with the code. @throws Error where WebKnossos would refuse the sign-in */
export async function webknossosRedeem(
  settings: WebknossosSettings,
  ask: { readonly callback: string; readonly code: string },
): Promise<{ readonly person: WebknossosPerson; readonly accessToken: Json }> {
  const provider = await discover(settings)
  const { clientId, clientSecret, scope } = settings
  const answer = await fetch(provider.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', client_id: clientId },
      ...{ redirect_uri: ask.callback, code: ask.code, scope },
    }),
  })
  const tokens = (await answer.json()) as Json
  if (!answer.ok) throw new Error(`token request: ${JSON.stringify(tokens)}`)
  const key = await firstRsaKey(provider.jwks_uri)
  const accessToken = decode(text(tokens, 'access_token'), key)
  const told = tokens.id_token === undefined ? accessToken : decode(text(tokens, 'id_token'), key)
  const person = {
    given_name: text(told, 'given_name'),
    family_name: text(told, 'family_name'),
    email: text(told, 'email'),
  }
  return { person, accessToken }
}

async function discover({ providerUrl }: WebknossosSettings) {
  const document = (await (await fetch(`${providerUrl}.well-known/openid-configuration`)).json()) as Json
  return {
    authorization_endpoint: text(document, 'authorization_endpoint'),
    token_endpoint: text(document, 'token_endpoint'),
    userinfo_endpoint: text(document, 'userinfo_endpoint'),
    jwks_uri: text(document, 'jwks_uri'),
  }
}

async function firstRsaKey(address: string) {
  const { keys } = (await (await fetch(address)).json()) as { keys: readonly Json[] }
  // Its parser wants these three of every key, of those it does not use too.
  for (const key of keys) for (const member of ['kty', 'alg', 'use']) text(key, member)
  const first = keys.find(({ kty, use }) => kty === 'RSA' && use === 'sig')
  if (!first) throw new Error('no RSA key')
  return createPublicKey({ key: { kty: 'RSA', n: text(first, 'n'), e: text(first, 'e') }, format: 'jwk' })
}

function decode(token: string, key: ReturnType<typeof createPublicKey>): Json {
  const [header = '', payload = '', signature = '', ...more] = token.split('.')
  if (signature === '' || more.length > 0) throw new Error('not a JWT')
  const isRight = verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))
  if (!isRight) throw new Error('the signature is not of the first RSA key')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json
}

function text(from: Json, member: string): string {
  const value = from[member]
  if (typeof value !== 'string') throw new Error(`${member} is missing`)
  return value
}

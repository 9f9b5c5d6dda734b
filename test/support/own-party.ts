/** Relying parties of openid-client with keys of their own, and how they sign somebody in. @module */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK } from 'jose'
import * as client from 'openid-client'
import { signInAs, textOf } from './flow.ts'
import { callback } from './labgate.ts'
import type { UserAgent } from './user-agent.ts'

/** A key of a relying party, with what of it may be shown. */
export interface PartyKey {
  readonly pair: client.CryptoKeyPair
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
}

/** Makes one for ES256. */
export async function partyKey(kid = 'k1'): Promise<PartyKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const { kty, crv, x, y } = await exportJWK(pair.publicKey)
  return { pair, jwks: { keys: [{ kty, crv, x, y, kid, alg: 'ES256', use: 'sig' }] } }
}

/** Discovers the issuer as client `id`, which proves itself by `auth`. */
export function discoverAs(site: { readonly issuer: string }, id: string, auth: client.ClientAuth) {
  return client.discovery(new URL(site.issuer), id, {}, auth, { execute: [client.allowInsecureRequests] })
}

/** Parameters of one authorization request, with what its answer is checked by. */
export async function requestParts(more: Readonly<Record<string, string>> = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const parameters = {
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  }
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return { parameters, checks }
}

/** Opens the request as a person of the upstream; answers where the browser was sent. */
export async function answerOf(agent: UserAgent, login: string, url: URL): Promise<URL> {
  const page = await signInAs(agent, login, url)
  if (!page.url.href.startsWith(callback)) throw new Error(`no way back from ${page.url}: ${textOf(page)}`)
  return page.url
}

/** A place where a client's keys stand (RFC 7517), and may be changed; counts who looks. */
export async function startJwksServer(jwks: PartyKey['jwks']) {
  const kept = { jwks, looks: 0 }
  const server = createServer((_request, response) => {
    kept.looks += 1
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(kept.jwks))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  server.unref()
  const { port } = server.address() as AddressInfo
  return { kept, uri: `http://127.0.0.1:${port}/jwks`, close: () => server.closeAllConnections() }
}

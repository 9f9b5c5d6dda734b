/** A relying party's server: it takes back-channel logout (OpenID Connect Back-Channel Logout 1.0) and checks the token as one must. @module */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'

export interface RelyingPartyServer {
  readonly backchannelLogoutUri: string
  /** Logout tokens that were valid for `audience`, in order; what was not valid throws in `check`. */
  received(): readonly JWTPayload[]
  failures(): readonly string[]
  close(): Promise<void>
}

/** Starts one; `issuer` is asked when a token comes. */
export async function startRelyingPartyServer(
  expected: () => { issuer: string; audience: string },
): Promise<RelyingPartyServer> {
  const tokens: JWTPayload[] = []
  const failures: string[] = []
  const check = async (token: string): Promise<void> => {
    const { issuer, audience } = expected()
    const keys = createRemoteJWKSet(new URL('/oidc/jwks', issuer))
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'logout+jwt', maxTokenAge: '2m' })
    const events = payload.events as Record<string, unknown> | undefined
    if (events?.['http://schemas.openid.net/event/backchannel-logout'] === undefined) throw new Error('no logout event')
    if (payload.nonce !== undefined) throw new Error('a logout token has no nonce (§2.4)')
    tokens.push(payload)
  }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const token = new URLSearchParams(body).get('logout_token') ?? ''
    const failure = await check(token).then(
      () => undefined,
      (error: unknown) => String(error),
    )
    if (failure !== undefined) failures.push(failure)
    response.writeHead(failure === undefined ? 200 : 400).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    backchannelLogoutUri: `http://127.0.0.1:${port}/backchannel`,
    received: () => tokens,
    failures: () => failures,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

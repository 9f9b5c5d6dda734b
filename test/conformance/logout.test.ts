/** The profiles RP-Initiated OP and Back-Channel OP of the OpenID conformance suite: one test for each module, by its name there. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { atUpstream, newBrowser, type Party, party, startWorld, textOf, titleOf, type World } from '../support/flow.ts'
import { callback } from '../support/labgate.ts'
import { type RelyingPartyServer, startRelyingPartyServer } from '../support/relying-party-server.ts'
import type { UserAgent } from '../support/user-agent.ts'

const secret = 'a-secret-of-the-client-of-conformance'
const bye = 'http://127.0.0.1:9/bye'

describe('OpenID Connect RP-Initiated and Back-Channel Logout OP', () => {
  let world: World
  let rp: Party
  let server: RelyingPartyServer
  const at = (path: string) => new URL(path, world.site.issuer)
  before(async () => {
    server = await startRelyingPartyServer(() => ({ issuer: world.site.issuer, audience: 'cert' }))
    const client = { redirectUris: [callback], postLogoutRedirectUris: [bye], secret, firstParty: true }
    world = await startWorld({
      part: (issuer) => ({
        plugins: { uni: atUpstream(issuer) },
        clients: { cert: { ...client, backchannelLogoutUri: server.backchannelLogoutUri } },
      }),
    })
    rp = await party(world.site, { id: 'cert', secret })
  })
  after(async () => {
    await world.close()
    await server.close()
  })

  const signedIn = async () => {
    const agent = newBrowser()
    const tokens = await rp.signIn(agent, 'alice')
    return { agent, hint: tokens.id_token ?? assert.fail('no ID token') }
  }
  const logout = (parameters: Readonly<Record<string, string>>) => at(`/oidc/logout?${new URLSearchParams(parameters)}`)
  const isSignedIn = async (agent: UserAgent) => (await rp.silent(agent)).error === null
  /** Opens the address and says yes. */
  const leave = async (agent: UserAgent, parameters: Readonly<Record<string, string>>) =>
    agent.press(await agent.open(logout(parameters)), 'Sign out')

  test('oidcc-rp-initiated-logout', async () => {
    const { agent, hint } = await signedIn()
    const page = await leave(agent, { id_token_hint: hint, post_logout_redirect_uri: bye, state: 'abc' })
    assert.equal(page.url.href, `${bye}?state=abc`)
    assert.equal(await isSignedIn(agent), false)
  })

  test('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', async () => {
    const { agent, hint } = await signedIn()
    const page = await agent.open(logout({ id_token_hint: hint, post_logout_redirect_uri: `${bye}/bad` }))
    assert.ok(page.status >= 400 && !page.url.href.startsWith(bye), textOf(page))
    assert.equal(await isSignedIn(agent), true)
  })

  test('oidcc-rp-initiated-logout-modified-id-token-hint', async () => {
    const { agent, hint } = await signedIn()
    const [head, body, signature = ''] = hint.split('.')
    const turned = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    const page = await agent.open(logout({ id_token_hint: turned, post_logout_redirect_uri: bye }))
    assert.ok(page.status >= 400, textOf(page))
    assert.equal(await isSignedIn(agent), true)
  })

  test('oidcc-rp-initiated-logout-bad-id-token-hint', async () => {
    const { agent } = await signedIn()
    const page = await agent.open(logout({ id_token_hint: 'bad', post_logout_redirect_uri: bye }))
    assert.ok(page.status >= 400, textOf(page))
  })

  test('oidcc-rp-initiated-logout-no-id-token-hint', async () => {
    const { agent } = await signedIn()
    const page = await leave(agent, { post_logout_redirect_uri: bye, client_id: 'cert' })
    assert.equal(page.url.href.startsWith(bye), true)
    const other = await signedIn()
    const lost = await leave(other.agent, { post_logout_redirect_uri: bye })
    assert.equal(lost.url.href.startsWith(bye), false, 'nobody says whose address it is')
  })

  test('oidcc-rp-initiated-logout-no-params', async () => {
    const { agent } = await signedIn()
    assert.equal(titleOf(await leave(agent, {})), 'You are signed out')
    assert.equal(await isSignedIn(agent), false)
  })

  test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri', async () => {
    const { agent, hint } = await signedIn()
    assert.equal(titleOf(await leave(agent, { id_token_hint: hint })), 'You are signed out')
  })

  test('oidcc-rp-initiated-logout-no-state', async () => {
    const { agent, hint } = await signedIn()
    const page = await leave(agent, { id_token_hint: hint, post_logout_redirect_uri: bye })
    assert.equal(page.url.href, bye)
  })

  test('oidcc-rp-initiated-logout-only-state', async () => {
    const { agent } = await signedIn()
    assert.equal(titleOf(await leave(agent, { state: 'abc' })), 'You are signed out')
  })

  test('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', async () => {
    const { agent, hint } = await signedIn()
    const page = await agent.open(logout({ id_token_hint: hint, post_logout_redirect_uri: `${bye}?foo=bar` }))
    assert.ok(page.status >= 400, textOf(page))
  })

  test('oidcc-rp-initiated-logout-discovery-endpoint-verification', async () => {
    const document = await discovery()
    assert.equal(document.end_session_endpoint, String(at('/oidc/logout')))
  })

  test('oidcc-backchannel-rp-initiated-logout', async () => {
    const { agent, hint } = await signedIn()
    const before = server.received().length
    await leave(agent, { id_token_hint: hint, post_logout_redirect_uri: bye })
    const token = server.received()[before]
    const { sub, sid } = decodeJwt(hint)
    assert.deepEqual([server.failures(), token?.sub], [[], sub])
    assert.ok(token?.sid && token.jti && token.iat && (sid === undefined || token.sid === sid))
  })

  test('oidcc-backchannel-logout-discovery-endpoint-verification', async () => {
    const document = await discovery()
    assert.deepEqual(
      [document.backchannel_logout_supported, document.backchannel_logout_session_supported],
      [true, true],
    )
  })

  const discovery = async () =>
    (await (await fetch(at('/.well-known/openid-configuration'))).json()) as Record<string, unknown>
})

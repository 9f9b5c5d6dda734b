/** A client with WebKnossos' quirks signs people in by the preset, and by nothing less. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { presetSettings } from '../../core/oidc/client-presets.ts'
import { browser, signInByEmail, startLabgate, type TestLabgate, testClients } from '../support/labgate.ts'
import { type WebknossosSettings, webknossosLogin, webknossosRedeem } from '../support/webknossos-client.ts'

const url = 'http://127.0.0.1:9'
const secret = 'a-secret-of-the-webknossos-client'
const preset = { ...presetSettings('webknossos', url), name: 'WebKnossos', secret, firstParty: true }

suite('WebKnossos', () => {
  let site: TestLabgate
  const callback = `${url}/api/auth/oidc/callback`
  const settings = (clientId = 'webknossos'): WebknossosSettings => ({
    providerUrl: `${site.issuer}/`,
    clientId,
    clientSecret: secret,
    scope: 'openid profile email',
  })
  const codeOf = async (clientId?: string): Promise<URLSearchParams> => {
    const at = await webknossosLogin(settings(clientId), callback)
    return (await signInByEmail(site, browser(), { at, email: 'ada@example.org' })).url.searchParams
  }

  before(async () => {
    const { resource: _, ...withoutResource } = preset
    site = await startLabgate({
      clients: { ...testClients, webknossos: preset, plain: withoutResource },
      resources: { [url]: { scopes: ['openid', 'profile', 'email'], format: 'jwt' } },
      claims: {
        profile: { given_name: 'account:displayName', family_name: 'account:username' },
        email: { email: 'account:email', email_verified: 'account:emailVerified' },
      },
    })
  })
  after(() => site.stop())

  test('signs in without PKCE, state and nonce; both tokens verify with the first RSA key and say who it is', async () => {
    const back = await codeOf()
    assert.equal(back.get('state'), null)
    const { person, accessToken } = await webknossosRedeem(settings(), { callback, code: back.get('code') ?? '' })
    assert.equal(person.email, 'ada@example.org')
    assert.ok(person.given_name.length > 0 && person.family_name.length > 0)
    assert.deepEqual([accessToken.aud, accessToken.iss, accessToken.client_id], [url, site.issuer, 'webknossos'])
    assert.equal(accessToken.email, undefined, 'the access token itself tells nothing of the person')
  })

  test('a new signing key is the first one at once after the start that signs with it', async () => {
    await site.labgate.rooms.get('keys').rotate('RS256')
    site = await site.restart()
    const code = (await codeOf()).get('code') ?? ''
    await webknossosRedeem(settings(), { callback, code })
  })

  test('without the preset’s resource server its access token is no JWT, and it refuses', async () => {
    const code = (await codeOf('plain')).get('code') ?? ''
    await assert.rejects(webknossosRedeem(settings('plain'), { callback, code }), /not a JWT/)
  })

  test('a client of ours that names no resource gets an opaque token as before', async () => {
    const { relyingParty } = await import('../support/labgate.ts')
    const party = await relyingParty(site.issuer)
    const { url: at, redeem } = await party.request()
    const tokens = await redeem((await signInByEmail(site, browser(), { at, email: 'ben@example.org' })).url)
    assert.ok(!tokens.access_token.includes('.'))
  })
})

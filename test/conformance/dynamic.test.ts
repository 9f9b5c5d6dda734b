/** The profile Dynamic OP of the OpenID conformance suite, as far as it goes with invitations: one test for each module, by its name there. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose'
import * as client from 'openid-client'
import { atUpstream, newBrowser, signInAs, startWorld, type World } from '../support/flow.ts'
import { callback } from '../support/labgate.ts'
import { partyKey, requestParts, startJwksServer } from '../support/own-party.ts'

describe('OpenID Connect Dynamic OP', () => {
  let world: World
  let token: string
  let jwksServer: Awaited<ReturnType<typeof startJwksServer>>
  const at = (path: string) => new URL(path, world.site.issuer)
  const key = partyKey()
  before(async () => {
    jwksServer = await startJwksServer((await key).jwks)
    world = await startWorld({
      part: (issuer) => ({ plugins: { uni: atUpstream(issuer) }, clientRegistration: { enabled: true } }),
    })
    const redirectHosts = ['127.0.0.1:9', new URL(jwksServer.uri).host]
    const made = await world.site.labgate.rooms.get('registrations').invite('test', { redirectHosts, uses: 100 })
    token = made.token
  })
  after(async () => {
    await world.close()
    jwksServer.close()
  })

  const register = async (metadata: object) => {
    const body = JSON.stringify({
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token'],
      ...metadata,
    })
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(at('/oidc/register'), { method: 'POST', headers, body })
    return { status: answer.status, body: (await answer.json()) as Record<string, string> }
  }
  const configOf = async (registered: Readonly<Record<string, string>>, auth?: client.ClientAuth) =>
    client.discovery(new URL(world.site.issuer), registered.client_id ?? '', registered.client_secret, auth, {
      execute: [client.allowInsecureRequests],
    })
  const signIn = async (config: client.Configuration) => {
    const { parameters, checks } = await requestParts({ scope: 'openid' })
    const agent = newBrowser()
    const ask = await signInAs(agent, 'alice', client.buildAuthorizationUrl(config, parameters))
    const page = ask.status === 0 ? ask : await agent.press(ask, 'Allow')
    return client.authorizationCodeGrant(config, page.url, checks)
  }

  test('oidcc-server (dynamic)', async () => {
    const { status, body } = await register({})
    assert.equal(status, 201)
    assert.ok((await signIn(await configOf(body))).claims())
  })

  test('oidcc-redirect-uri-regfrag', async () => {
    assert.equal((await register({ redirect_uris: [`${callback}#fragment`] })).status, 400)
  })

  for (const name of ['logo_uri', 'policy_uri', 'tos_uri'])
    test(`oidcc-registration-${name.replace('_', '-')}`, async () => {
      const { status, body } = await register({ [name]: 'https://client.example.org/page' })
      // It may be left out, and then is not in the answer (RFC 7591 §2).
      assert.deepEqual([status, body[name]], [201, undefined])
    })

  test('oidcc-registration-jwks-uri', async () => {
    const { status, body } = await register({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: jwksServer.uri })
    assert.deepEqual([status, body.client_secret], [201, undefined])
    const { privateKey } = (await key).pair
    assert.ok((await signIn(await configOf(body, client.PrivateKeyJwt(privateKey)))).claims())
  })

  test('oidcc-refresh-token-rp-key-rotation', async () => {
    const { body } = await register({ token_endpoint_auth_method: 'private_key_jwt', jwks: (await key).jwks })
    const config = await configOf(body, client.PrivateKeyJwt((await key).pair.privateKey))
    const tokens = await signIn(config)
    const next = await partyKey('k2')
    const own = await fetch(String(body.registration_client_uri), {
      headers: { authorization: `Bearer ${body.registration_access_token}` },
    })
    const {
      registration_access_token: rat,
      registration_client_uri: _,
      client_id_issued_at: __,
      ...metadata
    } = (await own.json()) as Record<string, string>
    const changed = await fetch(String(body.registration_client_uri), {
      method: 'PUT',
      headers: { authorization: `Bearer ${rat}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...metadata, jwks: next.jwks }),
    })
    assert.equal(changed.status, 200, await changed.clone().text())
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token ?? ''))
    const renewed = await configOf(body, client.PrivateKeyJwt(next.pair.privateKey))
    assert.ok((await client.refreshTokenGrant(renewed, tokens.refresh_token ?? '')).access_token)
  })

  test('oidcc-registration-sector-bad', async () => {
    const { status } = await register({ subject_type: 'pairwise', sector_identifier_uri: jwksServer.uri })
    assert.equal(status, 400)
  })

  test('oidcc-idtoken-rs256', async () => {
    const { body } = await register({ id_token_signed_response_alg: 'RS256' })
    const tokens = await signIn(await configOf(body))
    assert.equal(decodeProtectedHeader(tokens.id_token ?? '').alg, 'RS256')
  })

  test('oidcc-registration-subject-type-pairwise', async () => {
    const [{ body: one }, { body: two }] = [await register({}), await register({ subject_type: 'pairwise' })]
    const [plain, pairwise] = [await signIn(await configOf(one)), await signIn(await configOf(two))]
    assert.notEqual(plain.claims()?.sub, pairwise.claims()?.sub)
  })

  test('oidcc-server-rotate-keys', async () => {
    const { body } = await register({})
    const config = await configOf(body)
    const before = await signIn(config)
    const old = (await (await fetch(at('/oidc/jwks'))).json()) as JSONWebKeySet
    await world.site.labgate.rooms.get('keys').rotate('RS256')
    await world.site.labgate.renewKeys()
    const after = await signIn(await configOf(body))
    const keys = createRemoteJWKSet(at('/oidc/jwks'))
    for (const { id_token: value = '' } of [before, after]) await jwtVerify(value, keys, { issuer: world.site.issuer })
    await jwtVerify(before.id_token ?? '', createLocalJWKSet(old))
    assert.ok(decodeJwt(after.id_token ?? '').sub)
  })
})

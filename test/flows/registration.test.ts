import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import {
  atUpstream,
  movableClock,
  newBrowser,
  signInAs,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import { callback } from '../support/labgate.ts'
import { requestParts } from '../support/own-party.ts'

const day = 86_400

describe('clients that register themselves (RFC 7591, RFC 7592)', () => {
  const clock = movableClock()
  let world: World
  const at = (path: string) => new URL(path, world.site.issuer)
  const rooms = () => world.site.labgate.rooms
  before(async () => {
    world = await startWorld({
      options: { replaced: { clock } },
      part: (issuer) => ({
        plugins: { uni: atUpstream(issuer) },
        clientRegistration: { enabled: true, maxClients: 8, unusedLife: '30d' },
      }),
    })
  })
  after(() => world.close())

  const invite = async (more: object = {}) => {
    const asked = { redirectHosts: ['127.0.0.1:9'], uses: 50, ...more }
    return rooms().get('registrations').invite('test', asked)
  }
  const register = async (token: string | undefined, metadata: object) => {
    const headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const response = await fetch(at('/oidc/register'), { method: 'POST', headers, body: JSON.stringify(metadata) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const manage = async (registered: Record<string, unknown>, method = 'GET', body?: object) => {
    const response = await fetch(String(registered.registration_client_uri), {
      method,
      headers: {
        authorization: `Bearer ${String(registered.registration_access_token)}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
  }

  test('openid-client registers with an invitation and signs somebody in, who is asked for consent', async () => {
    const { token } = await invite()
    const metadata = {
      client_name: 'A <b>student’s</b> app',
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token'],
    }
    const options = { initialAccessToken: token, execute: [client.allowInsecureRequests] }
    const config = await client.dynamicClientRegistration(new URL(world.site.issuer), metadata, undefined, options)
    const { parameters, checks } = await requestParts()
    const agent = newBrowser()
    const ask = await signInAs(agent, 'alice', client.buildAuthorizationUrl(config, parameters))
    assert.match(titleOf(ask), /^Allow A &lt;b&gt;student/)
    const tokens = await client.authorizationCodeGrant(config, (await agent.press(ask, 'Allow')).url, checks)
    assert.ok(tokens.claims() && tokens.refresh_token)
    const { client_id: id } = config.clientMetadata()
    const found = await rooms().get('clients').find(id)
    assert.deepEqual([found?.source, found?.settings.firstParty], ['registered', false])
    const [line] = await rooms().get('storage').audit.list({ type: 'client.added', limit: 1 })
    assert.equal(line?.client, id)
  })

  test('a client reads, changes and removes itself with its own token, which changes with it', async () => {
    const { token } = await invite()
    const { body: first } = await register(token, { redirect_uris: [callback], client_name: 'One' })
    const read = await manage(first)
    assert.deepEqual([read.status, read.body.client_name, read.body.client_secret], [200, 'One', first.client_secret])
    const {
      registration_access_token: _,
      registration_client_uri: __,
      client_secret_expires_at: ___,
      client_id_issued_at: ____,
      ...own
    } = read.body
    const changed = await manage(first, 'PUT', { ...own, client_name: 'Two' })
    assert.deepEqual([changed.status, changed.body.client_name], [200, 'Two'])
    assert.equal((await manage(first)).status, 401)
    const evil = await manage(changed.body, 'PUT', { ...own, redirect_uris: ['https://evil.example/'] })
    assert.equal(evil.status, 400)
    assert.equal((await manage(changed.body, 'DELETE')).status, 204)
    assert.equal((await manage(changed.body)).status, 401)
    assert.equal(await rooms().get('clients').find(String(first.client_id)), undefined)
  })

  describe('is not open to everybody (S21)', () => {
    test('without an invitation, with a made-up one, one that was used up, ended or is over: nothing', async () => {
      const metadata = { redirect_uris: [callback] }
      assert.ok((await register(undefined, metadata)).status >= 400)
      assert.equal((await register('x'.repeat(43), metadata)).status, 401)
      const once = await invite({ uses: 1 })
      const both = await Promise.all([register(once.token, metadata), register(once.token, metadata)])
      assert.deepEqual(both.map(({ status }) => status).toSorted(), [201, 401])
      const ended = await invite()
      await rooms().get('registrations').end(ended.invitation.id)
      assert.equal((await register(ended.token, metadata)).status, 401)
      const short = await invite({ days: 1 })
      clock.advance(day + 1)
      assert.equal((await register(short.token, metadata)).status, 401)
    })

    test('addresses elsewhere, odd grant types, implicit answers and scopes that nobody invited are refused', async () => {
      const { token } = await invite()
      const wrong = [
        { redirect_uris: ['https://evil.example/callback'] },
        { redirect_uris: ['https://127.0.0.1.evil.example/'] },
        { redirect_uris: ['http://127.0.0.1:99/callback'] },
        { redirect_uris: ['https://user@127.0.0.1:9/'] },
        { redirect_uris: ['https://127.0.0.1:9/*'] },
        { redirect_uris: ['org.example.app:/callback'] },
        { redirect_uris: [callback, 'https://evil.example/'] },
        { redirect_uris: [callback], post_logout_redirect_uris: ['https://evil.example/'] },
        { redirect_uris: [callback], backchannel_logout_uri: 'http://169.254.169.254/latest' },
        {
          redirect_uris: [callback],
          jwks_uri: 'https://evil.example/jwks',
          token_endpoint_auth_method: 'private_key_jwt',
        },
        { redirect_uris: [callback], grant_types: ['client_credentials'] },
        { redirect_uris: [callback], grant_types: ['implicit'], response_types: ['id_token'] },
        { redirect_uris: [callback], grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'] },
        { redirect_uris: [callback], response_types: ['none'] },
        { redirect_uris: [callback], scope: 'openid groups' },
        { redirect_uris: [callback], client_name: 'two\nlines' },
        { redirect_uris: 'https://127.0.0.1:9/' },
        { redirect_uris: [callback], token_endpoint_auth_method: 'client_secret_jwt' },
      ]
      for (const metadata of wrong) {
        const { status, body } = await register(token, metadata)
        assert.equal(status, 400, `${JSON.stringify(metadata)} ${JSON.stringify(body)}`)
        assert.match(String(body.error), /^invalid_(client_metadata|redirect_uri)$/)
      }
    })

    test('a host is that of its own port: another one is named with it', async () => {
      const { token } = await invite({ redirectHosts: ['app.example.org', 'localhost'] })
      for (const uri of [
        'https://app.example.org:8443/back',
        'http://app.example.org/back',
        'https://localhost.example/',
      ])
        assert.equal((await register(token, { redirect_uris: [uri] })).status, 400, uri)
      const uris = ['https://app.example.org/back', 'https://app.example.org:443/back', 'https://localhost:9000/back']
      const { status, body } = await register(token, { redirect_uris: uris })
      assert.equal(status, 201, JSON.stringify(body))
      assert.equal((await manage(body, 'DELETE')).status, 204)
    })

    test('a list of who shares pairwise ids is looked up (OpenID Connect Core §8.1)', async () => {
      const { token } = await invite()
      const pairwise = { redirect_uris: [callback], subject_type: 'pairwise' }
      const away = { sector_identifier_uri: 'https://127.0.0.1:9/list.json' }
      const { status, body } = await register(token, { ...pairwise, ...away })
      assert.deepEqual([status, body.error], [400, 'invalid_client_metadata'])
      assert.match(String(body.error_description), /could not load sector_identifier_uri/)
      const device = ['urn:ietf:params:oauth:grant-type:device_code']
      const { token: forDevices } = await invite({ grantTypes: device })
      const key = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://127.0.0.1:9/keys.json' }
      const nowhere = await register(forDevices, { ...key, subject_type: 'pairwise', grant_types: device })
      assert.match(String(nowhere.body.error_description), /pairwise ids are for the host of a redirect URI/)
      const { body: kept } = await register(token, pairwise)
      const { client_id } = kept
      assert.equal((await manage(kept, 'PUT', { client_id, ...pairwise, ...away })).status, 400)
      assert.equal((await manage(kept, 'DELETE')).status, 204)
    })

    test('nobody makes themselves one of ours: what only an operator sets is left out', async () => {
      const { token } = await invite()
      const { status, body } = await register(token, {
        redirect_uris: [callback],
        labgate_first_party: true,
        labgate_pkce: false,
        labgate_origins: ['https://evil.example'],
        labgate_exchange: { to: ['https://data.example.org'] },
        client_id: 'labgate',
        logo_uri: 'https://evil.example/logo.png',
      })
      assert.equal(status, 201)
      const id = String(body.client_id)
      assert.notEqual(id, 'labgate')
      const { settings } = (await rooms().get('clients').find(id)) ?? assert.fail()
      assert.deepEqual(
        [settings.firstParty, settings.pkce, settings.origins, settings.tokenExchange],
        [false, true, [], undefined],
      )
      const query = new URLSearchParams({
        client_id: id,
        redirect_uri: callback,
        scope: 'openid',
        response_type: 'code',
      })
      const url = at(`/oidc/auth?${query}`)
      const back = await newBrowser().open(url)
      assert.equal(back.url.searchParams.get('error'), 'invalid_request', textOf(back))
    })

    test('the token of one client is worth nothing for another', async () => {
      const { token } = await invite()
      const [{ body: one }, { body: two }] = [
        await register(token, { redirect_uris: [callback] }),
        await register(token, { redirect_uris: [callback] }),
      ]
      const crossed = { ...one, registration_client_uri: two.registration_client_uri }
      assert.equal((await manage(crossed, 'DELETE')).status, 401)
      assert.ok(await rooms().get('clients').find(String(two.client_id)))
    })

    test('a client that nobody uses ends with all that was issued to it; use keeps it', async () => {
      const { token } = await invite({ days: 365 })
      const kept = await register(token, { redirect_uris: [callback] })
      const { body } = kept
      assert.equal(kept.status, 201, JSON.stringify(body))
      const id = String(body.client_id)
      const { body: other } = await register(token, { redirect_uris: [callback] })
      clock.advance(20 * day)
      const issuer = await client.discovery(new URL(world.site.issuer), id, String(body.client_secret), undefined, {
        execute: [client.allowInsecureRequests],
      })
      const { parameters, checks } = await requestParts({ scope: 'openid' })
      const agent = newBrowser()
      const ask = await signInAs(agent, 'bob', client.buildAuthorizationUrl(issuer, parameters))
      assert.ok(
        (await client.authorizationCodeGrant(issuer, (await agent.press(ask, 'Allow')).url, checks)).access_token,
      )
      clock.advance(20 * day)
      const clients = rooms().get('clients')
      assert.ok(await clients.find(id))
      assert.equal(await clients.find(String(other.client_id)), undefined)
      const page = await newBrowser().open(at(`/oidc/auth?client_id=${String(other.client_id)}`))
      assert.equal(page.status, 400)
      assert.ok(!(await clients.list()).some((one) => one.id === other.client_id))
      assert.equal((await manage(other)).status, 401)
    })

    test('there is an end to how many there may be', async () => {
      const { token } = await invite()
      let status = 201
      for (let count = 0; status === 201 && count < 12; count++)
        ({ status } = await register(token, { redirect_uris: [callback] }))
      assert.equal(status, 400)
      assert.ok((await rooms().get('clients').registered()) <= 8)
    })
  })

  test('an invitation asks for hosts, and gives no grant that acts for nobody', async () => {
    const { invite: ask } = rooms().get('registrations')
    await assert.rejects(ask('test', {}), { code: 'ERR_INPUT' })
    for (const wrong of [
      { redirectHosts: ['*.example.org'] },
      { redirectHosts: ['https://a.example'] },
      { redirectHosts: ['a.example'], grantTypes: ['client_credentials'] },
      { redirectHosts: ['a.example'], uses: 0 },
    ])
      await assert.rejects(ask('test', wrong), { code: 'ERR_INPUT' })
  })

  test('neither tokens nor secrets stand in the database', async () => {
    const { token } = await invite()
    const rows = JSON.stringify(await rooms().get('registrations').invitations())
    assert.ok(!rows.includes(token))
  })
})

test('without `clientRegistration.enabled` there is no endpoint', async () => {
  const world = await startWorld()
  const answer = await fetch(new URL('/oidc/register', world.site.issuer), { method: 'POST' })
  const document = (await (
    await fetch(new URL('/.well-known/openid-configuration', world.site.issuer))
  ).json()) as object
  assert.deepEqual([answer.status, 'registration_endpoint' in document], [404, false])
  await world.close()
})

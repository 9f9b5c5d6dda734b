import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { atUpstream, newBrowser, type Party, party, startWorld, type World } from '../support/flow.ts'
import { callback, testClients } from '../support/labgate.ts'

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const [portal, data, files] = ['https://portal.example.org', 'https://data.example.org', 'https://files.example.org']
const secret = 'a-secret-of-a-service-that-exchanges'
const house = { kind: 'system', name: 'test' } as const

describe('token exchange (RFC 8693)', () => {
  let world: World
  let web: Party
  let service: client.Configuration
  before(async () => {
    const ours = { secret, firstParty: true, grantTypes: ['client_credentials'] }
    world = await startWorld({
      part: (issuer) => ({
        plugins: { uni: atUpstream(issuer), probe: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' } },
        resources: {
          [portal]: { scopes: ['read', 'write', 'probe'] },
          [data]: { scopes: ['read', 'write', 'delete', 'probe'], format: 'jwt', life: '10m' },
          [files]: { scopes: ['read', 'probe'] },
        },
        clients: {
          ...testClients,
          portal: { ...ours, tokenExchange: { as: [portal], to: [data] } },
          chain: { ...ours, tokenExchange: { as: [data], to: [files] } },
          plain: { ...ours, redirectUris: [callback] },
        },
      }),
    })
    web = await party(world.site)
    service = await configOf('portal')
  })
  after(() => world.close())

  const configOf = (id: string) =>
    client.discovery(new URL(world.site.issuer), id, {}, client.ClientSecretBasic(secret), {
      execute: [client.allowInsecureRequests],
    })
  const given = async (scope = 'openid read', login = 'alice', resource = portal) =>
    (await web.signIn(newBrowser(), login, { scope, resource })).access_token
  const exchange = (config: client.Configuration, subject_token: string, more: Readonly<Record<string, string>> = {}) =>
    client.genericGrantRequest(config, grant, {
      subject_token,
      subject_token_type: accessToken,
      resource: data,
      ...more,
    })

  test('turns a token that a service was given into one for another service, with its own name in it', async () => {
    const subject = await given()
    const answer = await exchange(service, subject)
    assert.deepEqual([answer.issued_token_type, answer.token_type, answer.scope], [accessToken, 'bearer', 'read'])
    assert.ok((answer.expires_in ?? 999) <= 300)
    const keys = createRemoteJWKSet(new URL('/oidc/jwks', world.site.issuer))
    const { payload } = await jwtVerify(answer.access_token, keys, { issuer: world.site.issuer, audience: data })
    const who = await world.site.labgate.rooms.get('accounts').findByUsername('alice')
    assert.deepEqual([payload.sub, payload.act, payload.client_id], [who?.id, { sub: 'portal' }, 'portal'])
    const seen = await client.tokenIntrospection(service, answer.access_token)
    assert.deepEqual([seen.active, seen.act], [true, { sub: 'portal' }])
    const [line] = await world.site.labgate.rooms.get('storage').audit.list({ type: 'token.exchanged', limit: 1 })
    assert.deepEqual([line?.client, line?.account], ['portal', who?.id])
  })

  test('of a chain of services each stands in the token (§4.1)', async () => {
    const { access_token: first } = await exchange(service, await given())
    const second = await exchange(await configOf('chain'), first, { resource: files })
    const seen = await client.tokenIntrospection(await configOf('chain'), second.access_token)
    assert.deepEqual(seen.act, { sub: 'chain', act: { sub: 'portal' } })
  })

  test('takes an API token, with its scopes and no more', async () => {
    const { get } = world.site.labgate.rooms
    const who = await get('accounts').findByUsername('alice')
    const made = await get('tokens').create(house, { account: who?.id ?? '', name: 'x', scopes: ['probe'] })
    assert.equal((await exchange(service, made.value)).scope, 'probe')
    await assert.rejects(exchange(service, made.value, { scope: 'read' }), { error: 'invalid_scope' })
    await get('tokens').revoke(house, made.token.id)
    await assert.rejects(exchange(service, made.value), { error: 'invalid_request' })
  })

  test('never gives more: scopes, services, or tokens that were meant for somebody else', async () => {
    const subject = await given('openid read write')
    assert.equal((await exchange(service, subject, { scope: 'write' })).scope, 'write')
    await assert.rejects(exchange(service, subject, { scope: 'read delete' }), { error: 'invalid_scope' })
    await assert.rejects(exchange(service, subject, { resource: files }), { error: 'invalid_target' })
    await assert.rejects(exchange(service, subject, { resource: 'https://other.example.org' }), {
      error: 'invalid_target',
    })
    await assert.rejects(exchange(service, await given('openid read', 'alice', files)), { error: 'invalid_request' })
    const { access_token } = await web.signIn(newBrowser(), 'alice', { scope: 'openid' })
    await assert.rejects(exchange(service, access_token), { error: 'invalid_request' })
    for (const more of [
      { actor_token: subject },
      { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      { audience: data },
    ] as Readonly<Record<string, string>>[])
      await assert.rejects(exchange(service, subject, more), /server responded/)
  })

  test('asks for the terms that a sign-in to the service, or to the one behind the resource, would ask for', async () => {
    const { terms } = world.site.labgate.rooms.get('ledger')
    const subject = await given()
    for (const asking of ['portal', 'chain']) {
      await terms.add(house, { id: `of-${asking}`, title: 'Rules', markdown: 'Be kind.', services: [asking] })
      await assert.rejects(exchange(service, subject), (error) => {
        const { error: code, error_description: why } = error as { error: string; error_description: string }
        assert.equal(code, 'interaction_required')
        assert.match(why, new RegExp(`accept the terms of ${asking}`))
        return true
      })
      await terms.retire(house, `of-${asking}`)
    }
    const clients = world.site.labgate.rooms.get('clients')
    const { settings } = (await clients.find('plain')) ?? assert.fail('no such client')
    await terms.add(house, { id: 'of-kept', title: 'Rules', markdown: 'Be kind.', services: ['kept'] })
    for (const behind of [{ resource: data }, { tokenExchange: { as: [data], to: [files] } }]) {
      await clients.save('kept', { ...settings, redirectUris: [], ...behind })
      await assert.rejects(exchange(service, subject), { error: 'interaction_required' })
      await clients.save('kept', { ...settings, redirectUris: [], homepage: `${data}/about` })
      assert.ok((await exchange(service, subject)).access_token, 'who only mentions it is not behind it')
    }
    await clients.remove('kept')
    await terms.retire(house, 'of-kept')
    await terms.add(house, { id: 'of-plain', title: 'Rules', markdown: 'Be kind.', services: ['plain'] })
    assert.ok((await exchange(service, subject)).access_token)
    await terms.retire(house, 'of-plain')
  })

  test('a token of a client that is gone counts for nothing, though another process may have issued it late', async (t) => {
    const { get } = world.site.labgate.rooms
    const { settings } = (await get('clients').find('plain')) ?? assert.fail('no such client')
    const made = await get('clients').save('leaver', { ...settings, grantTypes: ['authorization_code'] })
    const leaver = await party(world.site, { id: 'leaver', secret: made.secret })
    const tokens = await leaver.signIn(newBrowser(), 'alice', { scope: 'openid read', resource: portal })
    assert.ok((await exchange(service, tokens.access_token)).access_token)
    t.mock.method(get('storage').artifacts, 'deleteByClient', async () => 0)
    await get('clients').remove('leaver')
    await assert.rejects(exchange(service, tokens.access_token), { error: 'invalid_request' })
  })

  test('only for clients whose entry says so', async () => {
    await assert.rejects(exchange(await configOf('plain'), await given()), { error: 'invalid_request' })
    await assert.rejects(exchange(web.config, await given()), { error: 'invalid_request' })
  })

  test('ends with the session and with the account, and is nothing at our own doors', async () => {
    const agent = newBrowser()
    const tokens = await web.signIn(agent, 'bob', { scope: 'openid read', resource: portal })
    const { access_token } = await exchange(service, tokens.access_token)
    assert.equal((await web.userinfo(access_token)).status, 403)
    assert.equal((await client.tokenIntrospection(service, access_token)).active, true)
    await agent.press(await agent.open(new URL('/account', world.site.issuer)), 'Sign out here')
    assert.equal((await client.tokenIntrospection(service, access_token)).active, false)
    await assert.rejects(exchange(service, tokens.access_token), { error: 'invalid_request' })
    const dora = await given('openid read', 'dora')
    const accounts = world.site.labgate.rooms.get('accounts')
    await accounts.setState((await accounts.findByUsername('dora'))?.id ?? '', 'deactivated')
    await assert.rejects(exchange(service, dora), { error: 'invalid_request' })
  })
})

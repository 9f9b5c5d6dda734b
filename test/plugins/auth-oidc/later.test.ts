import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fault, Json } from '@labgate/contract'
import plugin from '../../../plugins/auth-oidc/index.ts'
import { startUpstream, type Upstream, type UpstreamOptions } from '../../support/upstream.ts'
import { clientFor, configOf, linkOf, oidcWorld, redirectUri } from './world.ts'

async function withUpstream(options: UpstreamOptions, use: (upstream: Upstream) => Promise<void>): Promise<void> {
  const upstream = await startUpstream(options)
  try {
    await use(upstream)
  } finally {
    await upstream.close()
  }
}

const offline = { scopes: ['openid', 'email', 'groups', 'offline_access'], groups: { claim: 'groups' } }

describe('refresh', () => {
  test('brings today’s groups and keeps the newest refresh token', async () => {
    const ada = { sub: 'ada', groups: ['staff'] }
    await withUpstream({ users: [ada], clients: [clientFor()] }, async (upstream) => {
      const world = oidcWorld(upstream, { config: offline })
      const { to } = await world.begin()
      assert.equal(to.searchParams.get('prompt'), 'consent', 'OpenID Connect Core §11')
      const first = await world.assertion('ada')
      ada.groups = ['alumni']
      const second = await world.method.refresh!(linkOf(first))
      assert.ok(second !== 'gone')
      assert.deepEqual(second.facts.find(({ claim }) => claim === 'groups')?.value, ['alumni'])
      assert.equal(second.subject, 'ada')
      assert.equal(second.at.getTime(), first.at.getTime(), 'looking again is no proof of presence')
      assert.ok((await world.method.refresh!(linkOf(second))) !== 'gone')
    })
  })

  test('says gone when the upstream no longer takes the token, and a fault when it is only down', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], clients: [clientFor()] }, async (upstream) => {
      const world = oidcWorld(upstream, { config: offline })
      const link = linkOf(await world.assertion('ada'))
      upstream.faults.fail = { token: '500' }
      await assert.rejects(world.method.refresh!(link), (error: Fault) => error.code === 'ERR_UPSTREAM')
      upstream.faults.fail = {}
      upstream.forget()
      assert.equal(await world.method.refresh!(link), 'gone')
    })
  })

  test('refuses a refreshed ID token about somebody else (OpenID Connect Core §12.2)', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], clients: [clientFor()] }, async (upstream) => {
      const world = oidcWorld(upstream, { config: offline })
      const link = linkOf(await world.assertion('ada'))
      upstream.faults.idToken = (claims) => ({ ...claims, sub: 'eve' })
      await assert.rejects(world.method.refresh!(link), (error: Fault) => /somebody else/.test(error.message))
    })
  })

  test('without a refresh token asks for a new sign-in', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], clients: [clientFor()] }, async (upstream) => {
      const world = oidcWorld(upstream)
      const link = linkOf(await world.assertion('ada'))
      await assert.rejects(world.method.refresh!(link), (error: Fault) => error.code === 'ERR_LOGIN_EXPIRED')
    })
  })
})

describe('revoke', () => {
  test('ends the refresh token upstream (RFC 7009)', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], clients: [clientFor()] }, async (upstream) => {
      const world = oidcWorld(upstream, { config: offline })
      const link = linkOf(await world.assertion('ada'))
      await world.method.revoke!(link)
      assert.equal(await world.method.refresh!(link), 'gone')
    })
  })

  test('says so when the upstream could not be told', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], clients: [clientFor()] }, async (upstream) => {
      const world = oidcWorld(upstream, { config: offline })
      const link = linkOf(await world.assertion('ada'))
      upstream.faults.fail = { revocation: '500' }
      await assert.rejects(
        async () => world.method.revoke!(link),
        (error: Fault) => error.code === 'ERR_UPSTREAM',
      )
    })
  })
})

describe('logout', () => {
  const back = new URL('https://gate.example.test/signed-out')

  test('leads to the upstream’s end of session with the ID token as hint (RP-Initiated Logout §2)', async () => {
    const client = { ...clientFor(), post_logout_redirect_uris: [back.href] }
    await withUpstream({ users: [{ sub: 'ada' }], clients: [client] }, async (upstream) => {
      const world = oidcWorld(upstream, { config: { logout: true } })
      const url = await world.method.logout!(linkOf(await world.assertion('ada')), back)
      assert.equal(url?.origin, upstream.issuer)
      assert.equal(url.searchParams.get('post_logout_redirect_uri'), back.href)
      assert.match(url.searchParams.get('id_token_hint') ?? '', /^eyJ/)
      assert.equal((await fetch(url)).status, 200, 'the upstream accepts hint and way back')
    })
  })

  test('is not offered unless the config says so, nor where the upstream has none', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], clients: [clientFor()] }, async (upstream) => {
      const plain = oidcWorld(upstream)
      assert.equal(await plain.method.logout!(linkOf(await plain.assertion('ada')), back), undefined)
      upstream.faults.discovery = ({ end_session_endpoint: _, ...document }) => document
      const world = oidcWorld(upstream, { config: { logout: true } })
      assert.equal(await world.method.logout!(linkOf(await world.assertion('ada')), back), undefined)
    })
  })
})

describe('self-registration (RFC 7591)', () => {
  const registration = (more: Readonly<Record<string, Json>> = {}) => ({ registration: { enabled: true, ...more } })
  const count = (upstream: Upstream) => upstream.requests.filter((one) => one === 'POST /reg').length

  test('happens once, and its credentials serve every later sign-in', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], registration: true }, async (upstream) => {
      const world = oidcWorld(upstream, { config: registration() })
      assert.equal((await world.assertion('ada')).subject, 'ada')
      assert.equal((await world.assertion('ada')).subject, 'ada')
      assert.equal(count(upstream), 1)
      const again = oidcWorld(upstream, { config: registration(), store: world.store })
      assert.equal((await again.assertion('ada')).subject, 'ada')
      assert.equal(count(upstream), 1, 'a new process finds what is stored')
    })
  })

  test('happens again when the credentials are lost here, or no longer known there', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], registration: true }, async (upstream) => {
      const world = oidcWorld(upstream, { config: registration() })
      await world.assertion('ada')
      await world.store.delete('client')
      await world.assertion('ada')
      assert.equal(count(upstream), 2)
      const { to, attempt } = await world.begin()
      const back = await upstream.signIn(to, 'ada')
      upstream.faults.fail = { token: 'refuse-client' }
      const reply = {
        via: 'callback',
        method: 'GET',
        url: back,
        body: new URLSearchParams(),
        locale: 'en',
        address: '',
      } as const
      const step = await world.method.next!(reply, attempt)
      assert.ok('no' in step, 'the person starts again')
      upstream.faults.fail = {}
      assert.equal((await world.assertion('ada')).subject, 'ada')
      assert.equal(count(upstream), 3)
    })
  })

  test('shows the initial access token, and names it when it is refused', async () => {
    await withUpstream({ users: [{ sub: 'ada' }], registration: 'initial-test-value' }, async (upstream) => {
      const good = oidcWorld(upstream, { config: registration({ initialAccessToken: 'initial-test-value' }) })
      assert.equal((await good.assertion('ada')).subject, 'ada')
      const bad = oidcWorld(upstream, { config: registration({ initialAccessToken: 'other' }) })
      await assert.rejects(bad.begin(), (error: Fault) => {
        assert.equal(error.code, 'ERR_UPSTREAM_REFUSED')
        assert.match(error.message, /initialAccessToken/)
        return !error.message.includes('other')
      })
    })
  })

  test('that the upstream does not offer names what to set instead', async () => {
    await withUpstream({ users: [] }, async (upstream) => {
      const world = oidcWorld(upstream, { config: registration() })
      await assert.rejects(world.begin(), (error: Fault) => /offers no self-registration.*clientId/.test(error.message))
    })
  })
})

describe('the config', () => {
  test('needs a client id unless registration is on', () => {
    assert.throws(() => configOf({ issuer: 'https://op.example' }), /clientId/)
    assert.ok(configOf({ issuer: 'https://op.example', registration: { enabled: true } }))
    assert.throws(() => configOf({ issuer: 'https://op.example', clientId: 'x', secret: 'y' }), /secret/)
  })

  test('names the alias path to the core', () => {
    const config = configOf({ issuer: 'https://op.example', clientId: 'x', callbackPath: '/old/callback' })
    assert.deepEqual(plugin.callbackPaths?.(config), ['/old/callback'])
    assert.deepEqual(plugin.callbackPaths?.(configOf({ issuer: 'https://op.example', clientId: 'x' })), [])
  })

  test('declares an issuer without a path in both spellings, and any other as it is', () => {
    const issuersOf = (issuer: string) =>
      oidcWorld({ issuer, signIn: async () => new URL(redirectUri()) }).method.issuers
    assert.deepEqual(issuersOf('https://op.example/'), ['https://op.example', 'https://op.example/'])
    assert.deepEqual(issuersOf('https://op.example/realms/a'), ['https://op.example/realms/a'])
  })

  test('creates without touching network, store or clock', () => {
    const refuse = () => assert.fail('create must be pure')
    assert.ok(oidcWorld({ issuer: 'https://op.example', signIn: refuse }, { fetch: refuse }).method)
  })
})

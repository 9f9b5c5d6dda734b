import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { type Party, party, titleOf } from '../support/flow.ts'
import {
  browser,
  callback,
  freePort,
  loadedConfig,
  type Part,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
  testClients,
} from '../support/labgate.ts'
import type { UserAgent } from '../support/user-agent.ts'

const resource = 'https://data.example.org'
const secret = 'a-secret-of-the-test-client-guest'
const guest = {
  ...{ name: 'Guest application', secret, redirectUris: [callback] },
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
}
const withGuest = { ...testClients, guest }
const standing = {
  plugins: {
    email: { use: '@labgate/auth-email' },
    probe: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
  },
  resources: { [resource]: { scopes: ['openid', 'email', 'read'], format: 'jwt', life: '1h' } },
}

/** All that a client may hold. */
interface Held {
  readonly opaque: string
  readonly refresh: string
  /** A person's. */
  readonly jwt: string
  /** Its own. */
  readonly ownJwt: string
  readonly own: string
  readonly code: URL
  redeem(back: URL): Promise<unknown>
}

describe('a client that is taken out of the config', () => {
  let site: TestLabgate
  let port: number
  before(async () => {
    port = await freePort()
    site = await startLabgate({ ...standing, clients: withGuest }, { port })
  })
  after(() => site.stop())

  const reload = async (part: Part) => {
    const { url } = site.labgate.rooms.get('config').database
    const database = url === undefined ? {} : { database: { url } }
    const { outcome } = await site.labgate.reload(async () =>
      loadedConfig({ ...standing, ...database, ...part }, { issuer: site.issuer, folder: site.folder, port }),
    )
    assert.equal(outcome, 'applied')
  }
  const known = () => party(site, { id: 'guest', secret })
  const allowed = async (agent: UserAgent, at: URL, email?: string) => {
    const page = email === undefined ? await agent.open(at) : await signInByEmail(site, agent, { at, email })
    return page.url.href.startsWith(callback) ? page : agent.press(page, 'Allow')
  }
  const hold = async (rp: Party, agent: UserAgent, email: string): Promise<Held> => {
    const asked = await rp.request({ scope: 'openid email offline_access', prompt: 'consent' })
    const tokens = await asked.redeem((await allowed(agent, asked.url, email)).url)
    const forData = await rp.request({ resource, scope: 'openid read' })
    const data = await forData.redeem((await allowed(agent, forData.url)).url)
    const open = await rp.request({ scope: 'openid email' })
    return {
      ...{ opaque: tokens.access_token, refresh: tokens.refresh_token ?? assert.fail(), jwt: data.access_token },
      ownJwt: (await client.clientCredentialsGrant(rp.config, { resource, scope: 'read' })).access_token,
      own: (await client.clientCredentialsGrant(rp.config)).access_token,
      ...{ code: (await allowed(agent, open.url)).url, redeem: open.redeem },
    }
  }
  const accountOf = async (email: string) =>
    (await site.labgate.rooms.get('accounts').findByVerifiedEmail(email))?.id ?? assert.fail()
  const introspected = async (token: string) =>
    (await client.tokenIntrospection((await relyingParty(site.issuer)).config, token)).active
  const atDoor = async (token: string) =>
    (await fetch(new URL('/probe/api/any', site.issuer), { headers: { authorization: `Bearer ${token}` } })).status
  const atUserinfo = async (token: string) =>
    (await fetch(new URL('/oidc/userinfo', site.issuer), { headers: { authorization: `Bearer ${token}` } })).status
  const standingOf = async ({ opaque, refresh, jwt, ownJwt, own }: Held) => ({
    introspected: await Promise.all([opaque, refresh, jwt, ownJwt, own].map(introspected)),
    userinfo: await Promise.all([opaque, jwt].map(atUserinfo)),
    door: await atDoor(opaque),
  })
  const all = { introspected: [true, true, true, true, true], userinfo: [200, 200], door: 200 }
  const none = { introspected: [false, false, false, false, false], userinfo: [401, 401], door: 401 }

  test('nothing that it held counts any more, at whatever door, and nothing does when it comes back', async () => {
    const agent = browser()
    const held = await hold(await known(), agent, 'guest-1@example.org')
    assert.deepEqual(await standingOf(held), all)
    await reload({ clients: testClients })
    assert.deepEqual(await standingOf(held), none)
    await reload({ clients: withGuest })
    assert.deepEqual(await standingOf(held), none)
    const rp = await known()
    assert.equal((await rp.token({ grant_type: 'refresh_token', refresh_token: held.refresh })).status, 400)
    await assert.rejects(held.redeem(held.code))
    // The person is signed in as before, and what they allowed, they allowed to the former one.
    const asked = await rp.request({ scope: 'openid email' })
    assert.match(titleOf(await agent.open(asked.url)), /^Allow Guest application/)
    const tokens = await asked.redeem((await allowed(agent, asked.url)).url)
    assert.ok(tokens.claims())
    assert.deepEqual([await introspected(tokens.access_token), await atDoor(tokens.access_token)], [true, 200])
    const { audit } = site.labgate.rooms.get('storage')
    assert.equal((await audit.list({ type: 'client.removed', limit: 10 })).length, 1)
  })

  test('the same holds when it was taken out between a stop and the next start', async () => {
    const held = await hold(await known(), browser(), 'guest-2@example.org')
    await site.labgate.stop()
    const { folder } = site
    site = await startLabgate({ ...standing, clients: testClients }, { port, folder })
    assert.deepEqual(await standingOf(held), none)
    await site.labgate.stop()
    site = await startLabgate({ ...standing, clients: withGuest }, { port, folder })
    assert.deepEqual(await standingOf(held), none)
  })

  test('a sign-in that is under way ends with a page that says why, and the person signs out as ever', async () => {
    const agent = browser()
    const rp = await known()
    const asked = await rp.request({ scope: 'openid email' })
    const ask = await signInByEmail(site, agent, { at: asked.url, email: 'guest-3@example.org' })
    assert.match(titleOf(ask), /^Allow/)
    await reload({ clients: testClients })
    const page = await agent.press(ask, 'Allow')
    assert.equal(page.status, 400, page.text)
    const account = await agent.open(new URL('/account', site.issuer))
    assert.equal(account.url.pathname, '/account')
    const bye = await agent.press(account, 'Sign out')
    assert.ok(bye.status < 400, bye.text)
    await reload({ clients: withGuest })
  })

  test('one of the database that is made anew has nothing of what people allowed the former one', async () => {
    const clients = site.labgate.rooms.get('clients')
    const { guest: settings } = site.labgate.rooms.get('config').clients
    const agent = browser()
    const join = async (scope = 'openid email') => {
      const { secret } = await clients.save('kept', settings ?? assert.fail())
      return (await party(site, { id: 'kept', secret })).request({ scope })
    }
    const first = await join()
    await first.redeem((await allowed(agent, first.url, 'guest-4@example.org')).url)
    await clients.remove('kept')
    assert.match(titleOf(await agent.open((await join()).url)), /^Allow/)
    await clients.remove('kept')
    // Nor does it come back by what they allow the one that is there now.
    const less = await join('openid')
    await less.redeem((await allowed(agent, less.url)).url)
    const consents = await site.labgate.rooms.get('consents').list(await accountOf('guest-4@example.org'))
    assert.deepEqual(
      consents.map(({ client, scopes }) => [client, ...scopes]),
      [['kept', 'openid']],
    )
  })
})

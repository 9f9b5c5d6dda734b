import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { request } from 'undici'
import { atUpstream, newBrowser, type Party, party, startWorld, type World } from '../support/flow.ts'
import { testClients } from '../support/labgate.ts'

const resource = 'https://data.example.org'
const pair = { secret: 'a-secret-of-the-client-pair-1234567', redirectUris: testClients.web.redirectUris }

/** Introspection and userinfo have two ways, ours in front of the library and the library; nobody may tell them apart. */
describe('the quick answers say what the library says', () => {
  let world: World
  let web: Party
  let pairwise: Party
  const at = (path: string) => new URL(path, world.site.issuer)

  before(async () => {
    world = await startWorld({
      part: (issuer) => ({
        plugins: { uni: atUpstream(issuer), email: { use: '@labgate/auth-email' } },
        clients: { ...testClients, pair: { ...testClients.web, ...pair, subjectType: 'pairwise' } },
        resources: { [resource]: { scopes: ['openid', 'email', 'read'], format: 'jwt', life: '1h' } },
      }),
    })
    web = await party(world.site)
    pairwise = await party(world.site, { id: 'pair', secret: pair.secret })
  })
  after(() => world.close())

  /** Status, type, caching and text of both ways. */
  const both = async (plain: () => Promise<Response>, byLibrary: () => Promise<Response>) => {
    const seen = async (response: Response) => ({
      status: response.status,
      ...Object.fromEntries(
        ['content-type', 'cache-control', 'vary', 'access-control-allow-origin', 'www-authenticate'].map((name) => [
          name,
          response.headers.get(name),
        ]),
      ),
      text: await response.text(),
    })
    const [quick, theirs] = [await seen(await plain()), await seen(await byLibrary())]
    assert.deepEqual(quick, theirs)
    return { status: quick.status, body: JSON.parse(quick.text) as Record<string, unknown> }
  }
  const introspect = ({ id, secret }: { id: string; secret: string }, token: string) => {
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const ask = (more: Readonly<Record<string, string>>) =>
      fetch(at('/oidc/introspection'), {
        method: 'POST',
        headers: { authorization },
        body: new URLSearchParams({ token, ...more }),
      })
    // A hint that says nothing is only for the library.
    return both(
      () => ask({}),
      () => ask({ token_type_hint: 'none' }),
    )
  }
  const userinfo = (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return both(
      () => fetch(at('/oidc/userinfo'), { headers }),
      () => fetch(at('/oidc/userinfo?by=library'), { headers }),
    )
  }
  const asWeb = { id: 'web', secret: testClients.web.secret }
  const asThird = { id: 'third', secret: testClients.third.secret }

  test('of opaque tokens, refresh tokens and those that go with a session', async () => {
    const tokens = await web.signIn(newBrowser(), 'alice', { scope: 'openid email profile offline_access' })
    const bound = await web.signIn(newBrowser(), 'alice', { scope: 'openid email' })
    for (const token of [tokens.access_token, tokens.refresh_token, bound.access_token, bound.refresh_token]) {
      const { body } = await introspect(asWeb, String(token))
      assert.deepEqual([body.active, body.sub], [true, tokens.claims()?.sub])
      assert.equal((await introspect(asThird, String(token))).body.active, false)
    }
    assert.equal((await userinfo(tokens.access_token)).body.email, 'alice@example.org')
    assert.equal((await userinfo(String(tokens.refresh_token))).status, 401)
  })

  test('of JWTs, of a client’s own tokens, of pairwise names, and with the claims parameter', async () => {
    const jwt = await web.signIn(newBrowser(), 'alice', { resource, scope: 'openid email read' })
    assert.equal((await introspect(asWeb, jwt.access_token)).body.active, true)
    assert.equal((await userinfo(jwt.access_token)).status, 200)
    const own = String((await web.token({ grant_type: 'client_credentials' })).body.access_token)
    assert.equal((await introspect(asWeb, own)).body.client_id, 'web')
    assert.equal((await userinfo(own)).status, 401)
    const paired = await pairwise.signIn(newBrowser(), 'alice', { scope: 'openid email' })
    for (const asker of [asWeb, { id: 'pair', secret: pair.secret }]) {
      const { sub } = (await introspect(asker, paired.access_token)).body
      assert.equal(sub, paired.claims()?.sub)
    }
    assert.equal((await userinfo(paired.access_token)).body.sub, paired.claims()?.sub)
    const claims = JSON.stringify({ userinfo: { email: null } })
    const single = await web.signIn(newBrowser(), 'alice', { claims, scope: 'openid' })
    assert.equal((await userinfo(single.access_token)).body.email, 'alice@example.org')
  })

  test('of what is no token, and to who is no client', async () => {
    for (const token of ['unknown', 'a.b.c', '', `${'x'.repeat(43)}`]) await introspect(asWeb, token)
    const { access_token: token } = await web.signIn(newBrowser(), 'alice')
    assert.equal((await introspect({ ...asWeb, secret: 'another-secret' }, token)).status, 401)
    assert.equal((await introspect({ id: 'nobody', secret: 'any' }, token)).status, 401)
    assert.equal((await userinfo('unknown')).status, 401)
    const twice = () =>
      fetch(at('/oidc/introspection'), {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`web:${asWeb.secret}`).toString('base64')}` },
        body: new URLSearchParams([
          ['token', token],
          ['token', token],
        ]),
      })
    assert.equal((await twice()).status, 400)
  })

  test('after a revocation, the end of the session, and the end of the account', async () => {
    const revoked = await web.signIn(newBrowser(), 'alice')
    await client.tokenRevocation(web.config, revoked.access_token)
    const person = newBrowser()
    const ended = await web.signIn(person, 'alice', { scope: 'openid email' })
    const sub = ended.claims()?.sub ?? assert.fail('no ID token')
    await world.site.labgate.rooms.get('sessions').endAll(sub)
    const stopped = await web.signIn(newBrowser(), 'carol', { scope: 'openid email offline_access' })
    await world.site.labgate.rooms.get('accounts').setState(String(stopped.claims()?.sub), 'deactivated')
    for (const { access_token: token } of [revoked, ended, stopped]) {
      assert.deepEqual((await introspect(asWeb, token)).body, { active: false })
      assert.equal((await userinfo(token)).status, 401)
    }
  })

  test('documents are given again with a strong ETag, as the library made them', async () => {
    for (const path of ['/.well-known/openid-configuration', '/oidc/jwks']) {
      const first = await fetch(at(path))
      const again = await fetch(at(path), { headers: { origin: 'https://app.example' } })
      const etag = again.headers.get('etag') ?? ''
      assert.match(etag, /^"[\w-]{22}"$/)
      assert.equal(first.headers.get('etag'), etag)
      assert.equal(again.headers.get('content-type'), first.headers.get('content-type'))
      assert.equal(again.headers.get('access-control-allow-origin'), 'https://app.example')
      assert.deepEqual(await again.json(), await first.json())
      // Not by `fetch`, which asks for a fresh one whenever somebody names an ETag.
      const known = await request(at(path), { headers: { 'if-none-match': etag } })
      assert.deepEqual([known.statusCode, await known.body.text()], [304, ''])
    }
  })
})

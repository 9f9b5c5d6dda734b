import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { request } from 'undici'
import { newBrowser, type Party, party, startWorld, type World } from '../support/flow.ts'
import { testClients } from '../support/labgate.ts'
import { basic, countOf, sameHeaders } from '../support/two-ways.ts'

const resource = 'https://data.example.org'
const opaque = 'https://tables.example.org'
const machine = { secret: 'a-secret-of-the-client-machine-12', redirectUris: [], grantTypes: ['client_credentials'] }
const pair = { secret: 'a-secret-of-the-client-pair-1234567', redirectUris: testClients.web.redirectUris }

const withoutToken = (text: string) =>
  text.replace(/"access_token":"[^"]*"/, (found) => `"access_token":"${found.split('.').length} parts"`)

/** Introspection, userinfo and client credentials have two ways, ours in front of the library and the library; nobody may tell them apart. */
describe('the quick answers say what the library says', () => {
  let world: World
  let web: Party
  let pairwise: Party
  const at = (path: string) => new URL(path, world.site.issuer)

  before(async () => {
    world = await startWorld({
      part: () => ({
        clients: {
          ...testClients,
          pair: { ...testClients.web, ...pair, subjectType: 'pairwise' },
          broken: { ...machine, scopes: ['no-such-scope'] },
          machine: { ...machine, resource: opaque, scopes: ['openid', 'profile'] },
          bound: { ...machine, dpop: true },
        },
        resources: {
          [resource]: { scopes: ['openid', 'email', 'read'], format: 'jwt', life: '1h' },
          [opaque]: { scopes: ['read', 'write'], life: '20m' },
        },
      }),
    })
    web = await party(world.site)
    pairwise = await party(world.site, { id: 'pair', secret: pair.secret })
  })
  after(() => world.close())

  /** Status, headers and text of both ways; of a new token its form only. */
  const both = async (plain: () => Promise<Response>, byLibrary: () => Promise<Response>) => {
    const seen = async (response: Response) => ({
      status: response.status,
      ...sameHeaders(response),
      text: withoutToken(await response.text()),
    })
    const [quick, theirs] = [await seen(await plain()), await seen(await byLibrary())]
    assert.deepEqual(quick, theirs)
    return { status: quick.status, body: JSON.parse(quick.text) as Record<string, unknown> }
  }
  const introspect = ({ id, secret }: { id: string; secret: string }, token: string) => {
    const ask = (more: Readonly<Record<string, string>>) =>
      fetch(at('/oidc/introspection'), {
        method: 'POST',
        headers: basic(id, secret),
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
  const granted = (form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) => {
    const ask = (more: Readonly<Record<string, string>>) =>
      fetch(at('/oidc/token'), {
        method: 'POST',
        headers,
        body: new URLSearchParams({ grant_type: 'client_credentials', ...form, ...more }),
      })
    // The library drops what no grant knows; ours leaves it to the library.
    return both(
      () => ask({}),
      () => ask({ unknown: 'member' }),
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

  test('of a client’s own tokens, however it asks and whatever it is refused', async () => {
    const [web, mine] = [basic('web', asWeb.secret), basic('machine', machine.secret)]
    const [post, posted] = [{ client_id: 'web', client_secret: asWeb.secret }, basic('web', 'another-secret')]
    const byLibrary = countOf(world, ['grant.success'])
    const answers = [
      await granted({}, web),
      await granted(post),
      await granted({ client_id: 'web' }, web),
      await granted({ resource: opaque, scope: 'write read none' }, web),
      await granted({ resource, scope: 'read' }, web),
      await granted({}, mine),
      await granted({ scope: 'profile openid' }, mine),
    ]
    assert.equal(byLibrary(), answers.length)
    answers.push(await granted({ scope: 'read' }, mine), await granted({ scope: 'email' }, web))
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.expires_in, body.scope].join(' ').trim()),
      [
        '200 900',
        '200 900',
        '200 900',
        '200 1200 write read',
        '200 600 read',
        '200 1200',
        '200 1200',
        '200 1200 read',
        '200 900 email',
      ],
    )
    const refused = [
      await granted({}, posted),
      await granted({ ...post, client_secret: 'another-secret' }),
      await granted(post, web),
      await granted({ client_id: 'third' }, web),
      await granted({ client_id: 'web' }),
      await granted({}, basic('third', testClients.third.secret)),
      await granted({}, basic('bound', machine.secret)),
      await granted({}, basic('broken', machine.secret)),
      await granted({ scope: 'email' }, mine),
      await granted({ resource: 'https://other.example.org' }, web),
      await granted({ resource: `${opaque}#part` }, web),
      await granted({ scope: 'a"b' }, web),
      await granted({}, { ...web, origin: 'https://app.example' }),
      await granted({}, { ...web, dpop: 'a.b.c' }),
      await granted({}, { ...web, authorization: 'Basic !' }),
      // Its signs are the right ones, but it is filled up as no Base64 is.
      await granted({}, { authorization: web.authorization.replace(/==$/, '=') }),
      await granted({}, { authorization: `${web.authorization}=` }),
    ]
    assert.equal(refused.filter(({ status }) => status === 200).length, 0)
  })

  test('of a client’s own tokens: in force until they are revoked', async () => {
    const token = String((await web.token({ grant_type: 'client_credentials' })).body.access_token)
    assert.equal((await introspect(asWeb, token)).body.active, true)
    await client.tokenRevocation(web.config, token)
    assert.deepEqual((await introspect(asWeb, token)).body, { active: false })
  })

  test('who hangs up amid a question is no trouble of ours', async () => {
    const { host, port } = new URL(world.site.issuer)
    const lines = async () => (await readFile(join(world.site.folder, 'labgate.log'), 'utf8')).split('\n')
    const [from, paths] = [(await lines()).length - 1, ['/oidc/token', '/oidc/introspection', '/oidc/revocation']]
    for (const path of paths) {
      const { authorization } = basic('web', asWeb.secret)
      const head = [`POST ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: ${authorization}`, 'Content-Length: 99']
      const rest = ['Content-Type: application/x-www-form-urlencoded', 'Expect: 100-continue', '', 'token=']
      const socket = connect(Number(port), 'localhost')
      socket.write([...head, ...rest].join('\r\n'))
      // It says so when it begins to read.
      await once(socket, 'data')
      socket.destroy()
    }
    let told: string[] = []
    while (told.filter((line) => line.includes('"broken":true')).length < paths.length)
      told = (await lines()).slice(from)
    assert.deepEqual(
      told.filter((line) => /"level":"(?:warn|error)"/.test(line)),
      [],
    )
  })

  test('what is too large, and does not say so before, leaves the connection to the next request', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = async (path: string, body?: readonly Buffer[]) => {
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const asked = httpRequest(at(path), { agent, ...(body ? { method: 'POST', headers: type } : {}) })
      for (const part of body ?? []) asked.write(part)
      const [answer] = (await once(asked.end(), 'response', { signal: AbortSignal.timeout(5000) })) as [IncomingMessage]
      await answer.resume().toArray()
      return [answer.statusCode, asked.reusedSocket]
    }
    const large = Array.from({ length: 60 }, () => Buffer.alloc(10_000, 'x'))
    const answers = {
      ...{ '/oidc/introspection': 413, '/oidc/revocation': 413, '/oidc/auth': 400, '/oidc/token': 400 },
      ...{ '/oidc/par': 400, '/language': 403, '/nowhere': 404 },
    }
    for (const [path, status] of Object.entries(answers)) {
      assert.equal((await ask(path, large))[0], status, path)
      assert.deepEqual(await ask('/oidc/jwks'), [200, true])
    }
    agent.destroy()
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
    const { access_token: living } = await web.signIn(newBrowser(), 'alice', { scope: 'openid email offline_access' })
    assert.equal((await introspect(asWeb, living)).body.active, true)
    const withoutGrant = await web.signIn(newBrowser(), 'alice', { scope: 'openid email offline_access' })
    assert.equal((await introspect(asWeb, withoutGrant.access_token)).body.active, true)
    const { artifacts } = world.site.labgate.rooms.get('storage')
    const stored = await artifacts.find('AccessToken', withoutGrant.access_token)
    await artifacts.delete('Grant', String(stored?.grantId))
    assert.equal((await introspect(asWeb, living)).body.active, true)
    await world.site.labgate.rooms.get('sessions').endAll(sub)
    const stopped = await web.signIn(newBrowser(), 'carol', { scope: 'openid email offline_access' })
    assert.equal((await introspect(asWeb, stopped.access_token)).body.active, true)
    await world.site.labgate.rooms.get('accounts').setState(String(stopped.claims()?.sub), 'deactivated')
    for (const { access_token: token } of [revoked, ended, withoutGrant, stopped]) {
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
      assert.deepEqual([known.headers.etag, known.headers['content-type']], [etag, undefined])
      // The same as Koa understands it: a list, and whoever wants a fresh one.
      for (const [headers, status] of [
        [{ 'if-none-match': `"other", ${etag}` }, 304],
        [{ 'if-none-match': '"other"' }, 200],
        [{ 'if-none-match': etag, 'cache-control': 'no-cache' }, 200],
      ] as const) {
        const answer = await request(at(path), { headers })
        assert.deepEqual([answer.statusCode, answer.headers.etag], [status, etag], JSON.stringify(headers))
        await answer.body.dump()
      }
    }
  })
})

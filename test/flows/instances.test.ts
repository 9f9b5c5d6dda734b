/** What the config says of an instance, seen from outside: optional, switched off, home, a certificate of the lab. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { makeCertificate } from '../support/certificate.ts'
import { textOf, titleOf } from '../support/flow.ts'
import {
  browser,
  callback,
  freePort,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
  testClients,
} from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { send } from '../support/outer-app.ts'
import { authSource, authzSource, folderWith } from '../support/plugin-folder.ts'
import { tempFolder } from '../support/program.ts'
import { tlsFetch } from '../support/tls-fetch.ts'
import { UserAgent } from '../support/user-agent.ts'

const email = { use: '@labgate/auth-email' }
const broken = authSource({}, "start: async () => { throw new Error('no route to the gate') },")

async function siteWith(t: TestContext, plugins: (folder: string) => object): Promise<TestLabgate> {
  const folder = await folderWith(t, {
    'package.json': '{"type":"module"}',
    'broken.js': broken,
    'home.js': authzSource(['GET /'], {
      create:
        "() => ({ handlers: { r0: async () => ({ status: 200, body: 'the home of a dialect' }) }, project: () => null })",
    }),
  })
  const site = await startLabgate({ plugins: { email, ...plugins(folder) } })
  t.after(() => site.stop())
  return site
}

const ready = async ({ managementPort }: TestLabgate) => {
  const answer = await fetch(`http://127.0.0.1:${managementPort}/readyz`)
  return { status: answer.status, text: await answer.text() }
}

test('optional ones that cannot be found or do not start leave health degraded and their buttons explained', async (t) => {
  const site = await siteWith(t, (folder) => ({
    missing: { use: '@labgate/auth-missing', optional: true },
    broken: { use: join(folder, 'broken.js'), optional: true },
  }))
  const { status, text } = await ready(site)
  assert.equal(status, 200)
  const { state, parts } = JSON.parse(text)
  assert.equal(state, 'degraded')
  assert.match(JSON.stringify(parts), /plugin\.missing/)
  assert.match(JSON.stringify(parts), /plugin\.broken/)

  const { url, redeem } = await (await relyingParty(site.issuer)).request()
  const chooser = await browser().open(url)
  assert.match(textOf(chooser), /“missing” is not available at the moment/)
  assert.match(textOf(chooser), /“broken” is not available at the moment/)
  assert.doesNotMatch(chooser.text, /no route to the gate/)
  const page = await signInByEmail(site, browser(), { at: url, email: 'ada@example.org' })
  assert.ok((await redeem(page.url)).access_token, textOf(page))
})

test('one that is switched off is not there: no button, and no part of health', async (t) => {
  const site = await siteWith(t, (folder) => ({ off: { use: join(folder, 'broken.js'), enabled: false } }))
  const { url } = await (await relyingParty(site.issuer)).request()
  assert.doesNotMatch(textOf(await browser().open(url)), /off/)
  const { text } = await ready(site)
  assert.equal(JSON.parse(text).state, 'ok')
  assert.doesNotMatch(text, /plugin\.off/)
})

test('a dialect with `home: true` answers / on the issuer’s host, and our own first page is elsewhere', async (t) => {
  const site = await siteWith(t, (folder) => ({ ng: { use: join(folder, 'home.js'), home: true } }))
  assert.equal(await (await fetch(site.issuer)).text(), 'the home of a dialect')
  const account = await signInByEmail(site, browser(), { at: `${site.issuer}/account`, email: 'ada@example.org' })
  assert.equal(titleOf(account), 'Your account')
})

test('the same machine by another name gets a page with the right address', async (t) => {
  const site = await siteWith(t, () => ({}))
  const { host, port } = new URL(site.issuer)
  const answer = await fetch(`http://127.0.0.1:${port}/account?for-one-only=1`, { headers: { accept: 'text/html' } })
  assert.equal(answer.status, 421)
  const text = await answer.text()
  assert.ok(text.includes(`href="http://${host}/account"`), text)
  assert.doesNotMatch(text, /for-one-only/)
})

describe('TLS with a certificate of the lab', { skip: needs('openssl') }, () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  let upstream: TestLabgate
  let network: ReturnType<typeof tlsFetch>
  let certFile: string
  let port: number
  before(async () => {
    folder = await tempFolder()
    const certificate = await makeCertificate(folder.path)
    certFile = certificate.certFile
    network = tlsFetch({ ca: certificate.ca })
    port = await freePort()
    const own = await freePort()
    const redirectUris = [`http://localhost:${port}/sign-in/uni/callback`]
    upstream = await startLabgate(
      {
        issuer: `https://localhost:${own}`,
        listen: { port: own, tls: { cert: { file: certFile }, key: { file: certificate.keyFile } } },
        clients: { lab: { ...testClients.web, redirectUris } },
      },
      { port: own },
    )
  })
  after(async () => {
    await network?.close()
    await upstream?.stop()
    await folder?.remove()
  })

  const config = (tls: object) => ({
    issuer: upstream.issuer,
    clientId: 'lab',
    clientSecret: testClients.web.secret,
    label: 'University',
    ...tls,
  })
  const newBrowser = () => new UserAgent({ stopAt: ['http://127.0.0.1:9/'], fetch: network.fetch })
  const siteAt = async (t: TestContext, tls: object) => {
    const plugins = { uni: { use: '@labgate/auth-oidc', config: config(tls) }, email }
    const site = await startLabgate({ plugins }, { port })
    t.after(() => site.stop())
    return site
  }

  test('`listen.tls` serves it without a proxy, and `tls.ca` of a sign-in trusts it', async (t) => {
    const site = await siteAt(t, { tls: { ca: { file: certFile } } })
    const { url, redeem } = await (await relyingParty(site.issuer)).request()
    const agent = newBrowser()
    const there = await agent.press(await agent.open(url), 'University')
    assert.equal(there.url.origin, upstream.issuer, textOf(there))
    const back = await signInByEmail(upstream, agent, { at: there.url, email: 'ada@example.org' })
    assert.equal(back.url.origin + back.url.pathname, callback, textOf(back))
    assert.equal((await redeem(back.url)).claims()?.iss, site.issuer)
    assert.ok(agent.cookies.some(({ name }) => name === '__Host-labgate_session'))
  })

  test('without `tls.ca` it is not trusted, and the chooser says that it does not answer', async (t) => {
    const site = await siteAt(t, {})
    const { url } = await (await relyingParty(site.issuer)).request()
    const agent = newBrowser()
    const chooser = await agent.open(url)
    const page = await agent.press(chooser, 'University').catch(() => chooser)
    assert.match(textOf(page), /University does not answer at the moment/)
  })
})

test('`listen.socket` serves a proxy on the same machine, whose word counts', async (t) => {
  const folder = await tempFolder()
  t.after(folder.remove)
  const socket = join(folder.path, 'labgate.sock')
  const site = await startLabgate({ issuer: 'https://id.example.org', listen: { socket } })
  t.after(() => site.stop())
  const headers = { host: 'id.example.org', 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' }
  const reply = await send(socket, { path: '/.well-known/openid-configuration', headers })
  assert.equal(reply.status, 200)
  assert.equal(JSON.parse(reply.text).issuer, 'https://id.example.org')
  assert.equal((await send(socket, { path: '/', headers: { host: 'id.example.org' } })).status, 421)
})

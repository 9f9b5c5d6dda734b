import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFile, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import * as client from 'openid-client'
import { makeCertificate } from '../support/certificate.ts'
import { titleOf } from '../support/flow.ts'
import {
  authorizationRequest,
  browser,
  callback,
  freePort,
  loadedConfig,
  type Part,
  relyingParty,
  startLabgate,
  type TestLabgate,
  testClients,
} from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const desk = (config: Part = {}, entry: Part = {}) => ({ use: './plugins/auth-desk.js', config, ...entry })
const plugins = { desk: desk() }

/** What instances of the desk did since the last look. */
function takeSteps(): string[] {
  const all = globalThis as unknown as { [key: symbol]: string[] }
  const place = Symbol.for('labgate.test.desks')
  const steps = all[place] ?? []
  all[place] = []
  return steps
}

const beginnings = () =>
  (globalThis as unknown as { [key: symbol]: number })[Symbol.for('labgate.test.desks.begun')] ?? 0

/** Waits until another sign-in has begun. */
async function begun(before: number): Promise<void> {
  for (const end = performance.now() + 10_000; beginnings() === before && performance.now() < end; )
    await new Promise((done) => setTimeout(done, 10))
}

/** A suite that is tried on PostgreSQL has its database in no file. */
function databaseOf({ labgate }: TestLabgate): Part {
  const { url } = labgate.rooms.get('config').database
  return url === undefined ? {} : { database: { url } }
}

/** Types a name at an open desk. */
async function sayName(agent: UserAgent, page: Page, name: string): Promise<Page> {
  const form = page.forms.find(({ fields }) => 'name' in fields)
  return agent.submit(page, form, { name })
}

describe('a reload while people sign in', () => {
  let site: TestLabgate
  let port: number
  before(async () => {
    site = await startLabgate({ plugins })
    port = Number(new URL(site.issuer).port)
  })
  after(() => site.stop())

  const reload = (part: Part) =>
    site.labgate.reload(async () =>
      loadedConfig({ plugins, ...databaseOf(site), ...part }, { issuer: site.issuer, folder: site.folder, port }),
    )
  const metric = async (line: string) =>
    (await (await fetch(`http://127.0.0.1:${site.managementPort}/metrics`)).text())
      .split('\n')
      .find((one) => one.startsWith(line))
      ?.split(' ')
      .at(-1)
  const stateOfConfig = async () => {
    const report = (await (await fetch(`http://127.0.0.1:${site.managementPort}/readyz`)).json()) as {
      parts: Record<string, string>
    }
    return report.parts.config
  }
  const lastEvent = async () =>
    (await site.labgate.rooms.get('storage').audit.list({ limit: 10 })).find(({ type }) => type.startsWith('config.'))

  /** A whole code flow at the relying party. */
  const signIn = async (name: string) => {
    const agent = browser()
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request()
    const back = await sayName(agent, await agent.open(url), name)
    assert.equal(back.url.origin + back.url.pathname, callback, back.text.slice(0, 400))
    const tokens = await redeem(back.url)
    return client.fetchUserInfo(rp.config, tokens.access_token, tokens.claims()?.sub ?? '')
  }

  test('of a hundred code flows during twenty reloads none fails, at whatever step it is', async () => {
    let left = 100
    let reloads = 0
    const worker = async (own: number) => {
      while (left > 0) {
        left -= 1
        const info = await signIn(`person ${own}`)
        assert.equal(info.name, `person ${own}`)
      }
    }
    const reloading = async () => {
      for (; reloads < 20; reloads += 1) {
        // Every second one makes the instance anew, the others leave it running.
        const answer = await reload({
          name: `Lab ${reloads >> 1}`,
          branding: { accent: reloads % 2 === 0 ? '#0b5fff' : '#0b5f00' },
        })
        assert.equal(answer.outcome, 'applied', answer.why)
      }
    }
    await Promise.all([...[1, 2, 3, 4].map(worker), reloading()])
    assert.equal(reloads, 20)
    assert.ok((await fetch(site.issuer).then((page) => page.text())).includes('Lab 9'))
  })

  test('a page that is open, and a code that is not redeemed yet, count after it', async () => {
    const agent = browser()
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request()
    const open = await agent.open(url)
    await reload({ name: 'Between form and answer', plugins: { desk: desk({ label: 'Other words' }) } })
    const back = await sayName(agent, open, 'ada')
    await reload({})
    const tokens = await redeem(back.url)
    assert.ok(tokens.access_token)
    await reload({ name: 'Once more' })
    const info = await client.fetchUserInfo(rp.config, tokens.access_token, tokens.claims()?.sub ?? '')
    assert.equal(info.name, 'ada')
  })

  test('an instance whose settings stay runs on; another is started before the former stops', async () => {
    await reload({})
    await settled()
    takeSteps()
    const same = await reload({ registration: 'open', clients: { web: testClients.web } })
    assert.deepEqual([same.changed.toSorted(), takeSteps()], [['clients.browser', 'clients.third'], []])
    const answer = await reload({ plugins: { desk: desk({ label: 'New desk' }) } })
    assert.ok(answer.changed.includes('plugins.desk'))
    await settled()
    assert.deepEqual(takeSteps(), ['desk New desk started', 'desk Front desk stopped'])
    await reload({})
  })

  test('a new instance appears; of one that is taken out an open sign-in gets a clear page, its address none', async () => {
    await reload({ plugins: { desk: desk(), gate: desk({ label: 'The gate' }) } })
    const agent = browser()
    const { url } = await (await relyingParty(site.issuer)).request()
    const open = await agent.press(await agent.open(url), 'The gate')
    assert.ok(open.forms.some(({ fields }) => 'name' in fields))
    await reload({})
    const page = await sayName(agent, open, 'bob')
    assert.match(page.text, /not available/i)
    assert.equal((await fetch(`${site.issuer}/sign-in/gate/callback?state=x`)).status, 404)
    const again = await sayName(agent, await agent.open(url), 'bob')
    assert.equal(again.url.origin + again.url.pathname, callback)
  })

  test('a client’s new secret counts at once, its former one no more', async () => {
    const agent = browser()
    const redeemWith = async (secret: string) => {
      const config = await client.discovery(
        new URL(site.issuer),
        'web',
        { client_secret: secret },
        client.ClientSecretBasic(secret),
        { execute: [client.allowInsecureRequests] },
      )
      const { url, redeem } = await authorizationRequest(config, {})
      const page = await agent.open(url)
      const back = page.url.href.startsWith(callback) ? page : await sayName(agent, page, 'eve')
      return redeem(back.url)
    }
    await redeemWith(testClients.web.secret)
    const secret = 'another-secret-of-the-test-client'
    await reload({ clients: { web: { ...testClients.web, secret } } })
    await redeemWith(secret)
    await assert.rejects(redeemWith(testClients.web.secret), /WWW-Authenticate/)
    await reload({})
  })

  test('a request under way is finished by the instance it began with, which stops only then', async () => {
    await reload({ plugins: { desk: desk({ label: 'Slow', slow: 400 }) } })
    const agent = browser()
    const { url } = await (await relyingParty(site.issuer)).request()
    const before = beginnings()
    const opening = agent.open(url)
    await begun(before)
    takeSteps()
    await reload({})
    assert.deepEqual(takeSteps(), ['desk Front desk started'])
    const page = await opening
    assert.equal((await sayName(agent, page, 'ada')).url.origin, new URL(callback).origin)
    await settled()
    assert.deepEqual(takeSteps(), ['desk Slow stopped'])
  })

  test('one that does not end is left behind after `reload.drain`', async () => {
    await reload({ plugins: { desk: desk({ label: 'Endless', slow: 800 }) } })
    const before = beginnings()
    const opening = browser().open((await (await relyingParty(site.issuer)).request()).url)
    await begun(before)
    await reload({ reload: { drain: '0s' } })
    await settled()
    assert.ok(takeSteps().includes('desk Endless stopped'))
    assert.equal((await opening).status, 200)
    await reload({})
  })

  test('another secret in the same file makes the instance anew, and the same one does not', async () => {
    const file = join(site.folder, 'key')
    await writeFile(file, 'first', { mode: 0o600 })
    const part = { plugins: { desk: desk({ label: 'Keyed', key: { file } }) } }
    await reload(part)
    await settled()
    takeSteps()
    await reload(part)
    assert.deepEqual(takeSteps(), [])
    await writeFile(file, 'second')
    await reload(part)
    await settled()
    assert.deepEqual(takeSteps(), ['desk Keyed started', 'desk Keyed stopped'])
    await reload({})
  })

  test('a plugin whose code was written since is named: it counts after a restart', async () => {
    const file = join(import.meta.dirname, '../support/plugins/auth-desk.js')
    const copy = join(site.folder, 'auth-desk.mjs')
    await copyFile(file, copy)
    const part = { plugins: { desk: desk(), copy: { use: copy } } }
    assert.deepEqual((await reload(part)).restart, [])
    await appendFile(copy, '\n')
    assert.deepEqual((await reload(part)).restart, ['plugins.copy (its code)'])
    await reload({})
  })

  for (const [what, part, why] of [
    ['a mistake of form', { plugins, clients: { web: { redirectUris: 3 } } }, /clients\.web\.redirectUris/],
    ['what the check refuses', { clients: { web: { ...testClients.web, scopes: ['nothing'] } } }, /nothing/],
    ['a plugin that is not there', { plugins: { desk: desk(), gone: { use: './plugins/none.js' } } }, /plugins\.gone/],
    [
      'a plugin that does not start',
      { plugins: { desk: desk({ label: 'Locked', start: 'broken' }) } },
      /nobody sits there/,
    ],
    [
      'a ledger that cannot be',
      { datasets: { fish: {} }, grants: [{ to: 'group:nobody', dataset: 'fish', level: 'view' }] },
      /group/,
    ],
  ] as const)
    test(`${what} changes nothing, and log, trail and monitoring say so`, async () => {
      await reload({ name: 'Before' })
      takeSteps()
      const refused = Number((await metric('labgate_config_reloads_total{outcome="refused"}')) ?? 0)
      const answer = await reload({ name: 'After', ...part })
      assert.equal(answer.outcome, 'refused')
      assert.match(answer.why ?? '', why)
      assert.ok(!takeSteps().some((step) => step.includes('Front desk')))
      assert.ok((await fetch(site.issuer).then((page) => page.text())).includes('Before'))
      assert.equal(await stateOfConfig(), 'degraded')
      assert.equal(Number(await metric('labgate_config_reloads_total{outcome="refused"}')), refused + 1)
      assert.equal(await metric('labgate_config_last_reload_successful'), '0')
      assert.equal((await lastEvent())?.type, 'config.refused')
      assert.equal((await signIn('ada')).name, 'ada')
      await reload({})
      assert.equal(await stateOfConfig(), 'ok')
    })

  test('what only a restart changes goes on as it is, and is named', async () => {
    const answer = await reload({
      name: 'Alive',
      listen: { port: port + 1 },
      log: { level: 'debug' },
      keys: ['x'.repeat(32)],
    })
    assert.deepEqual([answer.outcome, answer.restart.toSorted()], ['applied', ['keys', 'listen', 'log']])
    assert.equal(await stateOfConfig(), 'degraded')
    assert.equal(await metric('labgate_config_restart_needed'), '3')
    assert.ok((await fetch(site.issuer).then((page) => page.text())).includes('Alive'))
    await reload({})
  })

  test('when sign-ins fail after it, the former config comes back by itself', async () => {
    await reload({ name: 'The good one', reload: { guard: { least: 3 } } })
    for (const name of ['ada', 'bob']) await signIn(name)
    const broken = { desk: desk({ begin: 'broken' }) }
    await reload({ name: 'The bad one', plugins: broken, reload: { guard: { least: 3 } } })
    takeSteps()
    for (let tries = 0; tries < 3; tries += 1) {
      const { url } = await (await relyingParty(site.issuer)).request()
      await browser().open(url)
    }
    await settled()
    assert.ok((await fetch(site.issuer).then((page) => page.text())).includes('The good one'))
    assert.equal((await lastEvent())?.type, 'config.rolled-back')
    assert.equal(await metric('labgate_config_reloads_total{outcome="rolled-back"}'), '1')
    assert.equal(await stateOfConfig(), 'degraded')
    assert.equal((await signIn('ada')).name, 'ada')
  })

  const settled = () => new Promise((done) => setTimeout(done, 150))
  test('titles of pages are those of the new config', async () => {
    await reload({ name: 'Fishes' })
    const page = await browser().open(site.issuer)
    assert.ok(page.text.includes('Fishes'), titleOf(page))
  })
})

test('sign-ins that failed before a reload as well bring nothing back', async (t) => {
  const part = (begin: string, name: string) => ({
    name,
    plugins: { desk: desk({ begin }) },
    reload: { guard: { least: 2 } },
  })
  const site = await startLabgate(part('broken', 'First'))
  t.after(() => site.stop())
  const place = { issuer: site.issuer, folder: site.folder, port: Number(new URL(site.issuer).port) }
  const open = async () => browser().open((await (await relyingParty(site.issuer)).request()).url)
  for (let tries = 0; tries < 3; tries += 1) await open()
  await site.labgate.reload(async () => loadedConfig(part('broken', 'Second'), place))
  for (let tries = 0; tries < 4; tries += 1) await open()
  assert.ok((await fetch(site.issuer).then((page) => page.text())).includes('Second'))
})

test('a certificate that was renewed in its file is shown after a reload', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-reload-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const first = await makeCertificate(folder)
  const port = await freePort()
  const tls = { cert: { file: first.certFile }, key: { file: first.keyFile } }
  const part = { issuer: `https://localhost:${port}`, plugins, listen: { port, tls } }
  const site = await startLabgate(part, { port })
  t.after(() => site.stop())
  const shown = async () => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const before = await shown()
  await makeCertificate(folder)
  assert.equal(await shown(), before)
  const place = { issuer: site.issuer, folder: site.folder, port }
  const answer = await site.labgate.reload(async () => loadedConfig({ ...part, ...databaseOf(site) }, place))
  assert.deepEqual([answer.outcome, answer.restart], ['applied', []], answer.why)
  assert.notEqual(await shown(), before)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { openIncognito } from '../support/browser.ts'
import { cloudAccounts, type GoogleCloud, startGoogleCloud } from '../support/google-cloud.ts'
import { browser, freePort, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { type Heard, messageOn, Neuroglancer } from '../support/neuroglancer.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const viewer = 'https://viewer.lab.example'
const house = { kind: 'system', name: 'test' } as const
const name = (person: string) => `name:email:${person}@example.org`

const ledger = {
  datasets: {
    fish: {
      versions: {
        v1: { places: [{ bucket: 'gs://fish-bucket', prefix: 'fish/v1' }] },
        v2: { places: [{ bucket: 'gs://fish-bucket', prefix: 'fish/v2' }] },
      },
      places: [{ bucket: 'gs://fish-bucket', prefix: 'fish' }],
    },
    whole: { places: [{ bucket: 'gs://whole-bucket' }] },
    unreadable: { places: [{ bucket: 'gs://unreadable-bucket' }] },
    agreed: { places: [{ bucket: 'gs://agreed-bucket' }] },
  },
  grants: [
    { to: name('ada'), dataset: 'fish', level: 'view' },
    { to: name('ada'), dataset: 'whole', level: 'view' },
    { to: name('ada'), dataset: 'unreadable', level: 'view' },
    { to: name('ada'), dataset: 'agreed', level: 'view' },
    { to: name('ben'), dataset: 'fish', version: 'v1', level: 'view' },
  ],
}

const wholeFor = (account: string) => ({ subject: { kind: 'account', account }, dataset: 'whole' }) as const
const statusOf = (heard: Heard) => (heard === 'network error' ? heard : heard.status)
const textOf = (heard: Heard) => (heard === 'network error' ? heard : heard.text)

describe('ngauth', () => {
  let site: TestLabgate
  let cloud: GoogleCloud
  let folder: string
  let server: string
  const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
  const room = () => site.labgate.rooms.get

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-ngauth-'))
    cloud = await startGoogleCloud({ now: clock.now })
    const key = join(folder, 'key.json')
    await writeFile(key, cloud.keyFile, { mode: 0o600 })
    const port = await freePort()
    server = `http://127.0.0.1:${port}`
    const { url } = cloud
    const ngauth = {
      use: '@labgate/authz-ngauth',
      host: `127.0.0.1:${port}`,
      config: {
        origins: [viewer],
        originPattern: '^http://localhost:[0-9]+$',
        credentials: { serviceAccountKey: { file: key } },
        google: { metadata: url, iamCredentials: url, sts: url, storage: url },
      },
    }
    const plugins = { email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } }, ngauth }
    site = await startLabgate({ ...ledger, plugins }, { port, replaced: { clock } })
  })
  after(async () => {
    await site?.stop()
    await cloud?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    for (const spot of Object.keys(cloud.fail)) delete cloud.fail[spot as keyof typeof cloud.fail]
    Object.assign(cloud.buckets, {
      'fish-bucket': {
        'fish/info': 'all',
        'fish/v1/info': 'one',
        'fish/v2/info': 'two',
        'fish/v10/info': 'ten',
        'fishy/info': 'no',
      },
      'whole-bucket': { info: 'whole' },
      'unreadable-bucket': { info: 'never' },
      'agreed-bucket': { info: 'agreed' },
    })
    Object.assign(cloud.readers, {
      'fish-bucket': [cloudAccounts.key],
      'whole-bucket': [cloudAccounts.key],
      'agreed-bucket': [cloudAccounts.key],
    })
  })

  const of = (agent: UserAgent) =>
    new Neuroglancer({ server, origin: viewer, cookie: () => agent.cookieHeader(new URL(`${server}/token`)) })
  async function signedIn(
    person: string,
  ): Promise<{ agent: UserAgent; page: Page; client: Neuroglancer; token: string }> {
    const agent = browser()
    const client = of(agent)
    const page = await signInByEmail(site, agent, { at: client.popup, email: `${person}@example.org` })
    const message = messageOn(page.text) ?? assert.fail(page.text)
    assert.equal(message.targetOrigin, viewer)
    return { agent, page, client, token: (message.data as { token: string }).token }
  }
  async function credentialOf(client: Neuroglancer, token: string, bucket: string): Promise<string> {
    const heard = await client.credential(token, bucket)
    assert.equal(statusOf(heard), 200, textOf(heard))
    return (JSON.parse(textOf(heard)) as { token: string }).token
  }
  async function reads(client: Neuroglancer, credential: string, names: readonly string[], bucket = 'fish-bucket') {
    const seen = await Promise.all(names.map((one) => client.object(cloud.url, { bucket, name: one, credential })))
    return Object.fromEntries(names.map((one, index) => [one, seen[index]]))
  }
  const files = ['fish/info', 'fish/v1/info', 'fish/v2/info', 'fish/v10/info', 'fishy/info']
  const idOf = async (person: string) =>
    (await room()('accounts').findByVerifiedEmail(`${person}@example.org`))?.id ?? assert.fail(person)

  test('leads a Neuroglancer from 401 by the popup to the object, and then by its cookie', async () => {
    const { agent, client, token } = await signedIn('ada')
    const credential = await credentialOf(client, token, 'fish-bucket')
    assert.deepEqual(await reads(client, credential, files), {
      'fish/info': 'all',
      'fish/v1/info': 'one',
      'fish/v2/info': 'two',
      'fish/v10/info': 'ten',
      'fishy/info': undefined,
    })
    const again = await client.token()
    assert.equal(statusOf(again), 200)
    await credentialOf(client, textOf(again), 'whole-bucket')
    assert.equal(statusOf(await of(browser()).token()), 401)
    // Only the cookie made for it counts from another site.
    const cross = agent.cookies.find((one) => one.name === 'labgate_cross_ngauth') ?? assert.fail('no cookie')
    assert.match(cross.attributes, /HttpOnly; SameSite=None; Secure/)
    const popup = await agent.open(client.popup)
    assert.ok(messageOn(popup.text), 'at once when signed in')
    assert.deepEqual(
      agent.cookies.filter((one) => one.name === cross.name).map(({ value }) => value),
      [cross.value],
    )
  })

  test('gives a grant on a version the prefix of that version, by whole names', async () => {
    const { client, token } = await signedIn('ben')
    const credential = await credentialOf(client, token, 'fish-bucket')
    assert.deepEqual(await reads(client, credential, files), {
      'fish/info': undefined,
      'fish/v1/info': 'one',
      'fish/v2/info': undefined,
      'fish/v10/info': undefined,
      'fishy/info': undefined,
    })
    for (const bucket of ['whole-bucket', 'no-such-bucket', '../fish-bucket', 'x'.repeat(3000)])
      assert.equal(statusOf(await client.credential(token, bucket)), 403, bucket.slice(0, 20))
  })

  test('the cookie opens nothing but /token, and dies with the session', async () => {
    const { agent, client, token } = await signedIn('ada')
    const value = agent.cookies.find((one) => one.name === 'labgate_cross_ngauth')?.value ?? ''
    const asSession = await fetch(`${server}/login/finish?origin=${viewer}`, {
      headers: { cookie: `labgate_session=${value}` },
      redirect: 'manual',
    })
    assert.equal(asSession.status, 303)
    const at = (origin: string | undefined) =>
      fetch(`${server}/token`, {
        method: 'POST',
        headers: { cookie: `labgate_cross_ngauth=${value}`, ...(origin === undefined ? {} : { origin }) },
      })
    assert.equal((await at(undefined)).status, 400)
    assert.equal((await at('null')).status, 400)
    assert.equal((await at('https://viewer.lab.example.evil.example')).status, 403)
    assert.equal((await at(viewer)).status, 200)
    await room()('sessions').endAll(await idOf('ada'))
    assert.equal(statusOf(await client.token()), 401)
    assert.equal(statusOf(await client.credential(token, 'whole-bucket')), 200, 'the token lives its hour')
  })

  test('tells a strange Neuroglancer that it is one, readably, and asks nobody to sign in for it', async () => {
    const stranger = new Neuroglancer({ server, origin: 'https://stranger.example' })
    assert.deepEqual(await stranger.token(), { status: 403, text: 'Origin not allowed' })
    const page = await browser().open(stranger.popup)
    assert.deepEqual(messageOn(page.text), { data: 'badorigin', targetOrigin: 'https://stranger.example' })
    for (const odd of ['null', 'javascript:alert(1)', 'https://a.example/x', `https://a"<script>.example`]) {
      const wrong = await browser().open(`${server}/login?origin=${encodeURIComponent(odd)}`)
      assert.deepEqual([wrong.status, messageOn(wrong.text)], [400, undefined], odd)
    }
  })

  test('a token counts at its origin only, and as long as the person may', async () => {
    const { client, token } = await signedIn('ada')
    const local = new Neuroglancer({ server, origin: 'http://localhost:8080' })
    assert.equal(statusOf(await local.credential(token, 'whole-bucket')), 401)
    const end = token.slice(-1) === 'A' ? 'B' : 'A'
    for (const bad of ['', 'x', `${token.slice(0, -2)}${end}${end}`, token.replace(/^[^.]+/, btoa('{"alg":"none"}'))])
      assert.equal(statusOf(await client.credential(bad, 'whole-bucket')), 401)
    const ada = await idOf('ada')
    await room()('accounts').setState(ada, 'deactivated')
    assert.equal(statusOf(await client.credential(token, 'whole-bucket')), 401)
    assert.equal(statusOf(await client.token()), 401)
    await room()('accounts').setState(ada, 'active')
    assert.equal(statusOf(await client.credential(token, 'whole-bucket')), 200)
    clock.shift += 3_601_000
    assert.equal(statusOf(await client.credential(token, 'whole-bucket')), 401)
  })

  test('errors are readable across origins: bad bodies, too large ones', async () => {
    const send = (body: string) =>
      fetch(`${server}/gcs_token`, { method: 'POST', body, headers: { origin: viewer, 'content-type': 'text/plain' } })
    for (const [body, status] of [
      ['', 400],
      ['{', 400],
      ['null', 400],
      ['{"token":1,"bucket":"b"}', 400],
      ['{"token":"x","bucket":"b"}', 401],
      ['x'.repeat(9000), 413],
    ] as const) {
      const answer = await send(body)
      assert.deepEqual(
        [answer.status, answer.headers.get('access-control-allow-origin')],
        [status, '*'],
        body.slice(0, 30),
      )
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/)
    }
    const large = await fetch(`${server}/token`, {
      method: 'POST',
      body: 'x'.repeat(2000),
      headers: { origin: viewer },
    })
    assert.deepEqual([large.status, large.headers.get('access-control-allow-origin')], [413, viewer])
  })

  test('Google failing is a 500 that says whom to ask, and nothing is kept of it', async () => {
    const { client, token } = await signedIn('ada')
    const unreadable = await client.credential(token, 'unreadable-bucket')
    assert.match(textOf(unreadable), /^Failed to obtain bounded oauth2 token \(/)
    for (const spot of ['key', 'sts', 'storage'] as const)
      for (const how of ['500', 'html', 'drop', 'refuse'] as const) {
        // Past what was kept.
        clock.shift += 3_600_000
        const fresh = (await signedIn('ada')).token
        cloud.fail[spot] = how
        assert.equal(statusOf(await client.credential(fresh, 'whole-bucket')), 500, `${spot} ${how}`)
        delete cloud.fail[spot]
        assert.equal(statusOf(await client.credential(fresh, 'whole-bucket')), 200)
      }
  })

  test('many at once ask Google once, and each is written down', async () => {
    clock.shift += 3_600_000
    const { client, token } = await signedIn('ada')
    const before = { ...cloud.calls }
    const all = await Promise.all(Array.from({ length: 12 }, () => credentialOf(client, token, 'whole-bucket')))
    assert.equal(new Set(all).size, 1)
    assert.equal(cloud.calls.sts - before.sts, 1)
    assert.equal(cloud.calls.key - before.key, 1)
    const ada = await idOf('ada')
    const found = await room()('storage').audit.list({ type: 'dialect.issued', account: ada, limit: 100 })
    const lines = found.filter(({ detail }) => (detail as { what?: string })?.what === 'bucket-credential')
    assert.ok(lines.length >= 12)
    assert.ok(!JSON.stringify(found).includes(token) && !JSON.stringify(found).includes(all[0] ?? '-'))
  })

  test('the same once more within a minute is no new issue; whatever is new has a line of its own', async () => {
    clock.shift += 3_600_000
    const { agent, client } = await signedIn('ada')
    const ada = await idOf('ada')
    const { audit } = room()('storage')
    const issued = async (what: string) => {
      const lines = await audit.list({ type: 'dialect.issued', account: ada, limit: 500 })
      return lines.filter(({ detail }) => (detail as { what?: string }).what === what).length
    }
    const refusals = async () => (await audit.list({ type: 'access.refused', limit: 500 })).length
    /** How many lines an act adds. */
    const adds = async (act: () => Promise<unknown>, count: () => Promise<number>) => {
      const before = await count()
      await act()
      return (await count()) - before
    }
    const tokens = (of: Neuroglancer) =>
      adds(
        async () => assert.equal(statusOf(await of.token()), 200),
        () => issued('user-token'),
      )
    const first = textOf(await client.token())
    assert.equal(textOf(await client.token()), first)
    assert.equal(await tokens(client), 0)
    const cookie = () => agent.cookieHeader(new URL(`${server}/token`))
    const local = new Neuroglancer({ server, origin: 'http://localhost:8080', cookie })
    assert.equal(await tokens(local), 1, 'another origin')
    const second = (await signedIn('ada')).client
    assert.equal(await tokens(client), 1, 'a sign-in since then: it brings facts anew')
    assert.equal(await tokens(second), 1, 'another session')
    assert.deepEqual([await tokens(client), await tokens(second)], [0, 0])

    const credentials = (bucket: string, token = first) =>
      adds(
        () => credentialOf(client, token, bucket),
        () => issued('bucket-credential'),
      )
    assert.deepEqual([await credentials('whole-bucket'), await credentials('whole-bucket')], [1, 0])
    assert.equal(await credentials('fish-bucket'), 1, 'another bucket')
    const elsewhere = () => askFrom('127.0.0.2', { server, token: first, bucket: 'whole-bucket' })
    const carriedOff = () => adds(elsewhere, () => issued('bucket-credential'))
    assert.deepEqual([await carriedOff(), await carriedOff()], [1, 0], 'another network address')
    assert.equal(await credentials('whole-bucket'), 0)
    const ben = await signedIn('ben')
    const before = (await audit.list({ type: 'dialect.issued', account: await idOf('ben'), limit: 500 })).length
    await credentialOf(ben.client, ben.token, 'fish-bucket')
    const after = await audit.list({ type: 'dialect.issued', account: await idOf('ben'), limit: 500 })
    assert.equal(after.length - before, 1, 'another person')

    const { grants } = room()('ledger')
    const { id } = await grants.add(house, { ...wholeFor(ada), level: 'edit' })
    assert.equal(await credentials('whole-bucket'), 1, 'the ledger changed, although nothing of it')
    assert.equal(await tokens(client), 1)
    await grants.end(house, id)
    const { setState } = room()('accounts')
    await setState(ada, 'deactivated')
    await setState(ada, 'active')
    assert.equal(await credentials('whole-bucket'), 1, 'shut out and back, unseen')
    const refused = async () => assert.equal(statusOf(await client.credential(first, 'no-such-bucket')), 403)
    for (const turn of ['once', 'again']) assert.equal(await adds(refused, refusals), 1, `a refusal, ${turn}`)
    assert.equal(await credentials('whole-bucket'), 0)
    clock.shift += 60_000
    assert.equal(await credentials('whole-bucket'), 1, 'after a minute')
  })

  test('a token is given again for a minute, not longer', async () => {
    const { client } = await signedIn('ben')
    const first = textOf(await client.token())
    clock.shift += 50_000
    assert.equal(textOf(await client.token()), first)
    clock.shift += 10_000
    const fresh = textOf(await client.token())
    assert.notEqual(fresh, first)
    const endOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp
    assert.ok(endOf(fresh) - clock.now().getTime() / 1000 > 3590)
  })

  test('terms of the dataset count at each credential, and the answer names them', async () => {
    const { client, token } = await signedIn('ada')
    await credentialOf(client, token, 'agreed-bucket')
    await room()('ledger').terms.add(house, { id: 'cite', title: 'Cite us', dataset: 'agreed', markdown: '# Cite us' })
    const heard = await client.credential(token, 'agreed-bucket')
    assert.equal(statusOf(heard), 403)
    assert.match(textOf(heard), /accept “Cite us” first: http:/)
    await room()('ledger').terms.retire(house, 'cite')
  })

  test('terms of the service are accepted inside the popup', async () => {
    const { agent, client, token } = await signedIn('ada')
    const { terms } = room()('ledger')
    await terms.add(house, { id: 'viewer', title: 'Viewer rules', services: ['ngauth'], markdown: '# Be kind' })
    assert.equal(statusOf(await client.token()), 401)
    assert.equal(statusOf(await client.credential(token, 'whole-bucket')), 401)
    const asked = await agent.open(client.popup)
    assert.match(asked.text, /Be kind/)
    assert.equal(asked.headers.get('cross-origin-opener-policy'), 'unsafe-none')
    const form = asked.forms.find(({ fields }) => fields.terms === 'viewer')
    const end = await agent.submit(asked, form, { agree: 'yes', accept: 'yes' })
    assert.ok(messageOn(end.text), end.text)
    assert.equal(statusOf(await client.token()), 200)
    await terms.retire(house, 'viewer')
  })

  test('no page of a sign-in that a popup began cuts it from its opener; any other sign-in does', async () => {
    const seen: [string, string | null][] = []
    const agent = browser()
    const watched = async (first: string, jar: UserAgent) => {
      let at = new URL(first)
      for (let hops = 0; hops < 15; hops++) {
        const answer = await fetch(at, {
          redirect: 'manual',
          headers: { accept: 'text/html', cookie: jar.cookieHeader(at) },
        })
        seen.push([at.pathname, answer.headers.get('cross-origin-opener-policy')])
        for (const line of answer.headers.getSetCookie()) {
          const [pair = ''] = line.split(';')
          const [key = '', value = ''] = pair.split(/=(.*)/s)
          jar.adopt({
            name: key,
            value,
            host: at.hostname,
            path: /path=([^;]+)/i.exec(line)?.[1] ?? '/',
            attributes: '',
          })
        }
        const to = answer.headers.get('location')
        if (to === null) return
        at = new URL(to, at)
      }
    }
    await watched(of(agent).popup, agent)
    assert.ok(seen.length >= 4, JSON.stringify(seen))
    assert.deepEqual([...new Set(seen.map(([, policy]) => policy))], ['unsafe-none'], JSON.stringify(seen))
    const account = await agent.open(`${site.issuer}/assets/none`)
    assert.equal(account.status, 404)
    seen.length = 0
    await watched(`${site.issuer}/account`, browser())
    assert.deepEqual([...new Set(seen.map(([, policy]) => policy))], ['same-origin'], JSON.stringify(seen))
  })

  test('in Chromium a page of another site gets the token by its popup', { skip: needs('chromium') }, async () => {
    const { createServer } = await import('node:http')
    const page = `<!doctype html><title>viewer</title><button>go</button><script>
      addEventListener('message', (event) => { if (event.origin === '${server}') document.title = typeof event.data.token })
      document.querySelector('button').onclick = () => open('${server}/login?origin=' + encodeURIComponent(origin))
      window.ask = () => fetch('${server}/token', { method: 'POST', credentials: 'include' }).then((one) => one.status)
    </script>`
    const opener = createServer((_req, res) => res.setHeader('content-type', 'text/html').end(page))
    const port = await freePort()
    await new Promise<void>((done) => opener.listen(port, '127.0.0.1', done))
    const chromium = await openIncognito()
    try {
      const context = await chromium.newContext()
      const tab = await context.newPage()
      await tab.goto(`http://localhost:${port}/`)
      assert.equal(await tab.evaluate('ask()'), 401)
      const opened = context.waitForEvent('page')
      await tab.click('button')
      const popup = await opened
      await popup.getByLabel('E-mail address').fill('cleo@example.org')
      await popup.getByLabel('E-mail address').press('Enter')
      const { code } = await site.mail('cleo@example.org')
      await popup.locator('input[name=code]').fill(code)
      await popup.locator('input[name=code]').press('Enter')
      await tab.waitForFunction('document.title === "string"', undefined, { timeout: 15_000 })
      // Browsers without cookies for other sites open it again: it answers at once.
      await tab.evaluate('document.title = "again"')
      await tab.click('button')
      await tab.waitForFunction('document.title === "string"', undefined, { timeout: 15_000 })
    } finally {
      await chromium.close()
      opener.close()
    }
  })
})

/** Asks for a credential from another address of this machine. */
async function askFrom(
  localAddress: string,
  { server, ...body }: { readonly server: string; readonly token: string; readonly bucket: string },
): Promise<void> {
  const headers = { origin: viewer, 'content-type': 'text/plain' }
  const asked = request(`${server}/gcs_token`, { method: 'POST', localAddress, headers })
  asked.end(JSON.stringify(body))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  assert.equal(answer.statusCode, 200)
}

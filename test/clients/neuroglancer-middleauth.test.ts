import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { request } from 'node:http'
import { after, afterEach, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import type { Scheme } from '../support/hosts.ts'
import type { TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { npmNeeds } from '../support/npm-folder.ts'
import { closed, overhear, signInAt, ViewerPage } from '../support/viewer-page.ts'
import { startViewerWorld, type ViewerWorld } from '../support/viewer-world.ts'

const skip = needs('chromium', 'openssl') || (await npmNeeds('neuroglancer'))
const house = { kind: 'system', name: 'test' } as const
const here = 'A chunk of FANC'
// Neuroglancer has an address for middleauth over https only; over http its provider is asked directly.
const how = { http: 'fetchWithMiddleAuth', https: 'read' } as const

for (const scheme of ['http', 'https'] as const)
  describe(`the npm Neuroglancer reads data of a CAVE service by middleauth over ${scheme}`, { skip }, () => {
    let world: ViewerWorld
    let site: TestLabgate
    let context: BrowserContext
    let login: string
    let chunks: string
    let rogue: string
    /** What came to the services, and with which token. */
    const calls: { host: string; token: string | undefined }[] = []

    before(async () => {
      world = await startViewerWorld(scheme, {
        names: ['chunks.test', 'rogue.test'],
        part: ({ viewer }, hosts) => ({
          datasets: { fanc: { title: 'FANC' } },
          plugins: {
            email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
            cave: {
              use: '@labgate/authz-cave',
              config: {
                viewers: ['https://other.viewer.test', viewer],
                services: [hosts.origin(scheme, 'chunks.test')],
              },
            },
          },
        }),
      })
      ;({ site, context } = world)
      login = `${world.issuer}/sticky_auth`
      chunks = world.hosts.origin(scheme, 'chunks.test')
      rogue = world.hosts.origin(scheme, 'rogue.test')
      for (const host of ['chunks.test', 'rogue.test']) world.hosts.serve(host, service(host))
    })
    after(() => world?.close())
    afterEach(async () => {
      calls.length = 0
      // Neuroglancer keeps its token in the storage of its page.
      const page = await context.newPage()
      for (const origin of [world.viewer, world.stranger]) {
        await page.goto(origin)
        await page.evaluate('localStorage.clear()')
      }
      await world.forget()
    })

    /** A data service as those of CAVE: who the holder of a token is, it asks Labgate. */
    function service(host: string): RequestListener {
      return async (req, res) => {
        res.setHeader('Access-Control-Allow-Origin', '*').setHeader('Access-Control-Allow-Headers', 'authorization')
        if (req.method === 'OPTIONS') return void res.writeHead(204).end()
        if (req.url === '/auth_info') return void res.end(JSON.stringify({ login_url: login }))
        const token = /^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1]
        calls.push({ host, token })
        const { status, json } = await permissions(world, scheme, token)
        const mayView = json.permissions_v2?.fanc?.includes('view') === true
        res.writeHead(status !== 200 ? 401 : mayView ? 200 : 403).end(here)
      }
    }
    const source = (origin = chunks) => `${scheme === 'https' ? 'middleauth+' : ''}${origin}/fanc/info`
    const grant = (person: string) => {
      const subject = { kind: 'name', instance: 'email', value: `${person}@example.org` } as const
      return site.labgate.rooms.get('ledger').grants.add(house, { subject, dataset: 'fanc', level: 'view' })
    }
    const begin = async (page: ViewerPage) => {
      const reading = await page.begin(source(), how[scheme])
      await page.says(`middleauth server ${login} login required.`)
      return reading
    }
    async function signedIn(person: string): Promise<ViewerPage> {
      await grant(person)
      const page = await ViewerPage.open(context, world.viewer)
      const reading = await begin(page)
      const popup = await page.press('Request login.')
      await signInAt(popup, site, `${person}@example.org`)
      assert.deepEqual(await reading(), { text: here })
      await closed(popup)
      assert.equal(await page.asks(), 0)
      return page
    }
    const accountOf = async (person: string) =>
      (await site.labgate.rooms.get('accounts').findByVerifiedEmail(`${person}@example.org`))?.id ?? assert.fail(person)
    const tokensOf = async (person: string) =>
      (await site.labgate.rooms.get('tokens').list({ account: await accountOf(person), state: 'active', limit: 10 }))
        .rows

    test('a person signs in in its window, which it closes, and is asked no more', async () => {
      const first = await signedIn('ada')
      assert.deepEqual(await first.read(source(), how[scheme]), { text: here })
      const second = await ViewerPage.open(context, world.viewer)
      assert.deepEqual(await second.read(source(), how[scheme]), { text: here })
      assert.equal(new Set(calls.map(({ token }) => token)).size, 1)
      assert.equal((await tokensOf('ada')).length, 1)
    })

    test('a token that has ended makes it ask again, and its window needs nobody', async () => {
      await signedIn('ben')
      const [token] = await tokensOf('ben')
      await site.labgate.rooms.get('tokens').revoke(house, token?.id ?? '')
      const page = await ViewerPage.open(context, world.viewer)
      const reading = await begin(page)
      const popup = await page.press('Request login.')
      assert.deepEqual(await reading(), { text: here })
      await closed(popup)
      assert.equal(new Set(calls.map((call) => call.token)).size, 2)
    })

    test('a service that is not listed is never sent the token', async () => {
      const page = await signedIn('cleo')
      calls.length = 0
      const reading = await page.read(source(rogue), how[scheme])
      assert.ok('error' in reading, JSON.stringify(reading))
      await page.says(`middleauth: unverified app ${rogue}`)
      assert.deepEqual(calls, [])
    })

    test('a site that nobody listed gets nothing, whoever is signed in', async () => {
      await signedIn('dan')
      const { page } = await ViewerPage.open(context, world.stranger)
      assert.deepEqual(await overhear(page, `${login}/api/v1/authorize`, 'You are signed in'), [])
      const fetched = `fetch('${login}/api/v1/oauth2callback', { credentials: 'include' }).then((one) => one.text(), () => 'kept')`
      assert.equal(await page.evaluate(fetched), 'kept')
    })

    test('a window that is closed can be opened again', async () => {
      await grant('eve')
      const page = await ViewerPage.open(context, world.viewer)
      const reading = await begin(page)
      await (await page.press('Request login.')).close()
      await page.says('Authentication window was closed')
      const popup = await page.press('Retry')
      await signInAt(popup, site, 'eve@example.org')
      assert.deepEqual(await reading(), { text: here })
      await closed(popup)
    })

    test('terms of the service are accepted in its window', async () => {
      const { terms } = site.labgate.rooms.get('ledger')
      await terms.add(house, { id: 'cave', title: 'CAVE rules', services: ['cave'], markdown: 'Be kind.' })
      try {
        await grant('fay')
        const page = await ViewerPage.open(context, world.viewer)
        const reading = await begin(page)
        const popup = await page.press('Request login.')
        await signInAt(popup, site, 'fay@example.org')
        await accept(popup)
        assert.deepEqual(await reading(), { text: here })
      } finally {
        await terms.retire(house, 'cave')
      }
    })

    test('a grant that ends between two calls counts at the second', async () => {
      const page = await signedIn('gus')
      const { grants } = site.labgate.rooms.get('ledger')
      const subject = { kind: 'name', instance: 'email', value: 'gus@example.org' } as const
      for (const { id } of (await grants.list({ subject, limit: 10 })).rows) await grants.end(house, id)
      const after = await page.read(source(), how[scheme])
      assert.ok('missing' in after || ('error' in after && /HTTP error 403/.test(after.error)), JSON.stringify(after))
    })
  })

async function accept(popup: Page): Promise<void> {
  await popup.getByText('Be kind.').waitFor()
  await popup.getByRole('button', { name: 'I accept' }).click()
}

interface Cache {
  readonly permissions_v2?: Readonly<Record<string, readonly string[]>>
}

/** What Labgate says of the holder of a token; asked at its port, as Node does not know the names. */
function permissions(world: ViewerWorld, scheme: Scheme, token = 'none'): Promise<{ status: number; json: Cache }> {
  const { host } = new URL(world.issuer)
  const headers = { host, 'x-forwarded-proto': scheme, authorization: `Bearer ${token}` }
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: world.port, path: '/auth/api/v1/user/cache', headers }
    const ask = request(options, async (answer) => {
      const body = await answer.setEncoding('utf8').toArray()
      resolve({ status: answer.statusCode ?? 0, json: JSON.parse(body.join('')) as Cache })
    })
    ask.on('error', reject).end()
  })
}

/** What the npm Neuroglancer and ngauth do together, the same over http and https. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { BrowserContext } from 'playwright-core'
import { cloudAccounts, type GoogleCloud, startGoogleCloud } from '../support/google-cloud.ts'
import { forwardTo, type Scheme } from '../support/hosts.ts'
import type { TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { npmNeeds } from '../support/npm-folder.ts'
import { closed, overhear, signInAt, ViewerPage } from '../support/viewer-page.ts'
import { startViewerWorld, type ViewerWorld } from '../support/viewer-world.ts'

const skip = needs('chromium', 'openssl') || (await npmNeeds('neuroglancer'))
const house = { kind: 'system', name: 'test' } as const
const places = { fish: 'fish-bucket', whole: 'whole-bucket', agreed: 'agreed-bucket', offered: 'offered-bucket' }

/** All cases over one scheme; in both Labgate's hosts and the viewer's are different sites. */
export function ngauthCases(scheme: Scheme): void {
  describe(`the npm Neuroglancer reads private data by ngauth over ${scheme}`, { skip }, () => {
    let world: ViewerWorld
    let cloud: GoogleCloud
    let folder: string
    let site: TestLabgate
    let context: BrowserContext
    let viewer: string
    let stranger: string
    let ngauth: string
    const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
    const ledger = () => site.labgate.rooms.get('ledger')

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'labgate-cloud-'))
      cloud = await startGoogleCloud({ now: clock.now })
      const key = join(folder, 'key.json')
      await writeFile(key, cloud.keyFile, { mode: 0o600 })
      for (const bucket of Object.values(places)) {
        cloud.buckets[bucket] = { info: `what is in ${bucket}` }
        cloud.readers[bucket] = [cloudAccounts.key]
      }
      const { url } = cloud
      const datasets = Object.fromEntries(
        Object.entries(places).map(([id, bucket]) => [id, { places: [{ bucket: `gs://${bucket}` }] }]),
      )
      world = await startViewerWorld(scheme, {
        names: ['storage.googleapis.com'],
        replaced: { clock },
        part: (origins) => ({
          datasets,
          plugins: {
            email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
            ngauth: {
              use: '@labgate/authz-ngauth',
              host: new URL(origins.dialect).host,
              config: {
                origins: [origins.viewer],
                credentials: { serviceAccountKey: { file: key } },
                google: { metadata: url, iamCredentials: url, sts: url, storage: url },
              },
            },
          },
        }),
      })
      // The address that is fixed in Neuroglancer.
      world.hosts.serve('storage.googleapis.com', forwardTo(Number(new URL(url).port)))
      ;({ site, context, viewer, stranger, dialect: ngauth } = world)
    })
    after(async () => {
      await world?.close()
      await cloud?.stop()
      await rm(folder, { recursive: true, force: true })
    })
    afterEach(() => world.forget())

    const source = (bucket: string, name = 'info') => `gs+ngauth+${ngauth}/${bucket}/${name}`
    const inside = (bucket: string) => ({ text: `what is in ${bucket}` })
    const grant = (person: string, dataset: keyof typeof places) => {
      const value = `${person}@example.org`
      return ledger().grants.add(house, { subject: { kind: 'name', instance: 'email', value }, dataset, level: 'view' })
    }
    const required = () => `ngauth server ${ngauth} login required.`
    /** A viewer whose person has signed in through its window, and has read `fish-bucket`. */
    async function signedIn(person: string, where = context): Promise<ViewerPage> {
      await grant(person, 'fish')
      const page = await ViewerPage.open(where, viewer)
      const reading = await page.begin(source('fish-bucket'))
      await page.says(required())
      const popup = await page.press('Request login.')
      await signInAt(popup, site, `${person}@example.org`)
      assert.deepEqual(await reading(), inside('fish-bucket'))
      await closed(popup)
      assert.equal(await page.asks(), 0)
      return page
    }
    const asked = (page: ViewerPage) => {
      const paths: string[] = []
      page.page.on('request', (request) => {
        const { origin, pathname } = new URL(request.url())
        if (origin === ngauth && request.method() === 'POST') paths.push(pathname)
      })
      return paths
    }

    test('a person signs in in its window, which closes', async () => {
      const page = await signedIn('ada')
      // What is not there, and what this person may not see, is the same to it.
      assert.deepEqual(await page.read(source('fish-bucket', 'none')), { missing: true })
      assert.deepEqual(await page.read(source('whole-bucket')), { missing: true })
    })

    test('who is signed in already is asked nothing', async () => {
      await signedIn('ben')
      const page = await ViewerPage.open(context, viewer)
      const paths = asked(page)
      assert.deepEqual(await page.read(source('fish-bucket')), inside('fish-bucket'))
      assert.deepEqual(paths, ['/token', '/gcs_token'])
    })

    test('in a browser that sends no cookies to other sites its window closes by itself', async () => {
      const context = await world.secretive.newContext({ ignoreHTTPSErrors: true })
      await signedIn('cleo', context)
      const page = await ViewerPage.open(context, viewer)
      const reading = await page.begin(source('fish-bucket'))
      await page.says(required())
      await closed(await page.press('Request login.'))
      assert.deepEqual(await reading(), inside('fish-bucket'))
      await context.close()
    })

    test('a viewer that is not listed is told so by its name, and its window is never asked for', async () => {
      await signedIn('dan')
      const page = await ViewerPage.open(context, stranger)
      assert.deepEqual(await page.read(source('fish-bucket')), {
        error: `Error: ngauth server ${ngauth} does not allow requests from Neuroglancer instance ${stranger}`,
        name: 'Error',
      })
      assert.equal(await page.asks(), 0)
    })

    test('a site that opens the window gets nothing, in whichever name it asks', async () => {
      await signedIn('eve')
      const { page } = await ViewerPage.open(context, stranger)
      const login = (origin: string) => `${ngauth}/login?origin=${encodeURIComponent(origin)}`
      assert.deepEqual(await overhear(page, login(viewer)), [])
      assert.deepEqual(await overhear(page, login(stranger)), ['badorigin'])
      const token = `fetch('${ngauth}/token', { method: 'POST', credentials: 'include' }).then((answer) => answer.text())`
      assert.equal(await page.evaluate(token), 'Origin not allowed')
    })

    test('a window that is closed can be opened again', async () => {
      await grant('fay', 'fish')
      const page = await ViewerPage.open(context, viewer)
      const reading = await page.begin(source('fish-bucket'))
      await (await page.press('Request login.')).close()
      await page.says('Authentication window was closed')
      const popup = await page.press('Retry')
      await signInAt(popup, site, 'fay@example.org')
      assert.deepEqual(await reading(), inside('fish-bucket'))
      await closed(popup)
    })

    test('a token that has expired is asked for anew', async () => {
      const page = await signedIn('gus')
      await grant('gus', 'whole')
      const paths = asked(page)
      clock.shift += 3_601_000
      assert.deepEqual(await page.read(source('whole-bucket')), inside('whole-bucket'))
      assert.deepEqual(paths, ['/gcs_token', '/token', '/gcs_token'])
    })

    test('terms of the service are accepted in its window', async () => {
      await signedIn('hal')
      const terms = { id: 'viewers', title: 'Viewer rules', services: ['ngauth'], markdown: 'Be kind.' }
      await ledger().terms.add(house, terms)
      try {
        const page = await ViewerPage.open(context, viewer)
        const reading = await page.begin(source('fish-bucket'))
        const popup = await page.press('Request login.')
        await popup.getByText('Be kind.').waitFor()
        await popup.getByRole('button', { name: 'I accept' }).click()
        assert.deepEqual(await reading(), inside('fish-bucket'))
        await closed(popup)
      } finally {
        await ledger().terms.retire(house, 'viewers')
      }
    })

    test('terms of a dataset keep it from being read; its window offers them to whoever tried', async () => {
      const page = await signedIn('ida')
      await grant('ida', 'agreed')
      const terms = { id: 'cite', title: 'Cite us', dataset: 'agreed', markdown: 'In every paper.' }
      await ledger().terms.add(house, terms)
      const denied = page.page.waitForResponse(`${ngauth}/gcs_token`)
      // So it takes every 403, and remembers it until it is loaded anew.
      assert.deepEqual(await page.read(source('agreed-bucket')), { missing: true })
      assert.equal((await denied).status(), 403)
      const fresh = await ViewerPage.open(context, viewer)
      const reading = await fresh.begin(source('agreed-bucket'))
      const popup = await fresh.press('Request login.')
      await popup.getByRole('link', { name: 'Read “Cite us”' }).click()
      await popup.getByText('In every paper.').waitFor()
      await popup.getByRole('button', { name: 'I accept' }).click()
      assert.deepEqual(await reading(), inside('agreed-bucket'))
      await closed(popup)
    })

    test('terms that its window offers hold nobody up', async () => {
      await grant('joe', 'offered')
      const terms = { id: 'thank', title: 'Thank us', dataset: 'offered', markdown: 'In every talk.' }
      await ledger().terms.add(house, terms)
      await grant('joe', 'fish')
      const page = await ViewerPage.open(context, viewer)
      const reading = await page.begin(source('fish-bucket'))
      const popup = await page.press('Request login.')
      await signInAt(popup, site, 'joe@example.org')
      await popup.getByText('Thank us').first().waitFor()
      await popup.getByRole('button', { name: 'Go on without these data' }).click()
      assert.deepEqual(await reading(), inside('fish-bucket'))
      const again = await ViewerPage.open(context, viewer)
      assert.deepEqual(await again.read(source('fish-bucket')), inside('fish-bucket'))
    })

    test('a grant that ends between two readings counts at the next credential', async () => {
      const page = await signedIn('jan')
      const { id } = await grant('jan', 'whole')
      assert.deepEqual(await page.read(source('whole-bucket')), inside('whole-bucket'))
      await ledger().grants.end(house, id)
      // The credential is Google's, and lives its hour.
      assert.deepEqual(await page.read(source('whole-bucket')), inside('whole-bucket'))
      clock.shift += 3_601_000
      assert.deepEqual(await page.read(source('whole-bucket')), { missing: true })
      assert.deepEqual(await page.read(source('fish-bucket')), inside('fish-bucket'))
      const fresh = await ViewerPage.open(context, viewer)
      assert.deepEqual(await fresh.read(source('whole-bucket')), { missing: true })
    })

    test('after a sign-out its window asks who is there', async () => {
      await signedIn('kim')
      const kim = await site.labgate.rooms.get('accounts').findByVerifiedEmail('kim@example.org')
      await site.labgate.rooms.get('sessions').endAll(kim?.id ?? '')
      const page = await ViewerPage.open(context, viewer)
      await page.begin(source('fish-bucket'))
      const popup = await page.press('Request login.')
      await popup.getByLabel('E-mail address').waitFor()
    })
  })
}

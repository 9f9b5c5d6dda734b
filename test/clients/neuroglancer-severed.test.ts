/** A sign-in elsewhere that cuts the window from the npm Neuroglancer that opened it (Cross-Origin-Opener-Policy). */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { atUpstream } from '../support/flow.ts'
import { cloudAccounts, type GoogleCloud, startGoogleCloud } from '../support/google-cloud.ts'
import { forwardTo } from '../support/hosts.ts'
import { needs } from '../support/needs.ts'
import { npmNeeds } from '../support/npm-folder.ts'
import { tempFolder } from '../support/program.ts'
import { startUpstream, type Upstream, upstreamClient } from '../support/upstream.ts'
import { closed, ViewerPage } from '../support/viewer-page.ts'
import { startViewerWorld, type ViewerWorld } from '../support/viewer-world.ts'

const skip = needs('chromium', 'openssl') || (await npmNeeds('neuroglancer'))

describe('the npm Neuroglancer, its window cut off by a sign-in elsewhere', { skip }, () => {
  let world: ViewerWorld
  let cloud: GoogleCloud
  let upstream: Upstream
  const users = [{ sub: 'ada', email: 'ada@example.org', email_verified: true }]

  before(async () => {
    cloud = await startGoogleCloud()
    cloud.buckets['fish-bucket'] = { info: 'what is in it' }
    cloud.readers['fish-bucket'] = [cloudAccounts.key]
    const folder = await tempFolder()
    const key = join(folder.path, 'key.json')
    await writeFile(key, cloud.keyFile, { mode: 0o600 })
    const { url } = cloud
    world = await startViewerWorld('https', {
      names: ['storage.googleapis.com'],
      part: async (origins) => {
        upstream = await startUpstream({
          users,
          clients: [{ ...upstreamClient, redirect_uris: [`${origins.issuer}/sign-in/uni/callback`] }],
          also: (_request, response) => {
            response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
            return false
          },
        })
        const ngauth = {
          ...{ origins: [origins.viewer], credentials: { serviceAccountKey: { file: key } } },
          google: { metadata: url, iamCredentials: url, sts: url, storage: url },
        }
        return {
          datasets: { fish: { places: [{ bucket: 'gs://fish-bucket' }] } },
          grants: [{ to: 'signed-in', dataset: 'fish', level: 'view', why: 'for everybody here' }],
          plugins: {
            uni: atUpstream(upstream.issuer),
            email: { use: '@labgate/auth-email' },
            ngauth: { use: '@labgate/authz-ngauth', host: new URL(origins.dialect).host, config: ngauth },
          },
        }
      },
    }).finally(() => folder.remove())
    world.hosts.serve('storage.googleapis.com', forwardTo(Number(new URL(url).port)))
  })
  after(async () => {
    await world?.close()
    await upstream?.close()
    await cloud?.stop()
  })

  test('says at its end what to do, and the next one ends at once', async () => {
    const page = await ViewerPage.open(world.context, world.viewer)
    const reading = await page.begin(`gs+ngauth+${world.dialect}/fish-bucket/info`)
    await page.says(`ngauth server ${world.dialect} login required.`)
    const popup = await page.press('Request login.')
    await popup.getByRole('button', { name: /University/ }).click()
    await popup.getByRole('button', { name: 'ada' }).click()
    // So it looks to Neuroglancer, whose hold on the window is gone.
    await page.says('Authentication window was closed')
    await popup.getByText('You are signed in').first().waitFor()
    await popup.getByText('You can close this window. If Neuroglancer still waits, press Retry there.').waitFor()
    assert.equal(await popup.evaluate('window.opener'), null)
    assert.ok(!popup.isClosed())
    const next = await page.press('Retry')
    await closed(next)
    assert.deepEqual(await reading(), { text: 'what is in it' })
    assert.equal(await page.asks(), 0)
    await popup.close()
  })
})

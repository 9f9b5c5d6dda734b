/** A Labgate with ngauth, a Google Cloud beside it, and people with their browsers and Neuroglancers. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cloudAccounts, type GoogleCloud, startGoogleCloud } from './google-cloud.ts'
import { browser, freePort, type Part, signInByEmail, startLabgate, type TestLabgate } from './labgate.ts'
import { type Heard, messageOn, Neuroglancer } from './neuroglancer.ts'
import type { Page, UserAgent } from './user-agent.ts'

/** Where the Neuroglancer of the tests would be. */
export const viewer = 'https://viewer.lab.example'

/** Somebody signed in, with what their popup was given. */
export interface Visitor {
  readonly agent: UserAgent
  readonly page: Page
  readonly client: Neuroglancer
  readonly token: string
}

/** A running world. */
export interface NgauthWorld {
  readonly site: TestLabgate
  readonly cloud: GoogleCloud
  /** Origin of the dialect. */
  readonly server: string
  readonly clock: { shift: number; now(): Date }
  of(agent: UserAgent): Neuroglancer
  /** Through the popup, by e-mail. */
  signedIn(person: string): Promise<Visitor>
  credentialOf(client: Neuroglancer, token: string, bucket: string): Promise<string>
  idOf(person: string): Promise<string>
  stop(): Promise<void>
}

/** Status, or that a browser would have read nothing. */
export const statusOf = (heard: Heard) => (heard === 'network error' ? heard : heard.status)
/** What was read. */
export const textOf = (heard: Heard) => (heard === 'network error' ? heard : heard.text)

/** The token that a page of the popup posts. */
export function tokenOn(page: Page): string {
  const message = messageOn(page.text) ?? assert.fail(page.text)
  assert.equal(message.targetOrigin, viewer)
  return (message.data as { token: string }).token
}

/** Starts one; `buckets` hold one object `info` each and can be read by the key's account. */
export async function startNgauth(with_: {
  readonly ledger: Part
  readonly buckets: readonly string[]
  readonly config?: Part
  readonly log?: Part
}): Promise<NgauthWorld> {
  const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
  const folder = await mkdtemp(join(tmpdir(), 'labgate-ngauth-'))
  const cloud = await startGoogleCloud({ now: clock.now })
  for (const bucket of with_.buckets) {
    cloud.buckets[bucket] = { info: bucket }
    cloud.readers[bucket] = [cloudAccounts.key]
  }
  const key = join(folder, 'key.json')
  await writeFile(key, cloud.keyFile, { mode: 0o600 })
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const server = `http://${host}`
  const { url } = cloud
  const config = {
    ...{ origins: [viewer], credentials: { serviceAccountKey: { file: key } } },
    google: { metadata: url, iamCredentials: url, sts: url, storage: url },
    ...with_.config,
  }
  const plugins = {
    email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
    ngauth: { use: '@labgate/authz-ngauth', host, config },
  }
  const started = startLabgate({ ...with_.ledger, plugins, ...with_.log }, { port, replaced: { clock } })
  const site = await started.catch(async (error: unknown) => {
    await cloud.stop()
    throw error
  })
  const of = (agent: UserAgent) =>
    new Neuroglancer({ server, origin: viewer, cookie: () => agent.cookieHeader(new URL(`${server}/token`)) })
  return {
    ...{ site, cloud, server, clock, of },
    async signedIn(person) {
      const agent = browser()
      const client = of(agent)
      const page = await signInByEmail(site, agent, { at: client.popup, email: `${person}@example.org` })
      return { agent, page, client, token: tokenOn(page) }
    },
    async credentialOf(client, token, bucket) {
      const heard = await client.credential(token, bucket)
      assert.equal(statusOf(heard), 200, textOf(heard))
      return (JSON.parse(textOf(heard)) as { token: string }).token
    },
    idOf: async (person) =>
      (await site.labgate.rooms.get('accounts').findByVerifiedEmail(`${person}@example.org`))?.id ??
      assert.fail(person),
    async stop() {
      await site.stop()
      await cloud.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

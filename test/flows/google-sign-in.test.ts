import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newBrowser, party, textOf } from '../support/flow.ts'
import { type Google, startGoogle } from '../support/google-upstream.ts'
import { callback, freePort, startLabgate, type TestLabgate } from '../support/labgate.ts'

let google: Google
let site: TestLabgate

before(async () => {
  const port = await freePort()
  google = await startGoogle({
    users: [
      { sub: '1', name: 'Ada', email: 'ada@example.edu', email_verified: true, hd: 'example.edu' },
      { sub: '3', name: 'Eve', email: 'eve@example.edu', email_verified: true },
    ],
    redirectUris: [`http://localhost:${port}/sign-in/google/callback`],
  })
  const folder = await mkdtemp(join(tmpdir(), 'labgate-flow-'))
  const file = join(folder, 'google-client.json')
  await writeFile(file, google.credentials)
  const config = { issuer: google.issuer, credentials: { file }, hostedDomains: ['example.edu'] }
  const plugins = { email: { use: '@labgate/auth-email' }, google: { use: '@labgate/auth-google', config } }
  site = await startLabgate({ plugins }, { port, folder })
})
after(async () => {
  await site?.stop()
  await google?.close()
})

async function walk(sub: string) {
  const rp = await party(site)
  const { url, redeem } = await rp.request()
  const agent = newBrowser()
  const there = await agent.press(await agent.open(url), 'Continue with Google')
  return { rp, redeem, page: await agent.press(there, new RegExp(`^${sub}$`)) }
}

test('a person of the organisation chooses Google and the relying party learns who they are', async () => {
  const { rp, redeem, page } = await walk('1')
  assert.equal(page.url.origin + page.url.pathname, callback, textOf(page))
  const tokens = await redeem(page.url)
  const info = (await (await rp.userinfo(tokens.access_token)).json()) as Record<string, unknown>
  assert.deepEqual([info.email, info.email_verified, info.name], ['ada@example.edu', true, 'Ada'])
})

test('an account outside the organisation reads why not, and gets no code', async () => {
  const { page } = await walk('3')
  assert.notEqual(page.status, 0)
  assert.match(textOf(page), /Google account of your organisation \(example\.edu\)/)
})

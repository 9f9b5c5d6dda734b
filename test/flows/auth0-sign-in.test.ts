import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { auth0Client, startAuth0 } from '../support/auth0-upstream.ts'
import { newBrowser, party, textOf } from '../support/flow.ts'
import { callback, freePort, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { Upstream } from '../support/upstream.ts'
import { UserAgent } from '../support/user-agent.ts'

let auth0: Upstream
let site: TestLabgate

before(async () => {
  const port = await freePort()
  auth0 = await startAuth0({
    users: [
      { sub: 'ada', name: 'Ada', email: 'ada@example.org', email_verified: true },
      { sub: 'bob', name: 'Bob', email: 'bob@example.org', email_verified: true },
      { sub: 'eve', name: 'Eve', email: 'ada@example.org', email_verified: false },
    ],
    redirectUris: [`http://localhost:${port}/callback`],
  })
  const config = {
    domain: auth0.issuer,
    clientId: auth0Client.client_id,
    clientSecret: auth0Client.client_secret,
    label: 'Example Lab',
    authorizedEmails: 'ada@example.org,carol@example.org',
    callbackPath: '/callback',
  }
  const plugins = { email: { use: '@labgate/auth-email' }, auth0: { use: '@labgate/auth-auth0', config } }
  site = await startLabgate({ plugins }, { port })
})
after(async () => {
  await site?.stop()
  await auth0?.close()
})

async function walk(sub: string) {
  const rp = await party(site)
  const { url, redeem } = await rp.request()
  const agent = newBrowser()
  const there = await agent.press(await agent.open(url), 'Continue with Example Lab')
  return { rp, redeem, page: await agent.press(there, new RegExp(`^${sub}$`)) }
}

test('a person on the list chooses Auth0 and the relying party learns who they are', async () => {
  const { rp, redeem, page } = await walk('ada')
  assert.equal(page.url.origin + page.url.pathname, callback, textOf(page))
  const tokens = await redeem(page.url)
  const info = (await (await rp.userinfo(tokens.access_token)).json()) as Record<string, unknown>
  assert.deepEqual([info.email, info.email_verified, info.name], ['ada@example.org', true, 'Ada'])
})

test('GA4GH 4.2: no token stands in an address, on the way in and on the way back', async () => {
  const seen: string[] = []
  const spy: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    seen.push(String(input), answer.headers.get('location') ?? '', answer.headers.get('refresh') ?? '')
    return answer
  }
  const { url, redeem } = await (await party(site)).request()
  const agent = new UserAgent({ stopAt: ['http://127.0.0.1:9/'], fetch: spy })
  const there = await agent.press(await agent.open(url), 'Continue with Example Lab')
  const page = await agent.press(there, /^ada$/)
  const tokens = await redeem(page.url)
  assert.ok(seen.some((address) => address.includes('/callback?')) && tokens.id_token)
  for (const address of seen) {
    assert.doesNotMatch(address, /[?&#](id_token|access_token|token|key)=|eyJ[\w-]+\.[\w-]+\./)
    assert.ok(!address.includes(tokens.access_token))
  }
})

test('GA4GH 4.2: who is refused reads why, on a page, and gets no code', async () => {
  const bob = await walk('bob')
  assert.match(textOf(bob.page), /bob@example\.org may not sign in here/)
  const eve = await walk('eve')
  assert.match(textOf(eve.page), /has not verified your e-mail address/)
})

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import * as client from 'openid-client'
import { type Party, party, titleOf } from '../support/flow.ts'
import { browser, callback, signInByEmail, testClients } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { type Pair, startPair } from '../support/pair.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { newDatabase } from '../support/storage-postgres.ts'
import type { Page } from '../support/user-agent.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const isCallback = ({ url }: Page) => url.href.startsWith(callback)
const errorOf = (error: unknown) => (error as { error?: string }).error

suite('two processes on one PostgreSQL and one Redis', { skip: needs('postgres') || needs('redis') }, () => {
  let redis: TestRedis
  let pair: Pair
  let web: Party
  const agent = browser()

  before(async () => {
    redis = await startRedis()
    pair = await startPair(await newDatabase(), {
      redis: { url: redis.url, password: redis.password, keep: ['rate-limits', 'short-lived'] },
      plugins: { email: { use: '@labgate/auth-email', config: { mailsPerHour: 1000 } } },
      clients: { ...testClients, scope: { public: true, firstParty: true, grantTypes: [deviceGrant] } },
    })
    web = await party(pair)
    await bothAreBack()
  })
  after(async () => {
    await pair?.close()
    await redis?.stop()
  })

  const records = async () => ((await redis.ask('keys', 'labgate:*:r:*')) as string[]).length
  const bothAreBack = async () => {
    const connected = async () =>
      String(await redis.ask('client', 'list')).match(/name=labgate .*cmd=(?!client|hello)/g)
    for (let tries = 0; (await connected())?.length !== 2; tries++) {
      assert.ok(tries < 200, 'both reach Redis again soon')
      await new Promise((done) => setTimeout(done, 25))
    }
  }
  const at = (path: string) => new URL(path, pair.issuer)

  test('a sign-in goes from one to the other at every step, and lies in Redis meanwhile', async () => {
    const before = await records()
    const asked = await web.request()
    const chooser = await browser().open(asked.url)
    assert.equal(chooser.status, 200)
    assert.ok((await records()) > before, 'it is in Redis')
    const back = await signInByEmail(pair, agent, { at: asked.url, email: 'ada@example.org' })
    assert.ok(isCallback(back), titleOf(back))
    const tokens = await asked.redeem(back.url)
    for (const _ of pair.members) assert.equal((await web.userinfo(tokens.access_token)).status, 200)
  })

  test('a code that is redeemed at both at once is taken by one, and what came of it ends', async () => {
    const asked = await web.request()
    const back = await agent.open(asked.url)
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => asked.redeem(back.url)))
    const won = tries.filter((each) => each.status === 'fulfilled')
    assert.equal(won.length, 1)
    for (const lost of tries) if (lost.status === 'rejected') assert.equal(errorOf(lost.reason), 'invalid_grant')
    for (const _ of pair.members)
      assert.equal((await web.userinfo(won[0]?.value.access_token ?? '')).status, 401, 'it was in two hands')
  })

  test('a code that comes again later takes back what came of it, wherever', async () => {
    const asked = await web.request()
    const back = await agent.open(asked.url)
    const { access_token } = await asked.redeem(back.url)
    assert.equal((await web.userinfo(access_token)).status, 200)
    await assert.rejects(asked.redeem(back.url), (error) => errorOf(error) === 'invalid_grant')
    for (const _ of pair.members) assert.equal((await web.userinfo(access_token)).status, 401)
  })

  test('a code whose session has ended while Redis was silent counts for nothing', async () => {
    const asked = await web.request()
    const back = await agent.open(asked.url)
    redis.sleep()
    try {
      const account = await agent.open(at('/account'))
      await agent.press(account, 'Sign out here')
    } finally {
      redis.wake()
    }
    await bothAreBack()
    await assert.rejects(asked.redeem(back.url))
  })

  test('a device that asks at one and at once at the other is told to slow down (RFC 8628 §3.5)', async () => {
    const config = await client.discovery(new URL(pair.issuer), 'scope', undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    })
    const { device_code } = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    const poll = async () => {
      const body = new URLSearchParams({ client_id: 'scope', grant_type: deviceGrant, device_code })
      return ((await (await fetch(at('/oidc/token'), { method: 'POST', body })).json()) as { error: string }).error
    }
    const before = pair.members.map(({ answered }) => answered())
    // The balancer takes turns.
    assert.deepEqual([await poll(), await poll(), await poll()], ['authorization_pending', 'slow_down', 'slow_down'])
    for (const [index, { answered }] of pair.members.entries()) assert.ok(answered() > (before[index] ?? 0))
  })

  test('emptied in the middle of a sign-in, it costs a new one: a page says so, and a code is no grant', async () => {
    const fresh = browser()
    const asked = await web.request()
    const chooser = await fresh.open(asked.url)
    await redis.ask('flushall')
    const form = chooser.forms.find(({ fields }) => 'email' in fields)
    const lost = await fresh.submit(chooser, form, { email: 'bob@example.org' }, form?.buttons[0]?.action)
    assert.equal(titleOf(lost), 'This sign-in took too long')
    const next = await web.request()
    const back = await signInByEmail(pair, fresh, { at: next.url, email: 'bob@example.org' })
    await redis.ask('flushall')
    await assert.rejects(next.redeem(back.url), (error) => errorOf(error) === 'invalid_grant')
  })

  test('without it the database keeps them, and people sign in as before', async () => {
    await redis.stop()
    const asked = await web.request()
    const back = await signInByEmail(pair, browser(), { at: asked.url, email: 'cleo@example.org' })
    assert.ok(isCallback(back), titleOf(back))
    const tries = await Promise.allSettled(Array.from({ length: 4 }, () => asked.redeem(back.url)))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Json } from '@labgate/contract'
import * as client from 'openid-client'
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
import { probeGrant } from '../support/plugins/authz-probe.ts'

const web = { ...testClients.web, grantTypes: [...testClients.web.grantTypes, probeGrant] }

/** The body of an answer, as far as a test looks into it. */
async function jsonOf(answer: Response | Promise<Response>): Promise<Record<string, Json>> {
  return (await (await answer).json()) as Record<string, Json>
}

/** A member that is a list. */
function list(value: Json | undefined): readonly Json[] {
  assert.ok(Array.isArray(value))
  return value
}

describe('a dialect on a host of its own', () => {
  let site: TestLabgate
  let host: string
  before(async () => {
    const port = await freePort()
    host = `127.0.0.1:${port}`
    const plugins = {
      email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
      probe: { use: '../support/plugins/authz-probe.ts', host, config: { greeting: 'Good day' } },
      here: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
    }
    site = await startLabgate({ plugins, clients: { ...testClients, web } }, { port })
  })
  after(() => site.stop())

  const at = (path: string) => `http://${host}${path}`

  /** An access token of a person, with or without the probe's scope. */
  async function tokenFor(email: string, scope: string) {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request({ scope })
    const page = await signInByEmail(site, browser(), { at: url, email })
    assert.equal(page.url.origin + page.url.pathname, callback, page.text)
    return { rp, tokens: await redeem(page.url) }
  }

  test('answers on its host and path, and nowhere else', async () => {
    const answer = await fetch(at('/hello/Ada'))
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'Good day, Ada')
    assert.equal((await fetch(`${site.issuer}/hello/Ada`)).status, 404)
    assert.equal(await (await fetch(`${site.issuer}/probe/hello/Ada`)).text(), 'Hello, Ada')
    assert.equal((await fetch(at('/account'), { redirect: 'manual' })).status, 404)
  })

  test('signs people in there, through the issuer, and keeps its own cookie there', async () => {
    const agent = browser()
    const page = await signInByEmail(site, agent, { at: at('/whoami'), email: 'ada@example.org' })
    assert.equal(page.url.href, at('/whoami'), page.text)
    const who = JSON.parse(page.text)
    assert.deepEqual([who.username, who.via, who.mayAct], ['ada', 'session', true])
    assert.equal(agent.cookies.find(({ name }) => name === 'probe_seen')?.host, '127.0.0.1')
    assert.equal(JSON.parse((await agent.open(at('/whoami'))).text).seen, 'yes')
  })

  test('a person who is signed in at the issuer is let in without a question', async () => {
    const agent = browser()
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: 'ada@example.org' })
    const page = await agent.open(at('/whoami'))
    assert.equal(page.url.href, at('/whoami'))
    assert.equal(JSON.parse(page.text).username, 'ada')
  })

  test('adds a scope with a claim to ID token and userinfo, and a member to discovery', async () => {
    const { rp, tokens } = await tokenFor('grace@example.org', 'openid probe')
    const sub = tokens.claims()?.sub ?? ''
    const info = await client.fetchUserInfo(rp.config, tokens.access_token, sub)
    assert.equal(info.probe_badge, `badge-of-${sub}`)
    const discovery = await jsonOf(fetch(`${site.issuer}/.well-known/openid-configuration`))
    assert.ok(list(discovery.scopes_supported).includes('probe'))
    assert.ok(list(discovery.claims_supported).includes('probe_badge'))
    assert.ok(list(discovery.grant_types_supported).includes(probeGrant))
    assert.ok([at('/api/me'), `${site.issuer}/probe/api/me`].includes(String(discovery.probe_endpoint)))
    const plain = await tokenFor('grace@example.org', 'openid')
    const without = await client.fetchUserInfo(plain.rp.config, plain.tokens.access_token, sub)
    assert.equal(without.probe_badge, undefined)
  })

  test('its token guard takes header, cookie and query, wants the scope, and speaks its own errors', async () => {
    const { tokens } = await tokenFor('grace@example.org', 'openid probe')
    const bearer = tokens.access_token
    const ways = [
      fetch(at('/api/me'), { headers: { authorization: `Bearer ${bearer}` } }),
      fetch(at('/api/me'), { headers: { cookie: `probe_token=${bearer}` } }),
      fetch(at(`/api/me?probe_token=${bearer}`)),
    ]
    for (const answer of await Promise.all(ways)) {
      const me = await jsonOf(answer)
      assert.deepEqual([answer.status, me.username, me.via], [200, 'grace', 'token'])
    }
    const weak = (await tokenFor('grace@example.org', 'openid')).tokens.access_token
    const refusals = [
      [undefined, 401, 'ERR_UNAUTHENTICATED'],
      ['made-up', 401, 'ERR_UNAUTHENTICATED'],
      [weak, 403, 'ERR_FORBIDDEN'],
    ] as const
    for (const [value, status, code] of refusals) {
      const headers: Record<string, string> = value === undefined ? {} : { authorization: `Bearer ${value}` }
      const answer = await fetch(at('/api/me'), { headers })
      assert.deepEqual([answer.status, await jsonOf(answer)], [status, { probe_error: code }])
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/)
    }
  })

  test('its body cap holds, and a bug shows nothing', async () => {
    const { tokens } = await tokenFor('grace@example.org', 'openid probe')
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    const echo = await fetch(at('/api/echo'), { method: 'POST', headers, body: 'x'.repeat(16) })
    assert.equal(await echo.text(), 'x'.repeat(16))
    const large = await fetch(at('/api/echo'), { method: 'POST', headers, body: 'x'.repeat(17) })
    assert.deepEqual([large.status, await jsonOf(large)], [413, { probe_error: 'ERR_TOO_LARGE' }])
    const bug = await fetch(at('/bug'))
    assert.equal(bug.status, 500)
    assert.doesNotMatch(await bug.text(), /a bug of the probe/)
  })

  test('adds a grant type for clients that may use it', async () => {
    const ask = async (id: 'web' | 'third', word: string) => {
      const basic = Buffer.from(`${id}:${testClients[id].secret}`).toString('base64')
      const body = new URLSearchParams({ grant_type: probeGrant, word })
      const headers = { authorization: `Basic ${basic}` }
      const { token_endpoint } = await jsonOf(fetch(`${site.issuer}/.well-known/openid-configuration`))
      const answer = await fetch(String(token_endpoint), { method: 'POST', headers, body })
      return { status: answer.status, body: await jsonOf(answer) }
    }
    assert.deepEqual(await ask('web', 'sesame'), {
      status: 200,
      body: { access_token: 'probe-for-web', token_type: 'Bearer' },
    })
    assert.equal((await ask('web', 'melon')).body.error, 'invalid_grant')
    const refused = await ask('third', 'sesame')
    assert.equal(refused.status, 400)
    assert.match(String(refused.body.error_description), /grant type is not allowed for this client/)
  })

  test('signing out at the issuer ends the session there', async () => {
    const agent = browser()
    await signInByEmail(site, agent, { at: at('/whoami'), email: 'ada@example.org' })
    const account = await agent.open(`${site.issuer}/account`)
    await agent.press(account, 'Sign out here')
    const page = await agent.open(at('/whoami'))
    assert.notEqual(page.url.host, host, 'it asks to sign in')
  })
})

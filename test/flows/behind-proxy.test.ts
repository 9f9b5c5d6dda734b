/** A whole Labgate behind real reverse proxies that end TLS: what people, relying parties and the account page see. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { startCaddy } from '../support/caddy.ts'
import { textOf, titleOf } from '../support/flow.ts'
import type { Front } from '../support/front.ts'
import { callback, freePort, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { startNginx } from '../support/nginx.ts'
import { send } from '../support/outer-app.ts'
import { tlsFetch } from '../support/tls-fetch.ts'
import { UserAgent } from '../support/user-agent.ts'

/** Where people sit: another address of this machine than the proxy's own. */
const person = '127.0.0.9'
const forged = {
  'x-forwarded-for': '203.0.113.66',
  'x-forwarded-host': 'evil.example',
  'x-real-ip': '203.0.113.66',
  forwarded: 'for=203.0.113.66;host=evil.example;proto=http',
}

for (const [name, startFront] of [
  ['nginx', startNginx],
  ['caddy', startCaddy],
] as const) {
  describe(`a whole Labgate behind ${name} with TLS (S23)`, { skip: needs(name, 'openssl') }, () => {
    let site: TestLabgate
    let front: Front
    let network: ReturnType<typeof tlsFetch>
    let port: number
    before(async () => {
      port = await freePort()
      const frontPort = await freePort()
      site = await startLabgate({ issuer: `https://localhost:${frontPort}`, proxies: ['127.0.0.1'] }, { port })
      front = await startFront({ upstream: `http://127.0.0.1:${port}`, port: frontPort })
      network = tlsFetch({ ca: front.ca ?? assert.fail('no certificate'), from: person })
    })
    after(async () => {
      await network?.close()
      await front?.close()
      await site?.stop()
    })

    const newBrowser = (headers: Readonly<Record<string, string>> = {}) =>
      new UserAgent({ stopAt: ['http://127.0.0.1:9/'], fetch: network.fetch, headers })

    test('a relying party discovers https addresses, and a person signs in to it', async () => {
      const rp = await relyingParty(site.issuer, 'web', network)
      const metadata = Object.values(rp.config.serverMetadata()).filter((value) => /^https?:/.test(String(value)))
      assert.ok(metadata.length > 5)
      for (const address of metadata) assert.equal(new URL(String(address)).origin, site.issuer)

      const agent = newBrowser()
      const { url, redeem } = await rp.request()
      const back = await signInByEmail(site, agent, { at: url, email: 'ada@example.org' })
      assert.equal(back.url.origin + back.url.pathname, callback, textOf(back))
      const tokens = await redeem(back.url)
      assert.equal(tokens.claims()?.iss, site.issuer)
      const info = await client.fetchUserInfo(rp.config, tokens.access_token, tokens.claims()?.sub ?? '')
      assert.equal(info.email, 'ada@example.org')
      const refreshed = await client.refreshTokenGrant(rp.config, tokens.refresh_token ?? assert.fail('no refresh'))
      assert.ok(refreshed.access_token)
      assert.ok((await site.mail('ada@example.org')).link.startsWith(`${site.issuer}/sign-in/`))
    })

    test('every cookie is Secure, HttpOnly and prefixed; those for the whole site are __Host- (S24)', async () => {
      const agent = newBrowser()
      await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: 'bea@example.org' })
      const names = agent.cookies.map((cookie) => cookie.name)
      for (const one of ['session', 'attempt', 'provider']) assert.ok(names.includes(`__Host-labgate_${one}`), one)
      for (const { name: cookie, attributes, path } of agent.cookies) {
        assert.match(attributes, /;?\s*secure/i, cookie)
        assert.match(attributes, /httponly/i, cookie)
        assert.match(cookie, path === '/' ? /^__Host-/ : /^__Secure-/)
      }
    })

    test("the account page shows the person's own address, whatever headers they send", async () => {
      const agent = newBrowser(forged)
      const page = await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: 'cleo@example.org' })
      assert.equal(titleOf(page), 'Your account', textOf(page))
      assert.ok(page.text.includes(person), textOf(page))
      assert.ok(!page.text.includes('203.0.113.66'))
      assert.ok(!page.text.includes('evil.example'))
    })

    test('whoever comes past the proxy is refused, with the same headers as the proxy or without', async () => {
      const host = new URL(site.issuer).host
      for (const headers of [{ host }, { ...forged, host, 'x-forwarded-proto': 'https' }]) {
        const reply = await send(port, { path: '/account', headers, from: person })
        assert.equal(reply.status, 421)
      }
    })
  })
}

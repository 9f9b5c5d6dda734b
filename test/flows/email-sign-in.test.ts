import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { browser, callback, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'

describe('sign-in by e-mail at a relying party', () => {
  let site: TestLabgate
  before(async () => {
    site = await startLabgate()
  })
  after(() => site.stop())

  test('a person gets a code, types it and the relying party learns who they are', async () => {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request()
    const page = await signInByEmail(site, browser(), { at: url, email: 'ada@example.org' })
    assert.equal(page.url.origin + page.url.pathname, callback, page.text)
    const tokens = await redeem(page.url)
    const claims = tokens.claims()
    assert.ok(claims?.sub)
    const info = await client.fetchUserInfo(rp.config, tokens.access_token, claims.sub)
    assert.equal(info.email, 'ada@example.org')
    assert.equal(info.email_verified, true)
    assert.equal(info.preferred_username, 'ada')
  })
})

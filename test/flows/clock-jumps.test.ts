/** The machine's clock is set back and forward while people are signed in. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as client from 'openid-client'
import { browser, callback, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'

const hour = 3600
const day = 24 * hour

describe('a clock that jumps', () => {
  const offline = { scope: 'openid email offline_access', prompt: 'consent' }
  const signIn = async (site: TestLabgate, email: string) => {
    const rp = await relyingParty(site.issuer)
    const agent = browser()
    const asked = await rp.request(offline)
    const page = await signInByEmail(site, agent, { at: asked.url, email })
    const back = page.url.href.startsWith(callback) ? page : await agent.press(page, /allow|continue/i)
    const tokens = await asked.redeem(back.url)
    const isSignedIn = async () => {
      const { url } = await rp.request({ prompt: 'none' })
      return (await agent.open(url)).url.searchParams.has('code')
    }
    return { rp, tokens, refresh: tokens.refresh_token ?? assert.fail(), isSignedIn }
  }
  const infoOf = async (site: TestLabgate, token: string) =>
    (await fetch(new URL('/oidc/userinfo', site.issuer), { headers: { authorization: `Bearer ${token}` } })).status

  test('nothing lives again that was used up, nothing stops working, and what is over goes', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const site = await startLabgate()
    t.after(() => site.stop())
    const { cleaner } = site.labgate.rooms.get('storage')
    const move = (seconds: number) => t.mock.timers.setTime(Date.now() + seconds * 1000)
    const ada = await signIn(site, 'ada@example.org')
    const bob = await signIn(site, 'bob@example.org')
    const again = await client.refreshTokenGrant(ada.rp.config, ada.refresh)
    await client.refreshTokenGrant(bob.rp.config, bob.refresh)
    move(60)

    move(-hour)
    await assert.rejects(client.refreshTokenGrant(bob.rp.config, bob.refresh), { error: 'invalid_grant' })
    const third = await client.refreshTokenGrant(ada.rp.config, again.refresh_token ?? '')
    assert.equal(await infoOf(site, third.access_token), 200)
    assert.ok(await ada.isSignedIn())
    assert.ok(await (await signIn(site, 'eve@example.org')).isSignedIn())
    await site.labgate.renewKeys()
    assert.equal(await cleaner.step(), 0)

    move(30 * day)
    assert.equal(await infoOf(site, third.access_token), 401)
    assert.equal(await ada.isSignedIn(), false)
    await assert.rejects(client.refreshTokenGrant(ada.rp.config, third.refresh_token ?? ''), { error: 'invalid_grant' })
    while ((await cleaner.step()) > 0);
    await site.labgate.renewKeys()
    const late = await signIn(site, 'late@example.org')
    assert.ok(await late.isSignedIn())

    move(-30 * day + hour)
    assert.equal(await infoOf(site, third.access_token), 401)
    assert.ok(await late.isSignedIn())
    assert.ok(await (await signIn(site, 'last@example.org')).isSignedIn())
  })
})

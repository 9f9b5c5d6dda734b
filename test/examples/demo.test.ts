import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { startRelyingParty } from '../../examples/demo/relying-party.ts'
import { type Site, startUniversity } from '../../examples/demo/university.ts'
import { oidcWorld } from '../plugins/auth-oidc/world.ts'
import { axe, openBrowser, sidewaysScroll, views } from '../support/browser.ts'
import { needs } from '../support/needs.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const secret = 'demo-only-not-a-secret'

describe('the demo university', () => {
  let university: Site
  before(async () => {
    const redirectUris = ['https://gate.example.test/sign-in/university/callback']
    university = await startUniversity({ port: 0, clientId: 'labgate', clientSecret: secret, redirectUris })
  })
  after(() => university.close())

  for (const [person, trust] of [
    ['u-1001', 'verified'],
    ['u-1003', 'self'],
  ] as const) {
    test(`signs ${person} in to Labgate with an e-mail address that is ${trust}`, async () => {
      const site = { issuer: university.origin, signIn: (to: URL) => click(to, person) }
      const config = { clientId: 'labgate', clientSecret: secret, scopes: ['openid', 'profile', 'email', 'groups'] }
      const world = oidcWorld(site, { id: 'university', config })
      const { subject, facts } = await world.assertion(person)
      assert.equal(subject, person)
      assert.equal(facts.find(({ claim }) => claim === 'email')?.trust, trust)
      assert.ok(facts.some(({ claim }) => claim === 'name'))
    })
  }

  test('lets a person go back', async () => {
    const site = { issuer: university.origin, signIn: (to: URL) => click(to, '') }
    const world = oidcWorld(site, { id: 'university', config: { clientId: 'labgate', clientSecret: secret } })
    const step = await world.signIn('nobody')
    assert.ok('no' in step && step.no.reason === 'denied')
  })
})

/** Walks to the page with the people, clicks one, and walks on until the university is left. */
async function click(to: URL, person: string): Promise<URL> {
  const jar = new Map<string, string>()
  let url = to
  let body: URLSearchParams | undefined
  for (let step = 0; step < 12; step++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const init = { redirect: 'manual', headers: { cookie } } as const
    const response = await fetch(url, body ? { ...init, method: 'POST', body } : init)
    for (const one of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    body = location === null ? new URLSearchParams({ person }) : undefined
    url = location === null ? url : new URL(location, url)
    if (url.origin !== to.origin) return url
  }
  throw new Error('the university redirects without end')
}

describe('the demo application in a browser', { skip: needs('chromium') }, () => {
  let upstream: Upstream
  let application: Site
  let browser: Browser
  const ada = {
    sub: 'ada',
    name: 'Ada <b>Lovelace</b>',
    email: 'ada@example.org',
    email_verified: true,
    groups: ['staff', 'imaging'],
  }

  before(async () => {
    // An upstream of the tests stands for Labgate; its port is known before the application's, so the client follows.
    application = await startRelyingParty({
      port: 0,
      issuer: 'http://127.0.0.1:1',
      clientId: 'demo-rp',
      clientSecret: secret,
    })
    const { origin } = application
    await application.close()
    upstream = await startUpstream({
      users: [ada],
      clients: [
        {
          client_id: 'demo-rp',
          client_secret: secret,
          redirect_uris: [`${origin}/callback`],
          post_logout_redirect_uris: [`${origin}/`],
          grant_types: ['authorization_code', 'refresh_token'],
          backchannel_logout_uri: `${origin}/backchannel-logout`,
        },
      ],
    })
    upstream.faults.userinfo = (claims) => ({ ...claims, labgate_sources: { name: 'Demo University, asserted' } })
    const port = Number(new URL(origin).port)
    application = await startRelyingParty({ port, issuer: upstream.issuer, clientId: 'demo-rp', clientSecret: secret })
    browser = await openBrowser()
  })
  after(async () => {
    await browser.close()
    await application.close()
    await upstream.close()
  })

  async function signedIn(view: BrowserContextOptions): Promise<Page> {
    const page = await browser.newPage(view)
    await page.goto(application.origin)
    await page.getByRole('link', { name: 'Sign in with Labgate' }).click()
    await page.getByRole('button', { name: 'ada' }).click()
    await page.waitForURL(`${application.origin}/`)
    return page
  }

  test('shows every claim with where it came from, escaped, and the tokens decoded', async () => {
    const page = await signedIn({ ...views.desktop, ...views.noScript })
    const row = (name: string) =>
      page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) })
    assert.match(await row('name').innerText(), /Ada <b>Lovelace<\/b>\s+Demo University, asserted/)
    assert.match(await row('groups').innerText(), /staff, imaging/)
    assert.match(await row('email_verified').innerText(), /yes/)
    await page.getByText('ID token', { exact: true }).click()
    assert.match(await page.locator('details[open] pre').first().innerText(), /"alg": "RS256"/)
    await page.getByRole('link', { name: 'Ask for a refresh token' }).click()
    await page.getByRole('button', { name: 'Refresh tokens' }).click()
    assert.match(await page.getByRole('status').innerText(), /Refreshed/)
    await page.close()
  })

  for (const [name, view] of Object.entries({
    light: views.desktop,
    dark: { ...views.desktop, ...views.dark },
    phone: views.phone,
  })) {
    test(`is accessible and fits: ${name}`, async () => {
      const page = await signedIn(view)
      assert.deepEqual(await axe(page), [])
      assert.equal(await sidewaysScroll(page), 0)
      await page.close()
    })
  }

  test('says so when the person turned the request down', async () => {
    const page = await browser.newPage()
    await page.goto(`${application.origin}/sign-in`)
    await page.getByRole('button', { name: 'deny' }).click()
    assert.match(await page.getByRole('main').innerText(), /access_denied/)
    await page.close()
  })

  test('believes no logout token that Labgate did not sign', async () => {
    const body = new URLSearchParams({ logout_token: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.' })
    assert.equal((await fetch(`${application.origin}/backchannel-logout`, { method: 'POST', body })).status, 400)
  })

  test('takes no form of another site', async () => {
    const headers = { origin: 'https://evil.example' }
    const answer = await fetch(`${application.origin}/sign-out`, { method: 'POST', headers, redirect: 'manual' })
    assert.match(await answer.text(), /not one of ours/)
  })
})

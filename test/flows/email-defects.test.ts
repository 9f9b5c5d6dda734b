import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { movableClock, newBrowser, textOf, titleOf } from '../support/flow.ts'
import { callback, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'

/** Sign-in by mail in other systems of laboratories went wrong in these ways; the names give system and number. */
describe('sign-in by e-mail does not repeat', () => {
  const clock = movableClock()
  let site: TestLabgate
  before(async () => {
    const plugins = { email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } } }
    site = await startLabgate({ plugins }, { replaced: { clock } })
  })
  after(() => site.stop())

  const accounts = () => site.labgate.rooms.get('accounts')
  const account = () => `${site.issuer}/account`
  const accountOf = (email: string) => accounts().findByVerifiedEmail(email)
  const everybody = async () => (await accounts().list({ limit: 100, offset: 0 })).map(({ email }) => email)
  const arrived = (page: Page) => page.url.href.startsWith(callback)
  const isSignedIn = async (agent: UserAgent) => titleOf(await agent.open(account())) === 'Your account'

  /** Asks for a mail and gives what came of it: the page, the code and the link. */
  const asked = async (agent: UserAgent, email: string, fields: Readonly<Record<string, string>> = {}) => {
    const { url, redeem } = await (await relyingParty(site.issuer)).request()
    const chooser = await agent.open(url)
    const form = chooser.forms.find((one) => 'email' in one.fields)
    const action = form?.buttons.find((button) => button.action?.endsWith('/m/email'))?.action
    const page = await agent.submit(chooser, form, { email, ...fields }, action)
    return { page, redeem, ...(await site.mail(email)) }
  }
  const type = (agent: UserAgent, page: Page, code: string) =>
    agent.submit(
      page,
      page.forms.find(({ fields }) => 'code' in fields),
      { code },
    )

  test('datalab 1.7.1: no header and no field of the request decides where the link in the mail leads', async () => {
    const evil = 'https://evil.example/'
    const headers = { referer: evil, 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }
    const agent = new UserAgent({ stopAt: [callback], headers: { ...headers, 'x-forwarded-proto': 'https' } })
    const fields = { referrer: evil, referer: evil, return: evil, next: evil, redirect_uri: evil, url: evil }
    const { text, link } = await asked(agent, 'victim@example.org', fields)
    assert.equal(new URL(link).origin, site.issuer)
    for (const [address] of text.matchAll(/https?:\/\/[^\s>]+/g)) assert.equal(new URL(address).origin, site.issuer)
    assert.doesNotMatch(text, /evil\.example/)
  })

  test('datalab 1.7.1: a mail is not asked for from another origin at all', async () => {
    const { url } = await (await relyingParty(site.issuer)).request()
    const agent = newBrowser()
    const chooser = await agent.open(url)
    const before = await site.mails()
    const form = chooser.forms.find((one) => 'email' in one.fields)
    const action = form?.buttons.find((button) => button.action?.endsWith('/m/email'))?.action ?? ''
    const send = (origin: string) =>
      fetch(new URL(action, chooser.url), {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: agent.cookieHeader(chooser.url), origin },
        body: new URLSearchParams({ ...form?.fields, email: 'victim@example.org' }),
      })
    assert.equal((await send('https://evil.example')).status, 403)
    assert.equal(await site.mails(), before)
    assert.notEqual((await send(site.issuer)).status, 403, 'the same form from our own page')
    assert.equal(await site.mails(), before + 1)
  })

  test('datalab 1.7.2: a link signs in once, and a replay within its hour signs nobody in', async () => {
    const agent = newBrowser()
    const { link, redeem } = await asked(agent, 'once@example.org')
    const landing = await agent.open(link)
    const before = new UserAgent({ stopAt: [callback] })
    for (const cookie of agent.cookies) before.adopt(cookie)
    const done = await agent.press(landing, 'Sign in')
    assert.ok(arrived(done), textOf(done))
    assert.ok((await redeem(done.url)).access_token)
    const again = await before.press(landing, 'Sign in')
    assert.ok(!arrived(again))
    assert.ok(!(await isSignedIn(before)), 'the cookies of before are no session')
    const stranger = newBrowser()
    assert.equal((await stranger.open(link)).forms.filter(({ action }) => action.includes('visit')).length, 0)
    assert.ok(!(await isSignedIn(stranger)))
  })

  test('datalab 1.7.6: a link of somebody else, opened while signed in, attaches no address and changes no session', async () => {
    const bob = newBrowser()
    await signInByEmail(site, bob, { at: account(), email: 'bob@example.org' })
    const { link } = await asked(newBrowser(), 'eve@example.org')
    const landing = await bob.open(link)
    assert.ok(!landing.forms.some(({ action }) => action.includes('/visit')), 'no button to press')
    const own = (await bob.open(account())).forms.find(({ action }) => action === '/account/sign-out')
    await bob.submit({ ...landing, url: new URL(account()) }, own, {}, link)
    const { id } = (await accountOf('bob@example.org')) ?? assert.fail('bob is gone')
    const ways = await site.labgate.rooms.get('identities').list(id)
    assert.deepEqual(
      ways.map(({ subject }) => subject),
      ['bob@example.org'],
    )
    assert.equal(await accountOf('eve@example.org'), undefined)
    assert.match(textOf(await bob.open(account())), /bob@example\.org/)
  })

  test('datalab 1.7.7: a mail scanner that opens the link with GET and HEAD uses nothing up and is signed in nowhere', async () => {
    const agent = newBrowser()
    const { link } = await asked(agent, 'scanned@example.org')
    const scanner = newBrowser()
    for (let i = 0; i < 5; i++) assert.equal((await scanner.open(link)).status, 200)
    await fetch(link, { method: 'HEAD' })
    assert.ok(!(await isSignedIn(scanner)))
    assert.equal(await accountOf('scanned@example.org'), undefined)
    assert.ok(arrived(await agent.press(await agent.open(link), 'Sign in')))
  })

  test('datalab 1.7.14: a link that is unknown, mutilated or too old is a page that says so, never a 500', async () => {
    const agent = newBrowser()
    const { link, page, code } = await asked(agent, 'late@example.org')
    const bad = [link.replace(/token=[^&]*/, 'token=x'), link.replace(/token=[^&]*/, ''), link.replace(/\?.*/, '')]
    clock.advance(601)
    for (const url of [...bad, link.replace(/state=[^&]*/, 'state=x'), link]) {
      const shown = await agent.open(url)
      assert.ok(shown.status < 500, `${url}: ${shown.status}`)
      assert.match(textOf(shown), /no longer works|took too long/)
    }
    const late = await type(agent, page, code)
    assert.ok(late.status < 500 && !arrived(late), textOf(late))
    assert.equal(await accountOf('late@example.org'), undefined)
  })

  test('launchpad 2.2: nobody has an account before the code was right', async () => {
    const agent = newBrowser()
    const before = await everybody()
    const { page, code } = await asked(agent, 'early@example.org')
    assert.deepEqual(await everybody(), before, 'a mail makes no account')
    const wrong = await type(agent, page, String((Number(code) + 1) % 1_000_000).padStart(6, '0'))
    assert.deepEqual(await everybody(), before, 'nor does a wrong code')
    assert.ok(arrived(await type(agent, wrong, code)))
    assert.deepEqual((await everybody()).toSorted(), [...before, 'early@example.org'].toSorted())
  })

  test('launchpad 2.2: the code stands in the letter and not in its subject', async () => {
    const { code, subject } = await asked(newBrowser(), 'subject@example.org')
    assert.match(code, /^\d{6}$/)
    assert.doesNotMatch(subject, /\d/)
  })
})

describe('an empty site', () => {
  test('launchpad 2.2: who asks first, or is called admin, is no admin', async () => {
    const site = await startLabgate()
    try {
      for (const name of ['admin', 'root', 'ada'])
        await signInByEmail(site, newBrowser(), { at: `${site.issuer}/account`, email: `${name}@example.org` })
      const all = await site.labgate.rooms.get('accounts').list({ limit: 10, offset: 0 })
      assert.deepEqual(
        all.map(({ role }) => role),
        ['user', 'user', 'user'],
      )
    } finally {
      await site.stop()
    }
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Actor } from '../../core/accounts/actor.ts'
import {
  browser,
  callback,
  freePort,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
} from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const house: Actor = { kind: 'system', name: 'test' }

describe('terms of use', () => {
  let site: TestLabgate
  let host: string
  let people = 0
  let documents = 0
  before(async () => {
    const port = await freePort()
    host = `127.0.0.1:${port}`
    const plugins = {
      email: { use: '@labgate/auth-email', config: { mailsPerHour: 1000 } },
      probe: { use: '../support/plugins/authz-probe.ts', host },
      here: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
    }
    site = await startLabgate({ plugins }, { port })
  })
  after(() => site.stop())

  const book = () => site.labgate.rooms.get('ledger').terms
  const somebody = () => `person${++people}@example.org`
  /** Terms under a new id; tests of one site must not ask each other's people. */
  const add = async (services: readonly string[], markdown = '# Be kind\n\nTo **everybody**.') => {
    const id = `doc-${++documents}`
    await book().add(house, { id, title: `Rules ${documents}`, markdown, services })
    return id
  }
  /** Runs with terms that stand before `services` and are gone afterwards. */
  const withTerms = async (services: readonly string[], work: (id: string) => Promise<void>, markdown?: string) => {
    const id = await add(services, markdown)
    try {
      await work(id)
    } finally {
      await book().retire(house, id)
    }
  }
  const title = (page: Page) => /<h1>(.*?)<\/h1>/s.exec(page.text)?.[1]
  const isAtClient = (page: Page) => page.url.href.startsWith(callback)
  /** Signs in at the relying party for the first time and comes to the page of terms. */
  const arrive = async (agent: UserAgent, email = somebody(), client: 'web' | 'third' = 'web') => {
    const { url, redeem } = await (await relyingParty(site.issuer, client)).request()
    return { page: await signInByEmail(site, agent, { at: url, email }), redeem, email }
  }
  /** Comes again, signed in. */
  const again = async (agent: UserAgent, parameters: Readonly<Record<string, string>> = {}) => {
    const { url, redeem } = await (await relyingParty(site.issuer)).request(parameters)
    return { page: await agent.open(url), redeem }
  }
  const accountOf = async (email: string) => {
    const found = await site.labgate.rooms.get('accounts').findByVerifiedEmail(email)
    assert.ok(found)
    return found.id
  }

  test('a sign-in stops at terms of the relying party, and goes on once they are accepted', () =>
    withTerms(['web'], async (id) => {
      const agent = browser()
      const { page, redeem, email } = await arrive(agent)
      assert.match(page.url.pathname, /^\/interaction\//)
      assert.match(page.text, /<h2>Be kind<\/h2>\s*<p>To <strong>everybody<\/strong>/)
      assert.match(page.text, /Test application/)
      const back = await agent.press(page, 'I accept')
      assert.ok(isAtClient(back), back.text)
      assert.ok((await redeem(back.url)).access_token)
      const [kept] = await book().acceptedBy(await accountOf(email))
      assert.deepEqual([kept?.terms, kept?.number, kept?.address], [id, 1, '127.0.0.1'])
      assert.ok(isAtClient((await again(agent)).page), 'asked once')
    }))

  test('it comes before consent', () =>
    withTerms(['third'], async () => {
      const agent = browser()
      const { page } = await arrive(agent, somebody(), 'third')
      const consent = await agent.press(page, 'I accept')
      assert.match(title(consent) ?? '', /Allow Third party/)
      assert.ok(isAtClient(await agent.press(consent, /^Allow/)))
    }))

  test('who is signed in already is stopped too, and prompt=none says so to the relying party', async () => {
    const agent = browser()
    const { page } = await arrive(agent)
    assert.ok(isAtClient(page))
    await withTerms(['web'], async (id) => {
      const silent = (await again(agent, { prompt: 'none' })).page
      assert.ok(isAtClient(silent))
      assert.equal(silent.url.searchParams.get('error'), 'interaction_required')
      assert.match(silent.url.searchParams.get('error_description') ?? '', /accept terms of use/)
      assert.equal(silent.url.searchParams.get('code'), null)
      const asked = (await again(agent)).page
      assert.match(title(asked) ?? '', /^Rules/)
      assert.ok(isAtClient(await agent.press(asked, 'I accept')))
      assert.ok((await again(agent, { prompt: 'none' })).page.url.searchParams.get('code'), id)
    })
  })

  test('a relying party cannot ask for the prompt itself', async () => {
    const { page } = await again(browser(), { prompt: 'terms' })
    assert.match(page.url.href + page.text, /invalid_request|unsupported/)
  })

  test('a new text asks again with `accept`, and does not with `keep`', () =>
    withTerms(['web'], async (id) => {
      const agent = browser()
      await agent.press((await arrive(agent)).page, 'I accept')
      await book().publish(house, id, { markdown: 'A smaller change.', again: 'keep' })
      assert.ok(isAtClient((await again(agent)).page))
      await book().publish(house, id, { markdown: 'A great change.', again: 'accept' })
      const { page } = await again(agent)
      assert.match(page.text, /A great change/)
      assert.ok(isAtClient(await agent.press(page, 'I accept')))
      assert.ok(isAtClient((await again(agent)).page))
    }))

  test('"Not now" leads back to the relying party with access_denied', () =>
    withTerms(['web'], async () => {
      const agent = browser()
      const { page, email } = await arrive(agent)
      const back = await agent.press(page, 'Not now')
      assert.equal(back.url.searchParams.get('error'), 'access_denied')
      assert.deepEqual(await book().acceptedBy(await accountOf(email)), [])
      assert.match(title((await again(agent)).page) ?? '', /^Rules/)
    }))

  test('several documents are asked for one after another', () =>
    withTerms(['web'], () =>
      withTerms(['web', 'other'], async () => {
        const agent = browser()
        const first = (await arrive(agent)).page
        assert.match(first.text, /2 documents/)
        const second = await agent.press(first, 'I accept')
        assert.notEqual(title(second), title(first))
        assert.ok(isAtClient(await agent.press(second, 'I accept')))
      }),
    ))

  test('a text that was changed between showing and accepting is not accepted unseen', () =>
    withTerms(['web'], async (id) => {
      const agent = browser()
      const { page, email } = await arrive(agent)
      await book().publish(house, id, { markdown: 'Another text.', again: 'accept' })
      const shown = await agent.press(page, 'I accept')
      assert.equal(shown.status, 409)
      assert.match(shown.text, /was changed while you read it.*Another text/s)
      assert.deepEqual(await book().acceptedBy(await accountOf(email)), [])
      assert.ok(isAtClient(await agent.press(shown, 'I accept')))
      assert.equal((await book().acceptedBy(await accountOf(email)))[0]?.number, 2)
    }))

  test('terms that are withdrawn meanwhile let the sign-in go on', async () => {
    const id = await add(['web'])
    const agent = browser()
    const { page } = await arrive(agent)
    await book().retire(house, id)
    assert.ok(isAtClient(await agent.open(page.url)))
    const other = await add(['web'])
    const posting = await arrive(browser())
    await book().retire(house, other)
    assert.match(posting.page.url.pathname, /^\/interaction\//)
  })

  test('in two tabs, each sign-in goes on by itself', () =>
    withTerms(['web'], async () => {
      const agent = browser()
      const first = (await arrive(agent)).page
      const second = (await again(agent)).page
      assert.notEqual(first.url.href, second.url.href)
      assert.ok(isAtClient(await agent.press(first, 'I accept')))
      assert.ok(isAtClient(await agent.press(second, 'I accept')))
    }))

  test('another person at this browser, a foreign form and a wrong token accept nothing', () =>
    withTerms(['web'], async (id) => {
      const agent = browser()
      const { page, email } = await arrive(agent)
      const other = browser()
      await signInByEmail(site, other, { at: `${site.issuer}/account`, email: somebody() })
      const mine = agent.cookies.find(({ name }) => name.includes('session') && !name.includes('provider'))
      const theirs = other.cookies.find(({ name }) => name === mine?.name)
      assert.ok(mine && theirs)
      agent.adopt({ ...theirs })
      const refused = await agent.press(page, 'I accept')
      assert.equal(refused.status, 400, refused.text)
      agent.adopt({ ...mine })
      const form = page.forms.find(({ action }) => action.endsWith('/terms'))
      assert.equal((await agent.submit(page, form, { _csrf: 'x'.repeat(43) })).status, 403)
      assert.equal((await other.submit(page, form)).status, 400, 'without the cookie of the interaction')
      const unknown = await agent.submit(page, form, { terms: 'none' })
      assert.equal(unknown.status, 409)
      assert.deepEqual(await book().acceptedBy(await accountOf(email)), [])
      assert.equal((await book().acceptances({ terms: id, limit: 9 })).total, 0)
    }))

  for (const [instance, address] of [
    ['probe', () => `http://${host}/whoami?x=1`],
    ['here', () => `${site.issuer}/probe/whoami?x=1`],
  ] as const)
    test(`a dialect (${instance}) sends to its terms and gets the browser back on its own page`, () =>
      withTerms([instance], async () => {
        const agent = browser()
        const page = await signInByEmail(site, agent, { at: address(), email: somebody() })
        assert.equal(page.url.origin + page.url.pathname, `${site.issuer}/terms/for/${instance}`, page.text)
        const back = await agent.press(page, 'I accept')
        assert.equal(back.url.href, address())
        assert.equal(JSON.parse(back.text).via, 'session')
        // The other instance has no terms.
        const nothing = await agent.open(`${site.issuer}/terms/for/${instance}?back=${encodeURIComponent('/whoami')}`)
        assert.match(nothing.text, /nothing to accept/)
      }))

  test('what changes something at a dialect is refused while terms are missing', () =>
    withTerms(['here'], async () => {
      const agent = browser()
      await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: somebody() })
      const address = new URL('/probe/act', site.issuer)
      const headers = { cookie: agent.cookieHeader(address), origin: site.issuer, 'sec-fetch-site': 'same-origin' }
      const answer = await fetch(address, { method: 'POST', headers })
      assert.deepEqual([answer.status, await answer.json()], [403, { probe_error: 'ERR_FORBIDDEN' }])
    }))

  test('nobody is sent to another site from the terms of a dialect', () =>
    withTerms(['here'], async () => {
      for (const back of [
        'https://evil.example/',
        '//evil.example',
        '/\\evil.example',
        'javascript:alert(1)',
        '/a\tb',
      ]) {
        const agent = browser()
        const at = `${site.issuer}/terms/for/here?back=${encodeURIComponent(back)}`
        const page = await signInByEmail(site, agent, { at, email: somebody() })
        const form = page.forms.find(({ action }) => action === '/terms/for/here')
        const done = await agent.submit(page, form, { back })
        assert.equal(done.url.href, `${site.issuer}/`, back)
      }
      const agent = browser()
      await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: somebody() })
      assert.equal((await agent.open(`${site.issuer}/terms/for/nobody?back=/`)).status, 404)
    }))

  test('terms have a page of their own, where they are read and accepted', async () => {
    const id = await add([], 'Read <b>me</b> [now](javascript:alert(1)).')
    const agent = browser()
    const page = await signInByEmail(site, agent, { at: `${site.issuer}/terms/${id}`, email: somebody() })
    assert.equal(page.url.pathname, `/terms/${id}`)
    assert.match(page.text, /Read &lt;b&gt;me&lt;\/b&gt; \[now\]\(javascript:alert\(1\)\)/)
    const done = await agent.press(page, 'I accept')
    assert.equal(done.url.pathname, `/terms/${id}/done`)
    const read = await agent.open(page.url)
    assert.match(read.text, /You accepted this/)
    assert.ok(!read.forms.some(({ action }) => action.endsWith('/accept')))
    assert.equal((await agent.open(`${site.issuer}/terms/none`)).status, 404)
    await book().retire(house, id)
    assert.match((await agent.open(page.url)).text, /withdrawn/)
  })

  test('terms of a hidden dataset are not there for those who hold nothing on it', async () => {
    const ledger = site.labgate.rooms.get('ledger')
    await ledger.datasets.create(house, { slug: 'hidden', title: 'Hidden', visibility: 'hidden' })
    await book().add(house, { id: 'hidden-terms', title: 'Quiet', markdown: 'q', dataset: 'hidden' })
    const agent = browser()
    const email = somebody()
    const at = `${site.issuer}/terms/hidden-terms`
    const page = await signInByEmail(site, agent, { at, email })
    assert.equal(page.status, 404)
    assert.ok(!page.text.includes('Quiet'))
    const subject = { kind: 'account', account: await accountOf(email) } as const
    await ledger.grants.add(house, { subject, dataset: 'hidden', level: 'view' })
    assert.match((await agent.open(at)).text, /Quiet/)
  })

  test('a request for access is told to an admin, and its answer to the person', async () => {
    const rooms = site.labgate.rooms
    const [admin, person] = [somebody(), somebody()]
    for (const email of [admin, person]) await signInByEmail(site, browser(), { at: `${site.issuer}/account`, email })
    await rooms.get('accounts').setRole(await accountOf(admin), 'admin')
    const { datasets, requests } = rooms.get('ledger')
    await datasets.create(house, { slug: 'asked', title: 'Asked For' })
    const asker = { kind: 'account', account: await accountOf(person) } as const
    const { id } = await requests.ask(asker, { dataset: 'asked', level: 'view', why: 'for science' })
    const told = await site.mail(admin)
    assert.match(told.subject, /asks for access to Asked For/)
    assert.match(told.text, /for science/)
    await requests.decide({ kind: 'account', account: await accountOf(admin) }, id, { grant: 'yes' })
    assert.match((await site.mail(person)).text, /you were given access/)
  })

  describe('an invitation', () => {
    let token: string
    before(async () => {
      const ledger = site.labgate.rooms.get('ledger')
      await ledger.datasets.create(house, { slug: 'fish2', title: 'Fish Two', visibility: 'hidden' })
      await book().add(house, { id: 'fish-terms', title: 'Fish rules', markdown: 'Feed them.', dataset: 'fish2' })
      ;({ token } = await book().invite(house, { terms: 'fish-terms', level: 'edit', seats: 1 }))
    })

    test('looking takes no place; accepting, after signing in, gives access and says what was gained', async () => {
      const at = `${site.issuer}/terms/invited/${token}`
      for (const method of ['GET', 'HEAD', 'GET']) await fetch(at, { method })
      const agent = browser()
      const email = somebody()
      const page = await signInByEmail(site, agent, { at, email })
      assert.equal(page.url.href, at, page.text)
      assert.match(page.text, /Once you accept, you can look at Fish Two and change it/)
      assert.equal((await book().invitations('fish-terms'))[0]?.used, 0)
      const done = await agent.press(page, 'I accept')
      assert.match(done.text, /You can look at Fish Two and change it now/)
      const access = site.labgate.rooms.get('access')
      const account = await accountOf(email)
      assert.equal((await access.decide({ account, dataset: 'fish2', verb: 'edit' })).allowed, true)
    })

    test('the next one is told that all places are taken', async () => {
      const agent = browser()
      const at = `${site.issuer}/terms/invited/${token}`
      const page = await signInByEmail(site, agent, { at, email: somebody() })
      assert.equal(page.status, 404)
      assert.match(page.text, /All its places are taken/)
      assert.match((await agent.open(`${site.issuer}/terms/invited/unknown`)).text, /not known here/)
    })

    test('of two who read the page, the second is told; another site cannot accept for them', async () => {
      const { token: fresh } = await book().invite(house, { terms: 'fish-terms', level: 'view', seats: 1 })
      const at = `${site.issuer}/terms/invited/${fresh}`
      const [one, two] = [browser(), browser()]
      const [first, second] = [
        await signInByEmail(site, one, { at, email: somebody() }),
        await signInByEmail(site, two, { at, email: somebody() }),
      ]
      const form = first.forms.find(({ action }) => action.includes('/invited/'))
      assert.equal((await two.submit(first, form)).status, 403, 'a token of another person')
      assert.match((await one.press(first, 'I accept')).text, /You can look at Fish Two now/)
      const late = await two.press(second, 'I accept')
      assert.equal(late.status, 404)
      assert.match(late.text, /places/)
    })
  })
})

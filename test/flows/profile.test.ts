import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { labgate, writeConfig } from '../support/command-line.ts'
import {
  browser,
  callback,
  freePort,
  type Part,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
} from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const lab = {
  id: 'lab',
  label: 'Your lab',
  type: 'choice',
  options: [
    { value: 'imaging', label: 'Imaging <i>' },
    { value: 'optics', label: 'Optics' },
  ],
  required: true,
  group: true,
}
const desk = { id: 'desk', label: 'Your desk', hint: 'For letters', type: 'text' }

const partOf = (questions: readonly object[], more: Part = {}): Part => ({
  plugins: {
    email: { use: '@labgate/auth-email', config: { mailsPerHour: 1000 } },
    here: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
  },
  profile: { questions },
  groups: { imaging: {} },
  datasets: { fish: {} },
  claims: { lab: { lab: 'answer:lab', desk: 'answer:desk' }, trap: { trap_lab: 'fact:lab' } },
  grants: [{ to: 'group:profile:lab/imaging', dataset: 'fish', level: 'view' }],
  ...more,
})

const title = (page: Page) => /<h1>(.*?)<\/h1>/s.exec(page.text)?.[1]
const isAtClient = (page: Page) => page.url.href.startsWith(callback)
const questionsOf = (page: Page) => page.forms.find(({ action }) => action.endsWith('/profile'))
const answer = (agent: UserAgent, page: Page, fields: Readonly<Record<string, string>>) => {
  const form = questionsOf(page)
  assert.ok(form, page.text)
  return agent.submit(page, form, fields)
}

describe('profile questions', () => {
  let site: TestLabgate
  let people = 0
  before(async () => {
    site = await startLabgate(partOf([lab, desk]))
  })
  after(() => site.stop())

  const somebody = () => `person${++people}@example.org`
  const rooms = () => site.labgate.rooms
  const arrive = async (agent: UserAgent, ask: { email?: string; scope?: string; at?: TestLabgate } = {}) => {
    const { email = somebody(), scope = 'openid profile email groups', at = site } = ask
    const party = await relyingParty(at.issuer)
    const { url, redeem } = await party.request({ scope })
    return { page: await signInByEmail(at, agent, { at: url, email }), redeem, email, config: party.config }
  }
  const claimsOf = async (token: string): Promise<Readonly<Record<string, unknown>>> => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${site.issuer}/oidc/userinfo`, { headers })
    return (await answer.json()) as Readonly<Record<string, unknown>>
  }
  const again = async (agent: UserAgent, parameters: Readonly<Record<string, string>> = {}, at = site) =>
    agent.open((await (await relyingParty(at.issuer)).request(parameters)).url)
  const accountOf = async (email: string) => {
    const found = await rooms().get('accounts').findByVerifiedEmail(email)
    assert.ok(found)
    return found
  }

  test('a first sign-in stops at the questions, and goes on once they are answered', async () => {
    const agent = browser()
    const { page, redeem, email } = await arrive(agent)
    assert.match(page.url.pathname, /^\/interaction\//)
    assert.equal(title(page), 'About you')
    assert.match(page.text, /Test application.*needs to know/s)
    assert.match(page.text, /Imaging &lt;i&gt;/)
    const back = await answer(agent, page, { 'answer-lab': 'imaging', 'answer-desk': ' By the window ' })
    assert.ok(isAtClient(back), back.text)
    const claims = await claimsOf((await redeem(back.url)).access_token)
    assert.deepEqual(claims.groups, ['profile:lab/imaging'])
    assert.equal(claims.lab, undefined)
    const account = await accountOf(email)
    assert.deepEqual(account.groups, ['profile:lab/imaging'], 'in no group of ours')
    assert.equal((await rooms().get('groups').find('imaging'))?.memberCount, 0)
    const facts = (await rooms().get('identities').facts(account.id)).filter(({ via }) => via === 'profile')
    assert.deepEqual(
      facts.map(({ claim, value, trust, issuer }) => [claim, value, trust, issuer]),
      [
        ['lab', 'imaging', 'self', site.issuer],
        ['desk', 'By the window', 'self', site.issuer],
      ],
    )
    const may = await rooms().get('access').decide({ account: account.id, dataset: 'fish', verb: 'view' })
    assert.equal(may.allowed, true, 'what is granted to the group of an answer')
    assert.ok(isAtClient(await again(agent)), 'asked once')
    const [line] = await rooms().get('storage').audit.list({ account: account.id, type: 'profile.answered', limit: 1 })
    assert.equal(line?.actor, account.id)
    assert.doesNotMatch(JSON.stringify(line), /window/)
  })

  test('prompt=none says so to the relying party, which cannot ask for the prompt itself', async () => {
    const agent = browser()
    await arrive(agent)
    const silent = await again(agent, { prompt: 'none' })
    assert.ok(isAtClient(silent))
    assert.equal(silent.url.searchParams.get('error'), 'interaction_required')
    assert.match(silent.url.searchParams.get('error_description') ?? '', /answer questions/)
    assert.equal(silent.url.searchParams.get('code'), null)
    const asked = await again(browser(), { prompt: 'profile' })
    assert.match(asked.url.href + asked.text, /invalid_request|unsupported/)
  })

  test('a required answer that is empty, or one that was not offered, comes back with what was typed', async () => {
    const agent = browser()
    const { page, email } = await arrive(agent)
    const empty = await answer(agent, page, { 'answer-lab': '', 'answer-desk': 'Cellar "3"' })
    assert.equal(empty.status, 400)
    assert.match(empty.text, /“Your lab” needs an answer/)
    assert.match(empty.text, /Cellar &quot;3&quot;/)
    for (const value of ['imaging2', 'Imaging', '../imaging', '__proto__', 'x'.repeat(5000)]) {
      const wrong = await answer(agent, empty, { 'answer-lab': value })
      assert.equal(wrong.status, 400)
      assert.match(wrong.text, /Choose one of the answers/)
    }
    const long = await answer(agent, empty, { 'answer-lab': 'optics', 'answer-desk': 'x'.repeat(201) })
    assert.match(long.text, /at most 200 characters/)
    const { id, groups } = await accountOf(email)
    assert.deepEqual([groups, await rooms().get('profile').isDue(id)], [[], true])
    assert.ok(isAtClient(await answer(agent, long, { 'answer-lab': 'optics', 'answer-desk': '' })))
    assert.ok(isAtClient(await again(agent)), 'the optional one was left empty, and is not asked again')
  })

  test('fields of questions that nobody asks are heeded by nobody', async () => {
    const agent = browser()
    const { page, email } = await arrive(agent)
    const fields = { 'answer-lab': 'optics', 'answer-role': 'admin', role: 'admin', account: 'x' }
    assert.ok(isAtClient(await answer(agent, page, fields)))
    const account = await accountOf(email)
    assert.deepEqual([account.role, account.groups], ['user', ['profile:lab/optics']])
  })

  test('"Not now" leads back to the relying party with access_denied, and keeps nothing', async () => {
    const agent = browser()
    const { page, email } = await arrive(agent)
    const back = await agent.press(page, 'Not now')
    assert.equal(back.url.searchParams.get('error'), 'access_denied')
    assert.equal(
      await rooms()
        .get('profile')
        .isDue((await accountOf(email)).id),
      true,
    )
    assert.equal(title(await again(agent)), 'About you')
  })

  test('in two tabs, each sign-in goes on by itself', async () => {
    const agent = browser()
    const first = (await arrive(agent)).page
    const [second, third] = [await again(agent), await again(agent)]
    assert.ok(isAtClient(await answer(agent, first, { 'answer-lab': 'imaging' })))
    assert.ok(isAtClient(await answer(agent, second, { 'answer-lab': 'optics' })), 'there is nothing more to ask')
    assert.ok(isAtClient(await agent.open(third.url)))
    assert.match((await agent.open(`${site.issuer}/account`)).text, /<dt>Your lab<\/dt><dd>Imaging &lt;i&gt;/)
  })

  test('questions come before terms of use', async () => {
    const house = { kind: 'system', name: 'test' } as const
    const { terms } = rooms().get('ledger')
    await terms.add(house, { id: 'rules', title: 'Rules', markdown: 'x', services: ['web'] })
    const agent = browser()
    const { page } = await arrive(agent)
    const next = await answer(agent, page, { 'answer-lab': 'optics' })
    assert.equal(title(next), 'Rules')
    assert.ok(isAtClient(await agent.press(next, 'I accept')))
    await terms.retire(house, 'rules')
  })

  test('another person at this browser, a foreign form and a wrong token answer nothing', async () => {
    const agent = browser()
    const { page, email } = await arrive(agent)
    const other = browser()
    await signInByEmail(site, other, { at: `${site.issuer}/account`, email: somebody() })
    const mine = agent.cookies.find(({ name }) => name.includes('session') && !name.includes('provider'))
    const theirs = other.cookies.find(({ name }) => name === mine?.name)
    assert.ok(mine && theirs)
    agent.adopt({ ...theirs })
    assert.equal((await answer(agent, page, { 'answer-lab': 'optics' })).status, 400)
    agent.adopt({ ...mine })
    assert.equal((await answer(agent, page, { _csrf: 'x'.repeat(43), 'answer-lab': 'optics' })).status, 403)
    assert.equal((await answer(other, page, { 'answer-lab': 'optics' })).status, 400, 'without the cookie')
    assert.equal(
      await rooms()
        .get('profile')
        .isDue((await accountOf(email)).id),
      true,
    )
    // The form of the account page is bound to the session, too.
    const own = await agent.open(`${site.issuer}/account/profile`)
    const form = questionsOf(own)
    assert.ok(form)
    assert.equal((await other.submit(own, form, { 'answer-lab': 'optics' })).status, 403)
  })

  test('answers are claims only where the config names them as answers, and only what a scope opens', async () => {
    const agent = browser()
    const { page, redeem } = await arrive(agent, { scope: 'openid lab trap' })
    const back = await answer(agent, page, { 'answer-lab': 'imaging', 'answer-desk': '' })
    const claims = await claimsOf((await redeem(back.url)).access_token)
    assert.equal(claims.lab, 'imaging')
    assert.equal(claims.desk, undefined, 'left empty')
    assert.equal(claims.trap_lab, undefined, '`fact:` never means what people say of themselves')
  })

  test('the account page is reached without an answer, shows them and leads to changing them', async () => {
    const agent = browser()
    const email = somebody()
    const account = await signInByEmail(site, agent, { at: `${site.issuer}/account`, email })
    assert.equal(account.url.pathname, '/account')
    assert.match(account.text, /questions that you have not answered/)
    const page = await agent.open(`${site.issuer}/account/profile`)
    const wrong = await answer(agent, page, { 'answer-lab': '' })
    assert.deepEqual([wrong.status, title(wrong)], [400, 'About you'])
    const done = await answer(agent, wrong, { 'answer-lab': 'imaging', 'answer-desk': '' })
    assert.equal(done.url.pathname, '/account')
    assert.match(done.text, /Your answers were saved/)
    assert.doesNotMatch(done.text, /questions that you have not answered/)
    assert.deepEqual((await accountOf(email)).groups, ['profile:lab/imaging'])
    await answer(agent, await agent.open(page.url), { 'answer-lab': 'optics' })
    assert.deepEqual((await accountOf(email)).groups, ['profile:lab/optics'])
    assert.ok(isAtClient(await again(agent)))
  })

  test('pages of a dialect lead to the questions and back, and to no other site', async () => {
    const agent = browser()
    const at = `${site.issuer}/probe/whoami?x=1`
    const page = await signInByEmail(site, agent, { at, email: somebody() })
    assert.equal(page.url.pathname, '/profile/for/here', page.text)
    const headers = { cookie: agent.cookieHeader(new URL(at)), origin: site.issuer, 'sec-fetch-site': 'same-origin' }
    const act = await fetch(`${site.issuer}/probe/act`, { method: 'POST', headers })
    assert.deepEqual([act.status, await act.json()], [403, { probe_error: 'ERR_FORBIDDEN' }])
    const form = page.forms.find(({ action }) => action === '/profile/for/here')
    assert.ok(form)
    assert.equal((await agent.submit(page, form, { 'answer-lab': '' })).status, 400)
    const back = await agent.submit(page, form, { 'answer-lab': 'optics' })
    assert.equal(back.url.href, at)
    assert.equal(JSON.parse(back.text).via, 'session')
    assert.match((await agent.open(page.url)).text, /nothing to answer/)
    assert.equal((await agent.open(`${site.issuer}/profile/for/nobody`)).status, 404)
    for (const evil of ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      const other = browser()
      const start = `${site.issuer}/profile/for/here?back=${encodeURIComponent(evil)}`
      const shown = await signInByEmail(site, other, { at: start, email: somebody() })
      const ask = shown.forms.find(({ action }) => action === '/profile/for/here')
      const done = await other.submit(shown, ask, { back: evil, 'answer-lab': 'optics' })
      assert.equal(done.url.href, `${site.issuer}/`, evil)
    }
  })

  test('`labgate account show` lists the answers, and what is still to be asked', async () => {
    const agent = browser()
    const { page, email } = await arrive(agent)
    await writeConfig(site.folder, { issuer: site.issuer, demo: true, data: site.folder, ...partOf([lab, desk]) })
    const show = async (...more: string[]) => {
      const done = await labgate(['account', 'show', email, ...more, '--config', 'labgate.yaml'], { cwd: site.folder })
      assert.equal(done.code, 0, done.err)
      return done.out
    }
    assert.match(await show(), /Says of themselves:\n {2}lab = \(no answer\) \(is asked at the next sign-in\)/)
    await answer(agent, page, { 'answer-lab': 'optics', 'answer-desk': '' })
    assert.match(await show(), /lab = optics\n {2}desk = \(no answer\)\n/)
    const { answers } = JSON.parse(await show('--json'))
    assert.deepEqual([answers[0].question, answers[0].value, answers[0].isDue], ['lab', 'optics', false])
  })

  test('who is not signed in is asked to sign in first', async () => {
    const page = await browser().open(`${site.issuer}/account/profile`)
    assert.match(page.url.pathname, /^\/interaction\//)
  })
})

describe('profile questions that change', () => {
  test('people who are signed in are asked a new question; an answer that is gone counts no more and is asked again', async () => {
    const port = await freePort()
    const noClaims = { claims: {} }
    let site = await startLabgate(partOf([], { ...noClaims, grants: [] }), { port })
    const { folder } = site
    const restart = async (questions: readonly object[], more: Part = {}) => {
      await site.labgate.stop()
      site = await startLabgate(partOf(questions, more), { port, folder })
    }
    const agent = browser()
    const email = 'ada@example.org'
    const request = async (parameters = {}) => (await (await relyingParty(site.issuer)).request(parameters)).url
    const groups = async () => (await site.labgate.rooms.get('accounts').findByVerifiedEmail(email))?.groups
    try {
      assert.ok(isAtClient(await signInByEmail(site, agent, { at: await request(), email })))
      assert.equal((await agent.open(`${site.issuer}/account/profile`)).status, 404)
      await restart([lab], noClaims)
      const silent = await agent.open(await request({ prompt: 'none' }))
      assert.equal(silent.url.searchParams.get('error'), 'interaction_required')
      const asked = await agent.open(await request())
      assert.ok(isAtClient(await answer(agent, asked, { 'answer-lab': 'imaging' })))
      assert.deepEqual(await groups(), ['profile:lab/imaging'])
      await restart([lab, desk])
      const more = await agent.open(await request())
      assert.doesNotMatch(more.text, /answer-lab/, 'only what is new is asked')
      assert.ok(isAtClient(await answer(agent, more, { 'answer-desk': '' })))
      await restart([{ ...lab, options: [{ value: 'optics', label: 'Optics' }] }, desk], { grants: [] })
      assert.deepEqual(await groups(), [], 'what is no longer offered puts nobody anywhere')
      const anew = await agent.open(await request())
      assert.doesNotMatch(anew.text, /answer-desk/)
      assert.ok(isAtClient(await answer(agent, anew, { 'answer-lab': 'optics' })))
      assert.deepEqual(await groups(), ['profile:lab/optics'])
    } finally {
      await site.stop()
    }
  })
})

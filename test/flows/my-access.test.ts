import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { textOf } from '../support/flow.ts'
import { browser, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { UserAgent } from '../support/user-agent.ts'

const probe = join(import.meta.dirname, '../support/plugins/authz-probe.ts')
const ledger = {
  datasets: {
    fish2: { title: 'Larval fish', description: 'A <b>brain</b>', versions: { v1: { title: 'First' } } },
    fanc: { title: 'Nerve cord' },
    cortex: { title: 'Secret cortex', visibility: 'hidden' },
  },
  groups: { tracers: { title: 'Tracers', members: ['email:alice@example.org'] } },
  terms: { 'fanc-terms': { title: 'FANC terms', dataset: 'fanc', text: { markdown: '# Cite us' } } },
  grants: [
    { to: 'group:tracers', dataset: 'fish2', level: 'view', why: 'traces neurons' },
    { to: 'group:tracers', dataset: 'fanc', level: 'view' },
    { to: 'name:email:bob@example.org', dataset: 'fish2', level: 'admin', why: 'looks after it' },
  ],
}

describe('what may I see, and why', () => {
  let site: TestLabgate
  let alice: UserAgent
  before(async () => {
    site = await startLabgate({
      ...ledger,
      plugins: { email: { use: '@labgate/auth-email' }, probe: { use: probe, prefix: '/probe' } },
    })
    alice = await signedIn('alice@example.org')
  })
  after(() => site?.stop())

  const signedIn = async (email: string): Promise<UserAgent> => {
    const agent = browser()
    await signInByEmail(site, agent, { at: `${site.issuer}/account/access`, email })
    return agent
  }
  const open = (agent: UserAgent, path: string) => agent.open(`${site.issuer}${path}`)

  test('the page lists what is held, what is missing, and what may be found; hidden datasets not', async () => {
    const text = textOf(await open(alice, '/account/access'))
    assert.match(text, /Larval fish You may see it\./)
    assert.match(text, /Nerve cord Not yet: something is missing\. .*FANC terms Read and accept them/)
    assert.doesNotMatch(text, /cortex/i)
    const searched = textOf(await open(alice, '/account/access?search=nerve'))
    assert.match(searched, /Find a dataset .*Nerve cord/)
    assert.match(searched, /1 of 1/)
  })

  test('a dataset’s page answers for each level and version, and names the lines that speak of the person', async () => {
    const page = await open(alice, '/account/access/fish2')
    const text = textOf(page)
    assert.match(text, /See it yes/)
    assert.match(text, /Change its contents no/)
    assert.match(text, /Members of tracers: see it counts traces neurons/)
    assert.doesNotMatch(text, /bob|looks after it/, 'what others hold is not told')
    assert.match(page.text, /A &lt;b&gt;brain&lt;\/b&gt;/)
    assert.match(textOf(await open(alice, '/account/access/fish2?version=v1')), /See it yes/)
  })

  test('a hidden dataset, one that is not there and a version that is not there answer alike', async () => {
    const answers = await Promise.all(
      ['cortex', 'no-such', 'fish2?version=v9'].map((name) => open(alice, `/account/access/${name}`)),
    )
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 404, 404],
    )
    const [hidden, unknown] = answers.map((page) => textOf(page).replaceAll(/Reference \S+/g, ''))
    assert.equal(hidden, unknown)
  })

  test('asking for access tells the dataset’s admin, shows as open, and can be withdrawn', async () => {
    const bob = await signedIn('bob@example.org')
    assert.match(textOf(await open(bob, '/account/access/fish2')), /Look after it yes/)
    const page = await open(alice, '/account/access/fish2')
    const form = page.forms.find(({ action }) => action.includes('/ask'))
    const sent = await alice.submit(page, form, { level: 'edit', why: 'I trace <i>them</i>' })
    assert.match(textOf(sent), /Your request was sent/)
    const mail = await site.mail('bob@example.org')
    assert.match(mail.text, /I trace/)
    const mine = await open(alice, '/account/access')
    assert.match(textOf(mine), /Larval fish waits for an answer/)
    const gone = await alice.press(mine, 'Withdraw')
    assert.match(textOf(gone), /withdrawn/)
  })

  test('somebody else’s request cannot be withdrawn, nor a form be sent without its token', async () => {
    const page = await open(alice, '/account/access/fish2')
    const form = page.forms.find(({ action }) => action.includes('/ask'))
    await alice.submit(page, form, { level: 'edit', why: 'again' })
    const { rows } = await site.labgate.rooms.get('ledger').requests.list({ state: 'open', limit: 10 })
    const [request] = rows
    assert.ok(request)
    const eve = await signedIn('eve@example.org')
    const own = await open(eve, '/account/access/fish2')
    const forged = own.forms.find(({ action }) => action.includes('/ask'))
    assert.ok(forged)
    const answer = await eve.submit(own, { ...forged, action: `/account/requests/${request.id}/withdraw` }, {})
    assert.equal(answer.status, 404)
    assert.equal((await eve.submit(own, forged, { level: 'view', why: 'x', _csrf: 'wrong' })).status, 403)
    assert.equal((await site.labgate.rooms.get('ledger').requests.find(request.id))?.state, 'open')
  })

  test('what was typed stays when it cannot be sent', async () => {
    const page = await open(alice, '/account/access/fanc')
    const form = page.forms.find(({ action }) => action.includes('/ask'))
    const again = await alice.submit(page, form, { level: 'everything', why: 'keep these words' })
    assert.equal(again.status, 400)
    assert.match(again.text, /keep these words/)
  })

  test('a page that refuses shows a code under which the refusal can be explained', async () => {
    const refused = await open(alice, '/probe/datasets/cortex')
    assert.equal(refused.status, 403)
    const [line] = await site.labgate.rooms.get('storage').audit.list({ type: 'access.refused', limit: 1 })
    assert.ok(line?.requestId)
    assert.deepEqual(line.detail, { service: 'probe', dataset: 'cortex', verb: 'view' })
    assert.equal((await open(alice, '/probe/datasets/fish2')).status, 200)
    const shown = await fetch(`${site.issuer}/account/access`, { redirect: 'manual' })
    assert.equal(shown.status, 303, 'and nobody else sees anything here')
  })
})

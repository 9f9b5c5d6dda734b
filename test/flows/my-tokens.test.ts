import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hasButton, movableClock, newBrowser, textOf, titleOf } from '../support/flow.ts'
import { signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const valueIn = (page: Page) => /\blgp_[0-9A-Za-z]{38}\b/.exec(page.text)?.[0]
const formTo = (page: Page, action: RegExp) => page.forms.find((form) => action.test(form.action))
const daySeconds = 86_400

describe('a person’s own tokens', () => {
  const clock = movableClock()
  let site: TestLabgate
  before(async () => {
    site = await startLabgate({ access: { tokenMaxLife: '180d' } }, { replaced: { clock } })
  })
  after(() => site.stop())

  const address = () => `${site.issuer}/account/tokens`
  const tokens = () => site.labgate.rooms.get('tokens')
  const accountOf = async (email: string) =>
    (await site.labgate.rooms.get('accounts').findByVerifiedEmail(email))?.id ?? assert.fail(email)
  const enter = async (email: string): Promise<{ agent: UserAgent; page: Page }> => {
    const agent = newBrowser()
    const page = await signInByEmail(site, agent, { at: address(), email })
    assert.equal(titleOf(page), 'Your tokens', textOf(page))
    return { agent, page }
  }
  const make = ({ agent, page }: { agent: UserAgent; page: Page }, fields: Record<string, string>) =>
    agent.submit(page, formTo(page, /\/account\/tokens$/), { days: '30', ...fields })

  test('nobody sees the page who is not signed in; the account page leads to it', async () => {
    assert.equal(titleOf(await newBrowser().open(address())), 'Sign in')
    const { agent } = await enter('lead@example.org')
    const account = await agent.open(`${site.issuer}/account`)
    assert.match(account.text, /href="\/account\/tokens"/)
  })

  test('a token is made with its scopes and life, shown once, works, and stands in no page, log or row afterwards', async () => {
    const ann = await enter('ann@example.org')
    assert.match(textOf(ann.page), /Read and change everything you may look after/)
    const made = await make(ann, { name: 'my notebook', 'scope:admin': 'on', days: '7' })
    assert.equal(made.status, 200, textOf(made))
    assert.equal(made.headers.get('cache-control'), 'no-store')
    const value = valueIn(made)
    assert.ok(value, textOf(made))
    const found = await tokens().resolve(value, { address: '192.0.2.1' })
    assert.deepEqual(found?.token.scopes, ['admin'])
    assert.equal(found?.account.id, await accountOf('ann@example.org'))
    const days = ((found?.token.expiresAt?.getTime() ?? 0) - clock.now().getTime()) / 1000 / daySeconds
    assert.ok(days > 6.99 && days <= 7, String(days))
    for (const path of ['/account/tokens', '/account']) {
      const later = await ann.agent.open(site.issuer + path)
      assert.equal(valueIn(later), undefined, path)
    }
    assert.match(textOf(await ann.agent.open(address())), /my notebook lgp_/)
    const secret = value.slice(8)
    assert.doesNotMatch(await readFile(join(site.folder, 'labgate.log'), 'utf8'), new RegExp(secret))
    const trail = await site.labgate.rooms.get('storage').audit.list({ limit: 100 })
    assert.ok(trail.some(({ type, requestId }) => type === 'api-token.created' && requestId !== undefined))
    assert.doesNotMatch(JSON.stringify(trail), new RegExp(secret))
  })

  test('a revoked token counts no more, and says so', async () => {
    const ben = await enter('ben@example.org')
    const made = await make(ben, { name: 'old script' })
    const value = valueIn(made) ?? assert.fail(textOf(made))
    const gone = await ben.agent.press(made, 'Revoke old script')
    assert.match(textOf(gone), /The token “old script” works no more/)
    assert.equal(hasButton(gone, 'Revoke old script'), false)
    assert.equal(await tokens().resolve(value, { address: '192.0.2.1' }), undefined)
  })

  test('an old sign-in makes none until it is renewed, whatever is posted', async () => {
    const cat = await enter('cat@example.org')
    clock.advance(901)
    const stale = await cat.agent.open(address())
    assert.equal(formTo(stale, /\/account\/tokens$/), undefined)
    const refused = await make(cat, { name: 'stolen' })
    assert.equal(refused.status, 403)
    assert.match(textOf(refused), /too old to make a token/)
    assert.equal((await tokens().list({ account: await accountOf('cat@example.org'), limit: 10 })).total, 0)
    const again = await signInByEmail(site, cat.agent, { at: `${address()}/fresh`, email: 'cat@example.org' })
    const page = titleOf(again) === 'Your tokens' ? again : await cat.agent.open(address())
    assert.ok(valueIn(await make({ agent: cat.agent, page }, { name: 'mine' })))
  })

  test('what is wrong is said, and what was typed stays: name, life, scope', async () => {
    const dan = await enter('dan@example.org')
    const nameless = await make(dan, { name: '  ', 'scope:admin': 'on' })
    assert.equal(nameless.status, 400)
    assert.match(textOf(nameless), /A name has 1 to 100 characters/)
    assert.match(nameless.text, /name="scope:admin"[^>]* checked/)
    for (const days of ['0', '181', '366', '-1', 'x']) {
      const page = await make(dan, { name: 'long', days })
      assert.equal(page.status, 400, days)
      assert.match(page.text, /value="long"/)
    }
    assert.equal((await make(dan, { name: 'odd', 'scope:no-such': 'on' })).status, 400)
    assert.equal((await tokens().list({ account: await accountOf('dan@example.org'), limit: 10 })).total, 0)
  })

  test('without the form’s own token nothing is made or revoked', async () => {
    const eve = await enter('eve@example.org')
    assert.equal((await make(eve, { name: 'x', _csrf: 'A'.repeat(43) })).status, 403)
    const made = await make(eve, { name: 'kept' })
    const form = formTo(made, /\/revoke$/)
    assert.equal((await eve.agent.submit(made, form, { _csrf: '' })).status, 403)
    const [row] = (await tokens().list({ account: await accountOf('eve@example.org'), limit: 1 })).rows
    assert.equal(row?.state, 'active')
  })

  test('somebody else’s token can be neither seen nor revoked: it is as if it were not there', async () => {
    const fay = await enter('fay@example.org')
    await make(fay, { name: 'of fay' })
    const [row] = (await tokens().list({ account: await accountOf('fay@example.org'), limit: 1 })).rows
    const gus = await enter('gus@example.org')
    const own = await make(gus, { name: 'of gus' })
    assert.doesNotMatch(textOf(own), /of fay/)
    const form = formTo(own, /\/revoke$/)
    const refused = await gus.agent.submit(own, form, {}, `/account/tokens/${row?.id}/revoke`)
    const unknown = await gus.agent.submit(own, form, {}, '/account/tokens/no-such/revoke')
    assert.equal(refused.status, 404)
    assert.equal(textOf(refused).replace(/Reference.*/, ''), textOf(unknown).replace(/Reference.*/, ''))
    assert.equal((await tokens().find(row?.id ?? ''))?.state, 'active')
  })

  test('a name that is markup is shown as it was typed (S14)', async () => {
    const hal = await enter('hal@example.org')
    const page = await make(hal, { name: attack })
    assert.ok(valueIn(page), textOf(page))
    assert.doesNotMatch(page.text, /<script|<img src=x/)
    assert.match(page.text, /&lt;script&gt;alert\(1\)/)
  })
})

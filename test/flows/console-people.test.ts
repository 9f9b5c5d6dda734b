import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cellOf } from '../../core/console/acceptance-table.ts'
import { hasButton, movableClock, newBrowser, textOf, titleOf } from '../support/flow.ts'
import { signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const house = { kind: 'system', name: 'config' } as const
const command = { kind: 'system', name: 'labgate group' } as const
const formTo = (page: Page, action: RegExp) => page.forms.find((form) => action.test(form.action))
const noMarkup = (page: Page) => assert.doesNotMatch(page.text, /<script>alert|<img src=x|href="javascript:/)

describe('the console’s rooms for people', () => {
  const clock = movableClock()
  let site: TestLabgate
  const rooms = () => site.labgate.rooms
  const ids: Record<string, string> = {}
  const agents: Record<string, UserAgent> = {}

  before(async () => {
    site = await startLabgate({ admins: ['email:boss@example.org'] }, { replaced: { clock } })
    for (const name of ['boss', 'lead', 'keeper', 'plain', 'other']) {
      const agent = newBrowser()
      await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: `${name}@example.org` })
      agents[name] = agent
      ids[name] = (await rooms().get('accounts').findByVerifiedEmail(`${name}@example.org`))?.id ?? assert.fail(name)
    }
    const groups = rooms().get('groups')
    for (const slug of ['tracers', 'secret']) {
      await groups.create(command, { slug, title: slug === 'tracers' ? 'Tracers' : 'Secret circle' })
      await groups.addMember(command, slug, ids.other ?? '')
    }
    await groups.setManager(command, 'tracers', { account: ids.lead ?? '', is: 'manager' })
    await groups.create(house, { slug: 'of-config', title: 'Of the config' })
    await rooms()
      .get('accounts')
      .setGroups(ids.plain ?? '', 'email', ['email:upstream-team'])
    const { datasets, grants, terms } = rooms().get('ledger')
    for (const slug of ['fish2', 'fly']) {
      await datasets.create(command, { slug, title: `Brain of ${slug}` })
      await terms.add(command, { id: `${slug}-terms`, title: `Terms of ${slug}`, markdown: 'Be kind.', dataset: slug })
    }
    const subject = { kind: 'account', account: ids.keeper ?? '' } as const
    await grants.add(command, { subject, dataset: 'fish2', level: 'admin' })
    for (const [name, dataset] of [
      ['other', 'fish2'],
      ['keeper', 'fish2'],
    ] as const)
      await accept(name, `${dataset}-terms`)
  })
  after(() => site.stop())

  const accept = async (name: string, terms: string) => {
    const found = await rooms().get('ledger').terms.find(terms)
    const actor = { kind: 'account', account: ids[name] ?? '', address: '192.0.2.9' } as const
    await rooms()
      .get('ledger')
      .terms.accept(actor, { terms, digest: found?.text.digest ?? '' })
  }
  const as = (name: string) => agents[name] ?? assert.fail(name)
  const open = (name: string, path: string) => as(name).open(`${site.issuer}/console${path}`)
  const fill = async (name: string, path: string, ask: { action: RegExp; fields: Record<string, string> }) => {
    const page = await open(name, path)
    return as(name).submit(page, formTo(page, ask.action), ask.fields)
  }
  const trail = (type: string) => rooms().get('storage').audit.list({ type, limit: 10 })

  describe('who may come in', () => {
    const paths = [
      '/groups',
      '/terms',
      '/service-accounts',
      '/tokens',
      '/audit',
      '/groups/tracers',
      '/terms/fish2-terms',
    ]

    test('who looks after nothing sees none of it', async () => {
      for (const path of paths) assert.equal((await open('plain', path)).status, 403, path)
    })

    test('who manages a group sees that one alone; the rest is as if it were not there', async () => {
      const list = await open('lead', '/groups')
      assert.match(textOf(list), /Tracers/)
      assert.doesNotMatch(textOf(list), /Secret|Of the config/)
      assert.equal((await open('lead', '/groups/tracers')).status, 200)
      const [hidden, absent] = [await open('lead', '/groups/secret'), await open('lead', '/groups/no-such')]
      assert.equal(hidden.status, 404)
      assert.equal(textOf(hidden).replace(/Reference.*/, ''), textOf(absent).replace(/Reference.*/, ''))
      for (const path of ['/terms', '/service-accounts', '/tokens', '/audit', '/groups/new'])
        assert.equal((await open('lead', path)).status, 403, path)
    })

    test('who keeps a dataset sees its terms alone', async () => {
      const list = await open('keeper', '/terms')
      assert.match(textOf(list), /Terms of fish2/)
      assert.doesNotMatch(textOf(list), /Terms of fly/)
      assert.equal((await open('keeper', '/terms/fly-terms')).status, 404)
      assert.equal((await open('keeper', '/terms/fly-terms/acceptances.csv')).status, 404)
      for (const path of ['/groups', '/service-accounts', '/tokens', '/audit'])
        assert.equal((await open('keeper', path)).status, 403, path)
    })

    test('a form that is posted to what is another’s changes nothing', async () => {
      const page = await open('lead', '/groups/tracers')
      const form = formTo(page, /\/members$/)
      const fields = { account: 'plain@example.org' }
      for (const path of [
        'secret/members',
        'secret/managers',
        'secret/remove',
        'tracers/managers',
        'tracers/remove',
        'new',
      ])
        assert.ok(
          [403, 404].includes((await as('lead').submit(page, form, fields, `/console/groups/${path}`)).status),
          path,
        )
      const terms = await open('keeper', '/terms/fish2-terms')
      const own = formTo(terms, /\/retire$/)
      for (const path of ['retire', 'publish', 'change', 'invite'])
        assert.equal((await as('keeper').submit(terms, own, {}, `/console/terms/fly-terms/${path}`)).status, 404, path)
      const groups = rooms().get('groups')
      assert.deepEqual((await groups.find('secret'))?.memberCount, 1)
      assert.deepEqual((await groups.find('tracers'))?.managers, [ids.lead])
      assert.equal((await rooms().get('ledger').terms.find('fly-terms'))?.retiredAt, undefined)
    })

    test('without the form’s own token nothing changes', async () => {
      const refused = await fill('lead', '/groups/tracers', {
        action: /\/members$/,
        fields: { account: 'plain@example.org', _csrf: 'A'.repeat(43) },
      })
      assert.equal(refused.status, 403)
      assert.equal((await rooms().get('groups').find('tracers'))?.memberCount, 1)
    })
  })

  describe('groups', () => {
    test('a manager adds by address, finds, and takes out again; each stands in the trail with its request', async () => {
      const added = await fill('lead', '/groups/tracers', {
        action: /\/members$/,
        fields: { account: ' PLAIN@example.org ' },
      })
      assert.match(textOf(added), /is in this group now/)
      const found = await open('lead', '/groups/tracers?search=plain')
      assert.match(textOf(found), /plain@example\.org/)
      assert.doesNotMatch(textOf(found), /other@example\.org/)
      const [line] = await trail('group.joined')
      assert.equal(line?.actor, ids.lead)
      assert.equal(line?.account, ids.plain)
      assert.ok(line?.requestId)
      const gone = await as('lead').press(found, 'Take out')
      assert.doesNotMatch(textOf(gone), /plain@example\.org/)
    })

    test('whoever is not known is said so, and what was typed stays', async () => {
      const page = await fill('lead', '/groups/tracers', { action: /\/members$/, fields: { account: attack } })
      assert.equal(page.status, 400)
      assert.match(textOf(page), /Nobody here is known as/)
      assert.match(page.text, /name="account" value="&lt;script&gt;/)
      noMarkup(page)
    })

    test('an admin makes one, names a manager, changes it, and removes it by typing its name', async () => {
      const action = /\/console\/groups\/new$/
      const wrong = await fill('boss', '/groups/new', { action, fields: { slug: 'a b', title: 'Kept title' } })
      assert.equal(wrong.status, 400)
      assert.match(wrong.text, /value="Kept title"/)
      const made = await fill('boss', '/groups/new', { action, fields: { slug: 'proof', title: attack } })
      assert.equal(made.url.pathname, '/console/groups/proof')
      noMarkup(made)
      noMarkup(await open('boss', '/groups'))
      const managed = await as('boss').submit(made, formTo(made, /\/managers$/), { account: ids.plain ?? '' })
      assert.match(textOf(managed), /manages this group now/)
      assert.equal((await open('plain', '/groups/proof')).status, 200)
      const refused = await as('boss').submit(managed, formTo(managed, /proof\/remove$/), { typed: 'prof' })
      const removing = refused.forms.find(({ action: to }) => to === '/console/groups/proof/remove')
      assert.equal(refused.status, 400)
      await as('boss').submit(refused, removing, { typed: 'proof' })
      assert.equal(await rooms().get('groups').find('proof'), undefined)
      assert.equal((await open('plain', '/groups')).status, 403)
    })

    test('what the config or a sign-in keeps can only be looked at', async () => {
      for (const [slug, keeper] of [
        ['of-config', 'The config file'],
        ['email:upstream-team', 'The sign-in E-mail'],
      ]) {
        const page = await open('boss', `/groups/${encodeURIComponent(slug ?? '')}`)
        assert.match(textOf(page), new RegExp(keeper ?? ''))
        const posts = page.forms.filter(({ action, method }) => method === 'POST' && action.startsWith('/console'))
        assert.deepEqual(posts, [])
      }
    })
  })

  describe('terms of use', () => {
    const markdown = `# Rules\n\n${attack}\n\n[in](javascript:alert(1)) ![x](https://evil.example/x.png)`

    test('are looked at first, then published; the text is shown without HTML of its own', async () => {
      const fields = { id: 'lab-rules', title: attack, markdown, dataset: 'fly', 'service:web': 'on' }
      const action = /\/console\/terms\/new$/
      const preview = await fill('boss', '/terms/new', { action, fields: { ...fields, do: 'preview' } })
      assert.equal(preview.status, 200)
      assert.match(preview.text, /<h2>Rules<\/h2>/)
      assert.match(preview.text, /name="service:web"[^>]* checked/)
      noMarkup(preview)
      assert.equal(await rooms().get('ledger').terms.find('lab-rules'), undefined)
      const made = await as('boss').submit(preview, formTo(preview, action), { ...fields, do: 'publish' })
      assert.equal(made.url.pathname, '/console/terms/lab-rules', textOf(made))
      noMarkup(made)
      assert.doesNotMatch(made.text, /<img [^>]*evil/)
      assert.deepEqual((await rooms().get('ledger').terms.find('lab-rules'))?.services, ['web'])
    })

    test('who keeps a dataset adds terms to it and to no other, nor to the site', async () => {
      const action = /\/console\/terms\/new$/
      for (const dataset of ['fly', '']) {
        const fields = { id: 'sneaky', title: 'Sneaky', markdown: 'x', dataset, do: 'publish' }
        const refused = await fill('keeper', '/terms/new', { action, fields })
        assert.equal(refused.status, 403, textOf(refused))
        assert.match(refused.text, /value="Sneaky"/)
      }
      const fields = { id: 'more-fish', title: 'More', markdown: 'x', dataset: 'fish2', do: 'publish' }
      const made = await fill('keeper', '/terms/new', { action, fields })
      assert.equal(made.url.pathname, '/console/terms/more-fish', textOf(made))
      // They have not accepted it themselves, and look after it all the same.
      assert.match(textOf(await open('keeper', '/terms')), /More/)
    })

    test('a new text must say whether it is to be accepted again', async () => {
      const publish = (fields: Record<string, string>) =>
        fill('keeper', '/terms/fish2-terms', { action: /\/publish$/, fields: { markdown: 'Be kinder.', ...fields } })
      const silent = await publish({ do: 'publish' })
      assert.equal(silent.status, 400)
      assert.match(silent.text, /Be kinder\.<\/textarea>/)
      assert.match(textOf(await publish({ do: 'publish', again: 'keep' })), /need not accept again/)
      assert.equal((await rooms().get('ledger').terms.find('fish2-terms'))?.requiredNumber, 1)
      assert.match(textOf(await publish({ do: 'publish', again: 'accept', markdown: 'Be kindest.' })), /counts no more/)
      assert.equal((await rooms().get('ledger').terms.find('fish2-terms'))?.requiredNumber, 3)
    })

    test('who accepted is found by name, and downloaded as a table without formulas', async () => {
      await rooms()
        .get('accounts')
        .setDisplayName(ids.other ?? '', '=HYPERLINK("https://evil.example")')
      const found = await open('keeper', '/terms/fish2-terms?search=other')
      assert.match(textOf(found), /other/)
      assert.doesNotMatch(textOf(found).split('Who accepted')[1] ?? '', /keeper No\./)
      const table = await open('keeper', '/terms/fish2-terms/acceptances.csv')
      assert.equal(table.headers.get('content-type'), 'text/csv; charset=utf-8')
      assert.match(
        table.headers.get('content-disposition') ?? '',
        /^attachment; filename="acceptances-fish2-terms\.csv"$/,
      )
      const lines = table.text.trimEnd().split('\r\n')
      assert.equal(lines.length, 3)
      assert.match(table.text, /"'=HYPERLINK\(""https:\/\/evil\.example""\)"/)
      assert.match(table.text, /"192\.0\.2\.9"/)
    })

    test('cells of a table never begin a formula, whatever stands before it', () => {
      for (const start of ['=', '+', '-', '@', '\t=', ' =', '\r\n@', '＝', '|'])
        assert.match(cellOf(`${start}1+1`), /^"'/, JSON.stringify(start))
      assert.equal(cellOf('Ada "L" Lovelace, 2-4'), '"Ada ""L"" Lovelace, 2-4"')
    })

    test('a link of invitation is shown once, gives what it says, and is ended; admins are made by no link', async () => {
      const invite = (fields: Record<string, string>) =>
        fill('keeper', '/terms/fish2-terms', {
          action: /\/invite$/,
          fields: { level: 'view', seats: '2', until: '', ...fields },
        })
      for (const wrong of [
        { seats: '0' },
        { seats: '-1' },
        { seats: '1e3' },
        { until: '2026-02-30' },
        { until: '2001-01-01' },
        { level: 'admin' },
        { level: 'root' },
      ])
        assert.equal((await invite(wrong)).status, 400, JSON.stringify(wrong))
      const made = await invite({ until: new Date(clock.now().getTime() + 86_400_000).toISOString().slice(0, 10) })
      const link = /https?:\/\/[^\s"<]+\/terms\/invited\/[\w-]{43}/.exec(made.text)?.[0] ?? assert.fail(textOf(made))
      const token = link.slice(link.lastIndexOf('/') + 1)
      assert.ok(await rooms().get('ledger').terms.invitation(token))
      const later = await open('keeper', '/terms/fish2-terms')
      assert.doesNotMatch(later.text, new RegExp(token))
      assert.doesNotMatch(await readFile(join(site.folder, 'labgate.log'), 'utf8'), new RegExp(token))
      const [own] = await rooms().get('ledger').terms.invitations('fish2-terms')
      const form = formTo(later, /\/end$/)
      const { invitation } = await rooms().get('ledger').terms.invite(command, { terms: 'fly-terms' })
      await as('keeper').submit(later, form, {}, `/console/terms/fish2-terms/invitations/${invitation.id}/end`)
      assert.equal((await rooms().get('ledger').terms.invitations('fly-terms'))[0]?.endedAt, undefined)
      await as('keeper').submit(later, form, {}, `/console/terms/fish2-terms/invitations/${own?.id}/end`)
      assert.equal(await rooms().get('ledger').terms.invitation(token), undefined)
    })

    test('are retired, and then there is nothing left to change', async () => {
      const page = await fill('keeper', '/terms/more-fish', { action: /\/retire$/, fields: {} })
      assert.match(textOf(page), /are retired/)
      assert.equal(hasButton(page, 'Publish this text'), false)
    })
  })

  describe('service accounts and tokens', () => {
    test('one is made for a person, gets a token that is shown once, and is switched off', async () => {
      const made = await fill('boss', '/service-accounts/new', {
        action: /\/new$/,
        fields: { username: 'segbot', displayName: attack, parent: 'lead' },
      })
      assert.match(made.url.pathname, /^\/console\/service-accounts\/[\w-]{22}$/, textOf(made))
      noMarkup(made)
      const form = formTo(made, /\/tokens$/)
      const fields = { name: 'cluster', 'scope:admin': 'on', days: '0' }
      const shown = await as('boss').submit(made, form, fields)
      const value = /\blgs_[0-9A-Za-z]{38}\b/.exec(shown.text)?.[0] ?? assert.fail(textOf(shown))
      const resolve = () => rooms().get('tokens').resolve(value, { address: '192.0.2.1' })
      assert.equal((await resolve())?.token.expiresAt, undefined)
      for (const path of [made.url.pathname.slice('/console'.length), '/tokens', '/audit'])
        assert.doesNotMatch((await open('boss', path)).text, new RegExp(value.slice(8)), path)
      assert.match(textOf(await open('boss', '/tokens?search=segbot')), /cluster/)
      assert.doesNotMatch(textOf(await open('boss', '/tokens?search=nobody-at-all')), /cluster/)
      const off = await as('boss').press(shown, 'Switch it off')
      assert.match(textOf(off), /none of its tokens works/)
      assert.equal(await resolve(), undefined)
      const on = await as('boss').press(off, 'Switch it on')
      assert.ok(await resolve())
      const revoked = await as('boss').press(on, 'Revoke cluster')
      assert.match(textOf(revoked), /works no more/)
      assert.equal(await resolve(), undefined)
    })

    test('a token of one account is not revoked at the page of another', async () => {
      const { serviceAccounts, tokens } = {
        serviceAccounts: rooms().get('serviceAccounts'),
        tokens: rooms().get('tokens'),
      }
      const [one, two] = await Promise.all(
        ['bot-one', 'bot-two'].map((username) => serviceAccounts.create(command, { username, displayName: username })),
      )
      const mine = await tokens.create(command, { account: one?.id ?? '', name: 'mine', scopes: [] })
      const theirs = await tokens.create(command, { account: two?.id ?? '', name: 'theirs', scopes: [] })
      const page = await open('boss', `/service-accounts/${one?.id}`)
      const form = formTo(page, /\/revoke$/)
      await as('boss').submit(page, form, {}, `/console/service-accounts/${one?.id}/tokens/${theirs.token.id}/revoke`)
      assert.equal((await tokens.find(theirs.token.id))?.state, 'active')
      assert.equal((await tokens.find(mine.token.id))?.state, 'active')
    })

    test('an admin revokes anybody’s token, and makes none in the name of a person', async () => {
      const tokens = rooms().get('tokens')
      const actor = { kind: 'account', account: ids.plain ?? '' } as const
      const { token } = await tokens.create(actor, { account: ids.plain ?? '', name: 'laptop', scopes: [] })
      const page = await as('boss').press(await open('boss', '/tokens?state=active&search=laptop'), 'Revoke laptop')
      assert.match(textOf(page), /works no more/)
      assert.equal((await tokens.find(token.id))?.state, 'revoked')
      assert.equal(page.url.search, '?state=active&search=laptop')
      const any = await open('boss', '/service-accounts')
      assert.equal((await as('boss').open(`${site.issuer}/console/service-accounts/${ids.plain}`)).status, 404)
      assert.equal(titleOf(any), 'Service accounts')
    })
  })

  describe('the audit trail', () => {
    test('shows what was before and after, by party, kind and request, newest first', async () => {
      const groups = rooms().get('groups')
      const actor = { kind: 'account', account: ids.boss ?? '', requestId: 'request-of-the-test' } as const
      await groups.change(actor, 'secret', { title: `${attack} new` })
      const page = await open('boss', '/audit?type=group.changed&request=request-of-the-test')
      noMarkup(page)
      assert.match(textOf(page), /before: Secret circle after: &lt;script|before: Secret circle/)
      assert.doesNotMatch(textOf(page).split('Find')[1] ?? '', /sign-in\.done/)
      const mine = await open('boss', '/audit?account=lead%40example.org')
      assert.match(textOf(mine), /group\.manager-added/)
      assert.match(textOf(await open('boss', '/audit?account=no-such-account')), /Nothing here/)
    })

    test('goes back page by page, and keeps its filter', async () => {
      const { audit } = rooms().get('storage')
      for (let n = 0; n < 55; n++) await audit.append({ type: 'client.changed', client: `client-${n}` })
      const page = await open('boss', '/audit?type=client.changed')
      const older = /href="([^"]+)" rel="next"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? assert.fail('no next')
      assert.match(older, /type=client\.changed/)
      const second = await as('boss').open(new URL(older, site.issuer))
      assert.match(textOf(second), /client-0\b/)
      assert.doesNotMatch(textOf(second), /client-54\b/)
    })
  })

  test('a sign-in that is too old looks, and changes nothing', async () => {
    clock.advance(31 * 60)
    const page = await open('lead', '/groups/tracers')
    assert.equal(page.status, 200)
    const refused = await as('lead').submit(page, formTo(page, /\/members$/), { account: 'keeper@example.org' })
    assert.equal(refused.status, 403)
    assert.match(refused.text, /name="account" value="keeper@example\.org"/)
    assert.doesNotMatch(textOf(await open('lead', '/groups/tracers')), /keeper@example\.org/)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hasButton, movableClock, newBrowser, textOf, titleOf } from '../support/flow.ts'
import { signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const command = { kind: 'system', name: 'labgate group' } as const
const formTo = (page: Page, action: RegExp) =>
  page.forms.find((form) => form.method === 'POST' && action.test(form.action))
const noMarkup = (page: Page) => assert.doesNotMatch(page.text, /<script>alert|<img src=x|href="javascript:/)

describe('the console’s rooms for accounts', () => {
  const clock = movableClock()
  let site: TestLabgate
  const rooms = () => site.labgate.rooms
  const ids: Record<string, string> = {}
  const agents: Record<string, UserAgent> = {}
  const source = { instance: 'email', realm: 'email' }

  const idOf = async (name: string) =>
    (await rooms().get('accounts').findByVerifiedEmail(`${name}@example.org`))?.id ?? assert.fail(name)
  /** Signs somebody in, in a browser of their own. */
  const enter = async (name: string) => {
    const agent = newBrowser()
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: `${name}@example.org` })
    agents[name] = agent
    ids[name] = await idOf(name)
  }
  /** An account as a first sign-in makes it. */
  const arrive = async (name: string, state: 'active' | 'pending', more: { claim: string; value: string }[] = []) => {
    const facts = [
      { claim: 'email', value: `${name}@example.org`, trust: 'verified' } as const,
      ...more.map((fact) => ({ ...fact, trust: 'self' as const })),
    ]
    const id = await rooms()
      .get('storage')
      .transaction(async (em) => {
        const made = await rooms().get('accounts').createIn(em, { facts, state, role: 'user' })
        const assertion = { issuer: 'email', subject: `${name}@example.org`, facts, amr: [] }
        await rooms()
          .get('identities')
          .linkIn(em, made, { source, assertion: assertion as never })
        return made
      })
    ids[name] = id
    return id
  }

  before(async () => {
    site = await startLabgate({ admins: ['email:boss@example.org'] }, { replaced: { clock } })
    for (const name of ['boss', 'lead', 'plain', 'other']) await enter(name)
    const groups = rooms().get('groups')
    for (const slug of ['tracers', 'secret']) await groups.create(command, { slug, title: `Group of ${slug}` })
    await groups.setManager(command, 'tracers', { account: ids.lead ?? '', is: 'manager' })
  })
  after(() => site.stop())

  const as = (name: string) => agents[name] ?? assert.fail(name)
  const open = (name: string, path: string) => as(name).open(`${site.issuer}/console${path}`)
  const of = (name: string) => `/people/${ids[name]}`
  const fill = async (name: string, path: string, ask: { action: RegExp; fields: Record<string, string> }) => {
    const page = await open(name, path)
    return as(name).submit(
      page,
      formTo(page, ask.action) ?? assert.fail(`no form at ${path}: ${textOf(page)}`),
      ask.fields,
    )
  }
  const find = (name: string) =>
    rooms()
      .get('accounts')
      .find(ids[name] ?? '')
  const trail = (type: string) => rooms().get('storage').audit.list({ type, limit: 10 })

  describe('who may come in', () => {
    test('only site admins open the rooms of accounts; managers of groups open invitations', async () => {
      for (const path of ['/people', of('other'), `${of('other')}/history`, `${of('other')}/merge`, '/waiting']) {
        assert.equal((await open('plain', path)).status, 403, path)
        assert.equal((await open('lead', path)).status, 403, path)
        assert.equal((await open('boss', path)).status, 200, path)
      }
      assert.equal((await open('plain', '/invitations')).status, 403)
      assert.equal((await open('lead', '/invitations')).status, 200)
      assert.doesNotMatch((await open('lead', '')).text, /\/console\/(people|waiting)"/)
    })

    test('a form that is posted to what is an admin’s changes nothing', async () => {
      const page = await open('lead', '/invitations/new')
      const form = formTo(page, /\/invitations\/new$/)
      for (const path of ['state', 'role', 'sign-out', 'groups', 'merge', 'export', 'erase']) {
        const fields = { state: 'deactivated', role: 'admin', group: 'tracers', into: ids.lead ?? '', typed: 'other' }
        const refused = await as('lead').submit(page, form, fields, `/console${of('other')}/${path}`)
        assert.equal(refused.status, 403, path)
      }
      const other = await find('other')
      assert.deepEqual([other?.state, other?.role, other?.groups], ['active', 'user', []])
    })

    test('without the form’s own token nothing changes', async () => {
      for (const [action, fields] of [
        [/\/state$/, {}],
        [/\/erase$/, { typed: 'other' }],
        [/\/export$/, {}],
      ] as const) {
        const refused = await fill('boss', of('other'), { action, fields: { ...fields, _csrf: 'A'.repeat(43) } })
        assert.equal(refused.status, 403)
      }
      assert.equal((await find('other'))?.state, 'active')
    })

    test('an id that is nobody’s is not there, nor is a username in its place', async () => {
      for (const path of [
        '/people/nobody',
        '/people/other',
        '/people/nobody/merge',
        '/waiting/nobody',
        of('other').replace('people', 'waiting'),
      ])
        assert.equal((await open('boss', path)).status, 404, path)
    })

    test('programs have their own room', async () => {
      const bot = await rooms().get('serviceAccounts').create(command, { username: 'a-bot', displayName: 'Bot' })
      const page = await open('boss', `/people/${bot.id}`)
      assert.equal(page.url.pathname, `/console/service-accounts/${bot.id}`)
      assert.equal((await open('boss', `/people/${bot.id}/merge`)).status, 404)
    })
  })

  describe('the list', () => {
    test('is searched, and filtered by state, role and kind', async () => {
      const shown = async (query: string) => {
        const page = await open('boss', `/people?${query}`)
        return [...page.text.matchAll(/<span class="sub">([^<]+)<\/span>/g)].map(([, name]) => name)
      }
      assert.deepEqual(await shown('search=LEAD%40'), ['lead'])
      assert.deepEqual(await shown('role=admin'), ['boss'])
      assert.deepEqual(await shown('kind=service'), ['a-bot'])
      assert.deepEqual(await shown('state=shut'), [])
      assert.deepEqual(await shown('search=%25'), [])
      assert.deepEqual(await shown('kind=person&state=active'), ['boss', 'lead', 'other', 'plain'])
    })

    test('markup in names and facts is text', async () => {
      await arrive('markup', 'active', [
        { claim: 'name', value: attack },
        { claim: attack, value: attack },
      ])
      await rooms()
        .get('accounts')
        .setDisplayName(ids.markup ?? '', attack)
      for (const path of [
        '/people',
        of('markup'),
        `${of('markup')}/history`,
        `${of('markup')}/merge?into=${encodeURIComponent(attack)}`,
      ])
        noMarkup(await open('boss', path))
      const page = await open('boss', of('markup'))
      assert.match(textOf(page), /said by themselves/)
      assert.match(textOf(page), /checked/)
    })
  })

  describe('one person', () => {
    test('is switched off, out at once, and on again; the trail knows who did it and for which request', async () => {
      await enter('turned')
      const off = await fill('boss', of('turned'), { action: /\/state$/, fields: {} })
      assert.match(textOf(off), /signed out everywhere/)
      assert.equal((await find('turned'))?.state, 'deactivated')
      assert.match(titleOf(await as('turned').open(`${site.issuer}/account`)), /Sign in/)
      const [line] = await trail('account.deactivated')
      assert.deepEqual([line?.actor, line?.account], [ids.boss, ids.turned])
      assert.ok(line?.requestId)
      await as('boss').press(off, 'Switch this account on')
      assert.equal((await find('turned'))?.state, 'active')
    })

    test('the last admin stays one, and stays on', async () => {
      const role = await fill('boss', of('boss'), { action: /\/role$/, fields: { role: 'user' } })
      assert.equal(role.status, 409)
      assert.match(textOf(role), /last admin/)
      assert.equal((await fill('boss', of('boss'), { action: /\/state$/, fields: {} })).status, 409)
      const erase = await fill('boss', of('boss'), { action: /\/erase$/, fields: { typed: 'boss' } })
      assert.equal(erase.status, 409)
      const boss = await find('boss')
      assert.deepEqual([boss?.state, boss?.role], ['active', 'admin'])
    })

    test('a role is one of ours', async () => {
      assert.equal((await fill('boss', of('other'), { action: /\/role$/, fields: { role: 'root' } })).status, 404)
      await fill('boss', of('other'), { action: /\/role$/, fields: { role: 'manager' } })
      assert.equal((await find('other'))?.role, 'manager')
    })

    test('a session is ended, one or all; one of somebody else is not reached by this page', async () => {
      await enter('browsing')
      const sessions = rooms().get('sessions')
      const [own] = await sessions.list(ids.browsing ?? '')
      const [theirs] = await sessions.list(ids.other ?? '')
      const page = await open('boss', of('browsing'))
      const form = formTo(page, new RegExp(`/sessions/${own?.handle}/end$`))
      const missed = await as('boss').submit(page, form, {}, `/console${of('browsing')}/sessions/${theirs?.handle}/end`)
      assert.equal(missed.status, 404)
      assert.equal((await sessions.list(ids.other ?? '')).length, 1)
      await as('boss').submit(page, form, {})
      assert.equal((await sessions.list(ids.browsing ?? '')).length, 0)
      assert.deepEqual((await trail('session.revoked'))[0]?.actor, ids.boss)
      await enter('browsing')
      await fill('boss', of('browsing'), { action: /\/sign-out$/, fields: {} })
      assert.equal((await sessions.list(ids.browsing ?? '')).length, 0)
      assert.deepEqual((await trail('sign-out.everywhere'))[0]?.actor, ids.boss)
    })

    test('a way to sign in is taken away with its sessions; the last one only from an account that is off', async () => {
      await enter('two-ways')
      const { identities, standing } = { identities: rooms().get('identities'), standing: rooms().get('standing') }
      const [first] = await identities.list(ids['two-ways'] ?? '')
      const at = of('two-ways')
      const lone = await open('boss', at)
      assert.equal(formTo(lone, /\/unlink$/), undefined)
      const path = `/console${at}/identities/${first?.id}/unlink`
      assert.equal((await as('boss').submit(lone, formTo(lone, /\/state$/), {}, path)).status, 409)
      const assertion = { issuer: 'elsewhere', subject: 'second', facts: [], amr: [] } as never
      await identities.link(ids['two-ways'] ?? '', { instance: 'gone-instance', realm: 'gone' }, assertion)
      await as('boss').submit(lone, formTo(lone, /\/state$/), {}, path)
      assert.deepEqual(
        (await identities.list(ids['two-ways'] ?? '')).map(({ subject }) => subject),
        ['second'],
      )
      assert.equal(
        (
          await rooms()
            .get('sessions')
            .list(ids['two-ways'] ?? '')
        ).length,
        0,
      )
      assert.equal((await trail('identity.unlinked'))[0]?.actor, ids.boss)
      await standing.setState(command, ids['two-ways'] ?? '', 'deactivated')
      await fill('boss', at, { action: /\/unlink$/, fields: {} })
      assert.deepEqual(await identities.list(ids['two-ways'] ?? ''), [])
    })

    test('an identity of one person is not unlinked at the page of another', async () => {
      const [theirs] = await rooms()
        .get('identities')
        .list(ids.plain ?? '')
      const page = await open('boss', of('other'))
      const path = `/console${of('other')}/identities/${theirs?.id}/unlink`
      assert.equal((await as('boss').submit(page, formTo(page, /\/state$/), {}, path)).status, 404)
      assert.equal(
        (
          await rooms()
            .get('identities')
            .list(ids.plain ?? '')
        ).length,
        1,
      )
    })

    test('joins a group and leaves it; what a sign-in says stays', async () => {
      await rooms()
        .get('accounts')
        .setGroups(ids.other ?? '', 'email', ['email:upstream'])
      const wrong = await fill('boss', of('other'), { action: /\/groups$/, fields: { group: 'tracrs' } })
      assert.equal(wrong.status, 404)
      assert.match(wrong.text, /name="group" value="tracrs"/)
      const page = await fill('boss', of('other'), { action: /\/groups$/, fields: { group: 'tracers' } })
      assert.match(textOf(page), /in the group “tracers” now/)
      assert.equal(formTo(page, /upstream\/remove$/), undefined)
      await as('boss').press(page, 'Take out Group of tracers')
      assert.deepEqual((await find('other'))?.groups, ['email:upstream'])
    })

    test('has its history, page by page', async () => {
      const { audit } = rooms().get('storage')
      const account = ids.plain ?? ''
      for (let n = 0; n < 55; n++)
        await audit.append({ type: 'sign-in.done', account, actor: account, address: `192.0.2.${n}` })
      const page = await open('boss', `${of('plain')}/history`)
      const older = /href="([^"]+)" rel="next"/.exec(page.text)?.[1] ?? assert.fail('no next')
      const second = await as('boss').open(new URL(older, site.issuer))
      assert.match(textOf(second), /192\.0\.2\.0\b/)
      assert.doesNotMatch(textOf(second), /192\.0\.2\.54\b/)
    })
  })

  describe('a whole account', () => {
    test('is merged after a look at what would happen', async () => {
      await arrive('old-me', 'active')
      await rooms()
        .get('groups')
        .addMember(command, 'secret', ids['old-me'] ?? '')
      const at = `${of('old-me')}/merge`
      assert.match(textOf(await open('boss', `${at}?into=no-such-person`)), /Nobody here is known as/)
      const self = await open('boss', `${at}?into=old-me`)
      assert.match(textOf(self), /cannot be merged into itself/)
      assert.equal(hasButton(self, 'Yes, merge them'), false)
      const preview = await open('boss', `${at}?into=plain%40example.org`)
      assert.match(textOf(preview), /old-me@example\.org/)
      assert.match(textOf(preview), /secret/)
      assert.deepEqual((await find('plain'))?.groups, [])
      const done = await as('boss').press(preview, 'Yes, merge them')
      assert.equal(done.url.pathname, `/console${of('plain')}`)
      assert.deepEqual((await find('plain'))?.groups, ['secret'])
      const gone = await open('boss', of('old-me'))
      assert.match(textOf(gone), /Merged into/)
      assert.equal(hasButton(gone, 'Switch this account on'), false)
      assert.match(textOf(await open('boss', '/people?state=shut')), /old-me/)
      assert.doesNotMatch(textOf(await open('boss', '/people?search=old-me')), /old-me@/)
      const again = await as('boss').submit(preview, formTo(preview, /\/merge$/), {}, `/console${of('boss')}/merge`)
      assert.equal(again.status, 409)
    })

    test('is handed out as a file that leaves a line in the trail', async () => {
      const file = await fill('boss', of('plain'), { action: /\/export$/, fields: {} })
      assert.match(file.headers.get('content-type') ?? '', /^application\/json/)
      assert.equal(file.headers.get('content-disposition'), `attachment; filename="account-${ids.plain}.json"`)
      assert.match(file.headers.get('cache-control') ?? '', /no-store/)
      const kept = JSON.parse(file.text) as { account: { username: string }; identities: unknown[] }
      assert.equal(kept.account.username, 'plain')
      assert.equal(kept.identities.length, 2)
      const [line] = await trail('account.exported')
      assert.deepEqual([line?.actor, line?.account], [ids.boss, ids.plain])
    })

    test('is erased by typing its username, by nothing else, and stays shut', async () => {
      await arrive('leaver', 'active')
      for (const typed of ['', 'leave', 'boss', attack]) {
        const wrong = await fill('boss', of('leaver'), { action: /\/erase$/, fields: { typed } })
        assert.equal(wrong.status, 400, typed)
        noMarkup(wrong)
      }
      assert.equal((await find('leaver'))?.state, 'active')
      const gone = await fill('boss', of('leaver'), { action: /\/erase$/, fields: { typed: 'leaver' } })
      assert.match(textOf(gone), /The person was erased/)
      assert.doesNotMatch(textOf(gone), /leaver/)
      for (const action of [/\/erase$/, /\/state$/, /\/role$/, /\/groups$/, /\/merge$/])
        assert.equal(formTo(gone, action), undefined, String(action))
      const other = await open('boss', of('other'))
      const back = await as('boss').submit(
        other,
        formTo(other, /\/state$/),
        { state: 'active' },
        `/console${of('leaver')}/state`,
      )
      assert.equal(back.status, 409)
    })
  })

  describe('who waits', () => {
    test('is counted, let in with groups and a note, and told by mail', async () => {
      await arrive('newcomer', 'pending', [{ claim: 'name', value: attack }])
      const home = await open('boss', '')
      assert.match(textOf(home), /1 person waits to be let in/)
      assert.match(home.text, /Waiting<\/span><span class="badge count">1/)
      noMarkup(await open('boss', '/waiting'))
      const at = of('newcomer').replace('people', 'waiting')
      const other = await open('boss', of('newcomer'))
      const around = await as('boss').submit(
        other,
        formTo(other, /\/role$/),
        { state: 'active' },
        `/console${of('newcomer')}/state`,
      )
      assert.equal(around.status, 409)
      const wrong = await fill('boss', at, {
        action: /\/approve$/,
        fields: { 'group:no-such': 'on', note: 'Welcome to us' },
      })
      assert.equal(wrong.status, 404)
      assert.match(wrong.text, /Welcome to us<\/textarea>/)
      assert.equal((await find('newcomer'))?.state, 'pending')
      const done = await fill('boss', at, {
        action: /\/approve$/,
        fields: { 'group:tracers': 'on', note: 'Welcome to us' },
      })
      assert.equal(done.url.pathname, '/console/waiting')
      assert.deepEqual([(await find('newcomer'))?.state, (await find('newcomer'))?.groups], ['active', ['tracers']])
      assert.match((await site.mail('newcomer@example.org')).text, /Welcome to us/)
      assert.equal((await open('boss', at)).status, 404)
    })

    test('is turned down with a note, once', async () => {
      await arrive('stranger', 'pending')
      const at = of('stranger').replace('people', 'waiting')
      const page = await open('boss', at)
      const form = formTo(page, /\/turn-down$/)
      await as('boss').submit(page, form, { note: 'Wrong lab, sorry' })
      assert.equal((await find('stranger'))?.state, 'deactivated')
      assert.match((await site.mail('stranger@example.org')).text, /Wrong lab, sorry/)
      assert.equal((await as('boss').submit(page, formTo(page, /\/approve$/), {})).status, 404)
      assert.equal((await find('stranger'))?.state, 'deactivated')
    })
  })

  describe('invitations', () => {
    const invite = (name: string, fields: Record<string, string>) =>
      fill(name, '/invitations/new', { action: /\/invitations\/new$/, fields: { days: '14', ...fields } })
    const invitationTo = async (email: string) => {
      const actor = { kind: 'system', name: 'test' } as const
      return (await rooms().get('invitations').list(actor, { search: email, limit: 1 })).rows[0]
    }

    test('an admin invites; the link goes by mail and stands on no page', async () => {
      const page = await invite('boss', {
        email: 'Guest@Example.org',
        role: 'manager',
        'group:secret': 'on',
        note: 'Hello',
      })
      assert.equal(page.url.pathname, '/console/invitations', textOf(page))
      const { text } = await site.mail('guest@example.org')
      const link = /\/invited\/([\w-]+)/.exec(text)?.[1] ?? assert.fail(text)
      assert.doesNotMatch(page.text, new RegExp(link))
      assert.match(textOf(page), /guest@example\.org open/)
      const made = await invitationTo('guest@example.org')
      assert.deepEqual([made?.role, made?.groups, made?.madeBy], ['manager', ['secret'], ids.boss])
    })

    test('what is wrong is said, and what was typed stays', async () => {
      for (const wrong of [{ email: attack }, { days: '0' }, { days: '1e3' }, { days: '-1' }] as Record<
        string,
        string
      >[]) {
        const page = await invite('boss', { email: 'x@example.org', note: 'Kept words', ...wrong })
        assert.equal(page.status, 400, JSON.stringify(wrong))
        assert.match(page.text, /Kept words<\/textarea>/)
        noMarkup(page)
      }
    })

    test('a manager invites into their own groups, as a member, and sees what they made alone', async () => {
      for (const fields of [
        { role: 'admin', 'group:tracers': 'on' },
        { 'group:secret': 'on' },
        { groups: 'tracers, secret' },
        {},
      ] as Record<string, string>[])
        assert.equal(
          (await invite('lead', { email: 'sneaky@example.org', ...fields })).status,
          403,
          JSON.stringify(fields),
        )
      assert.equal(await invitationTo('sneaky@example.org'), undefined)
      const page = await invite('lead', { email: 'team@example.org', 'group:tracers': 'on' })
      assert.match(textOf(page), /team@example\.org open/)
      assert.doesNotMatch(page.text, /guest@example\.org/)
      const theirs = await invitationTo('guest@example.org')
      for (const path of ['send', 'end']) {
        const reached = `/console/invitations/${theirs?.id}/${path}`
        assert.match(textOf(await as('lead').submit(page, formTo(page, /\/end$/), {}, reached)), /no such thing/)
      }
      assert.equal((await invitationTo('guest@example.org'))?.state, 'open')
    })

    test('is sent again with a new link, and withdrawn', async () => {
      const [before] = [await site.mail('guest@example.org')]
      const page = await open('boss', '/invitations?search=guest')
      await as('boss').press(page, 'Send again guest@example.org')
      const newer = await site.mail('guest@example.org')
      assert.notEqual(/\/invited\/([\w-]+)/.exec(newer.text)?.[1], /\/invited\/([\w-]+)/.exec(before.text)?.[1])
      const ended = await as('boss').press(page, 'Withdraw guest@example.org')
      assert.match(textOf(ended), /was withdrawn/)
      assert.equal((await invitationTo('guest@example.org'))?.state, 'ended')
      assert.equal(hasButton(await open('boss', '/invitations?search=guest'), 'Send again'), false)
    })
  })

  test('of 100,000 accounts a page costs little more than of 1,000, the last one too', {
    timeout: 120_000,
  }, async () => {
    const { directory, storage } = { directory: rooms().get('directory'), storage: rooms().get('storage') }
    const add = (from: number, to: number) =>
      storage.transaction((em) =>
        em.execute(
          `with recursive n (i) as (select ${from} union all select i + 1 from n where i < ${to})
           insert into account (id, state, role, username, display_name, email, email_verified, created_at, updated_at, revision, kind, description)
           select 'many' || i, 'active', 'user', 'many-' || printf('%06d', i), 'Person ' || i, 'many' || i || '@example.org', 1, i, i, 1, 'person', '' from n`,
        ),
      )
    const best = async (ask: Parameters<typeof directory.list>[0]) => {
      let least = Number.POSITIVE_INFINITY
      for (let n = 0; n < 7; n++) {
        const begun = process.hrtime.bigint()
        await directory.list(ask)
        least = Math.min(least, Number(process.hrtime.bigint() - begun) / 1e6)
      }
      return least
    }
    await add(1, 1000)
    const small = await best({ limit: 50 })
    await add(1001, 100_000)
    const large = await best({ limit: 50 })
    const last = await best({ limit: 50, after: 'many-099900' })
    // A hundred times as many; counting them is all that grows.
    assert.ok(large < small * 30, `${large} ms instead of ${small} ms`)
    assert.ok(last < small * 30, `${last} ms instead of ${small} ms`)
    const page = await open('boss', '/people?after=many-099990')
    assert.match(textOf(page), /many-100000/)
    assert.match(textOf(page), /100,\d{3} shown/)
  })

  test('a sign-in that is too old looks, and changes nothing', async () => {
    clock.advance(31 * 60)
    const page = await open('boss', of('plain'))
    assert.equal(page.status, 200)
    for (const [action, fields] of [
      [/\/state$/, {}],
      [/\/export$/, {}],
      [/\/erase$/, { typed: 'plain' }],
    ] as const) {
      const refused = await as('boss').submit(page, formTo(page, action), fields)
      assert.equal(refused.status, 403)
      assert.match(textOf(refused), /fresh sign-in/)
    }
    assert.equal((await find('plain'))?.state, 'active')
  })
})

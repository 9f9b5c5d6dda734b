import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { levels } from '@labgate/contract'
import Database from 'better-sqlite3'
import { atUpstream, newBrowser, type Party, party, people, signInAs, startWorld, type World } from '../support/flow.ts'
import { signInByEmail, testClients } from '../support/labgate.ts'
import { notebook } from '../support/plugins/notebook.ts'

const house = { kind: 'system', name: 'test' } as const
const sub = 'grace-subject-7391'
const grace = {
  sub,
  name: 'Grace Brewster',
  preferred_username: 'gracebrew',
  email: 'grace@navy.example',
  email_verified: true,
  groups: ['admirals'],
}
/** Whatever would tell that it was she. */
const traces = [sub, 'Brewster', 'gracebrew', 'grace@navy', 'gracie', '203.0.113.77', 'my ship', 'hopper-laptop']

describe('the life of a person with everything', () => {
  let world: World
  let third: Party
  let ids: { into: string; from: string; boss: string; robot: string }
  const rooms = () => world.site.labgate.rooms
  const life = () => rooms().get('life')
  const at = (account: string) =>
    ({ kind: 'account', account, address: account === ids.boss ? '198.51.100.1' : '203.0.113.77' }) as const

  const idOf = async (email: string) => {
    const found = await rooms().get('accounts').findByVerifiedEmail(email)
    assert.ok(found, email)
    return found.id
  }
  /** Every decision on every dataset, version and verb. */
  const decisions = async (account: string) => {
    const asks = ['fish', 'mouse', 'worm', 'atlas', 'fly'].flatMap((dataset) =>
      [undefined, 'v1'].flatMap((version) =>
        [...levels, 'segment'].map((verb) => ({ account, dataset, version, verb }) as const),
      ),
    )
    const may = await Promise.all(asks.map(async (ask) => (await rooms().get('access').decide(ask)).allowed))
    return new Map(asks.map((ask, index) => [`${ask.dataset} ${ask.version} ${ask.verb}`, may[index] === true]))
  }
  /** Files of the database that hold a word, in any case. */
  const found = (words: readonly string[]) => {
    const { file } = rooms().get('config').database
    return [file, `${file}-wal`]
      .filter((path) => existsSync(path))
      .flatMap((path) => {
        const text = readFileSync(path).toString('latin1').toLowerCase()
        return words.filter((word) => text.includes(word.toLowerCase())).map((word) => `${word} in ${path.slice(-8)}`)
      })
  }

  const signInEverywhere = async () => {
    const uni = newBrowser()
    await signInAs(uni, sub, new URL('/account', world.site.issuer))
    const asked = await third.request({ scope: 'openid email offline_access', prompt: 'consent' })
    const back = await uni.press(await uni.open(asked.url), /allow/i)
    await asked.redeem(back.url)
    const mail = newBrowser()
    await signInByEmail(world.site, mail, { at: new URL('/account', world.site.issuer), email: 'gracie@home.example' })
    const other = await third.request()
    await other.redeem((await mail.press(await mail.open(other.url), /allow/i)).url)
    await signInByEmail(world.site, newBrowser(), {
      at: new URL('/account', world.site.issuer),
      email: 'boss@example.org',
    })
  }

  const fillLedger = async () => {
    const { get } = rooms()
    const { datasets, grants, terms, requests } = get('ledger')
    const { into, from } = ids
    for (const slug of ['fish', 'mouse', 'worm', 'atlas', 'fly'])
      await datasets.create(house, { slug, title: slug, versions: [{ version: 'v1' }] })
    for (const slug of ['team', 'crew']) await get('groups').create(house, { slug, title: slug })
    await get('groups').addMember(house, 'team', from)
    await get('groups').setManager(house, 'team', { account: from, is: 'manager' })
    await get('groups').addMember(house, 'crew', into)
    await terms.add(house, { id: 'rules', title: 'Rules', markdown: 'Be kind.', dataset: 'fish' })
    const digest = (await terms.find('rules'))?.text.digest ?? ''
    await terms.accept(at(from), { terms: 'rules', digest })
    const add = (subject: object, more: object) => grants.add(house, { subject, why: 'for my ship', ...more } as never)
    await add({ kind: 'account', account: from }, { dataset: 'fish', level: 'edit' })
    await add({ kind: 'account', account: from }, { dataset: 'mouse', version: 'v1', permission: 'segment' })
    await add({ kind: 'account', account: into }, { dataset: 'mouse', level: 'view' })
    await add({ kind: 'group', group: 'team' }, { dataset: 'worm', level: 'manage', why: 'for all' })
    await add({ kind: 'name', instance: 'email', value: 'gracie@home.example' }, { dataset: 'atlas', level: 'view' })
    await add({ kind: 'name', instance: 'uni', value: sub }, { dataset: 'atlas', version: 'v1', level: 'edit' })
    await add(
      { kind: 'name', instance: 'uni', value: 'grace@navy.example' },
      { dataset: 'fly', level: 'view', conditions: { withinGroup: 'crew' } },
    )
    await requests.ask(at(from), { dataset: 'fly', level: 'edit', why: 'for my ship' })
    const robot = await get('serviceAccounts').create(house, { username: 'robot', displayName: 'Robot', parent: from })
    for (const account of [from, into])
      await get('tokens').create(at(account), { account, name: 'hopper-laptop', scopes: [] })
    await notebook().write(from, 'a note on my ship')
    await notebook().write(into, 'another note on my ship')
    await get('audit')({
      type: 'account.changed',
      actor: ids.boss,
      account: into,
      address: '198.51.100.1',
      detail: { name: 'Grace Brewster' },
    })
    return robot.id
  }

  before(async () => {
    world = await startWorld({
      users: [...people, grace],
      part: (upstream) => ({
        plugins: {
          uni: atUpstream(upstream),
          email: { use: '@labgate/auth-email' },
          notes: { use: '../support/plugins/notebook.ts', prefix: '/notes' },
        },
        access: { ownServiceAccounts: true },
      }),
    })
    third = await party(world.site, { id: 'third', secret: testClients.third.secret })
    await signInEverywhere()
    ids = {
      into: await idOf('grace@navy.example'),
      from: await idOf('gracie@home.example'),
      boss: await idOf('boss@example.org'),
      robot: '',
    }
    await rooms().get('accounts').setRole(ids.boss, 'admin')
    ids.robot = await fillLedger()
  })
  after(() => world.close())

  test('a merge says before what it will move, end and leave', async () => {
    const preview = await life().mergePreview(ids.from, ids.into)
    assert.equal(preview.refused, undefined)
    assert.deepEqual(preview.moves.identities, [{ instance: 'email', subject: 'gracie@home.example' }])
    assert.deepEqual(preview.moves.groups, [{ group: 'team', source: 'admin' }])
    assert.deepEqual(preview.moves.managed, ['team'])
    assert.deepEqual(
      preview.moves.grants.map(({ dataset, version, verb }) => [dataset, version, verb]),
      [
        ['fish', undefined, 'edit'],
        ['mouse', 'v1', 'segment'],
      ],
    )
    assert.deepEqual(preview.moves.acceptances, [{ terms: 'rules', number: 1 }])
    assert.equal(preview.moves.requests.length, 1)
    assert.deepEqual(preview.moves.serviceAccounts, [ids.robot])
    assert.deepEqual(preview.ends, { tokens: 1, sessions: 1, consents: ['third'] })
  })

  test('only admins merge', async () => {
    await assert.rejects(life().merge(at(ids.into), ids.from, ids.into), { code: 'ERR_FORBIDDEN' })
  })

  test('after a merge INTO may do whatever one of the two could do, and FROM nothing', async () => {
    const before = [await decisions(ids.from), await decisions(ids.into)]
    assert.ok(before.every((one) => [...one.values()].includes(true)))
    await life().merge(at(ids.boss), ids.from, ids.into)
    const now = await decisions(ids.into)
    for (const could of before)
      for (const [ask, allowed] of could) if (allowed) assert.ok(now.get(ask), `${ask} was lost`)
    assert.ok(![...(await decisions(ids.from)).values()].includes(true))
    const { get } = rooms()
    assert.equal((await get('accounts').find(ids.from))?.state, 'deactivated')
    assert.deepEqual(await get('sessions').list(ids.from), [])
    assert.equal((await get('tokens').list({ account: ids.from, limit: 9 })).rows[0]?.state, 'revoked')
    assert.deepEqual(await get('consents').list(ids.from), [])
    for (const model of ['Session', 'Grant', 'AccessToken'])
      assert.deepEqual(await get('storage').artifacts.listByAccount(ids.from, model), [], model)
    assert.equal((await get('serviceAccounts').find('robot'))?.parent, ids.into)
    assert.equal(await get('accounts').mayAct(ids.robot), true)
  })

  test('a moved way to sign in opens INTO', async () => {
    const agent = newBrowser()
    const page = await signInByEmail(world.site, agent, {
      at: new URL('/account', world.site.issuer),
      email: 'gracie@home.example',
    })
    assert.match(page.text, /gracebrew/)
  })

  test('merged once is merged: done again it is the same, the other way it is refused', async () => {
    const lines = () => rooms().get('storage').audit.list({ type: 'account.merged', limit: 9 })
    const count = (await lines()).length
    await life().merge(house, ids.from, ids.into)
    assert.equal((await lines()).length, count)
    await assert.rejects(life().merge(house, ids.into, ids.from), { code: 'ERR_CONFLICT' })
    await assert.rejects(rooms().get('accounts').setState(ids.from, 'active'), { code: 'ERR_CONFLICT' })
    await assert.rejects(rooms().get('standing').setState(house, ids.from, 'active'), { code: 'ERR_CONFLICT' })
  })

  test('an export has everything, of plugins too, and nothing that opens anything', async () => {
    await assert.rejects(life().exportOf(at(ids.robot), ids.into), { code: 'ERR_FORBIDDEN' })
    const all = await life().exportOf(at(ids.into), ids.into)
    assert.equal((all.account as { username: string }).username, 'gracebrew')
    assert.equal(all.merged.length, 1)
    assert.deepEqual(
      all.identities.map((one) => (one as { subject: string }).subject).toSorted(),
      [sub, 'gracie@home.example'].toSorted(),
    )
    for (const part of ['groups', 'managedGroups', 'grants', 'acceptances', 'requests', 'tokens'] as const)
      assert.ok(all[part].length > 0, part)
    for (const part of ['sessions', 'consents', 'issued', 'serviceAccounts', 'history'] as const)
      assert.ok(all[part].length > 0, part)
    assert.deepEqual(all.plugins.notes, [{ note: 'another note on my ship' }, { note: 'a note on my ship' }])
    assert.deepEqual(all.missing, [])
    const text = JSON.stringify(all)
    assert.doesNotMatch(text, /"(?:digest|kept|jti|providerUid|secret|value_digest)":(?!"[0-9a-f]{64}")/)
    assert.doesNotMatch(text, /198\.51\.100\.1/)
  })

  test('the history is the person’s, without from where others acted', async () => {
    const own = await life().history(ids.into, { seenBy: 'self', limit: 100 })
    assert.ok(own.rows.some(({ type, address }) => type === 'sign-in.done' && address !== undefined))
    assert.ok(own.rows.every(({ actor, address }) => actor !== ids.boss || address === undefined))
    const seen = await life().history(ids.into, { seenBy: 'admin', limit: 100 })
    assert.ok(seen.rows.some(({ address }) => address === '198.51.100.1'))
    const first = await life().history(ids.into, { seenBy: 'self', limit: 2 })
    const second = await life().history(ids.into, { seenBy: 'self', limit: 2, before: first.next })
    assert.deepEqual(
      [...first.rows, ...second.rows].map(({ id }) => id),
      own.rows.slice(0, 4).map(({ id }) => id),
    )
  })

  test('a person reads their history and takes their data away, by a form of this page only', async () => {
    const agent = newBrowser()
    await signInAs(agent, sub, new URL('/account', world.site.issuer))
    const page = await agent.open(new URL('/account/history', world.site.issuer))
    assert.match(page.text, /Signed in/)
    assert.doesNotMatch(page.text, /198\.51\.100\.1/)
    const taken = await agent.press(page, 'Download your data')
    assert.equal(taken.status, 200)
    const all = JSON.parse(taken.text) as { account: { id: string }; plugins: object }
    assert.equal(all.account.id, ids.into)
    const form = page.forms.find(({ buttons }) => buttons.some(({ text }) => text.includes('Download')))
    const forged = await agent.submit(page, form, { _csrf: 'x' })
    assert.equal(forged.status, 403)
  })

  test('nobody but an admin erases, and the last admin stays', async () => {
    await assert.rejects(life().erase(at(ids.into), ids.into), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(life().erase(house, ids.boss), { code: 'ERR_CONFLICT' })
  })

  test('an erasure that a plugin breaks is finished by the next', async () => {
    assert.deepEqual(new Set(found(['gracebrew', 'grace@navy']).map((one) => one.split(' ')[0])).size, 2)
    notebook().broken = true
    await assert.rejects(life().erase(at(ids.boss), ids.into), { code: 'ERR_PLUGIN' })
    assert.equal(await rooms().get('accounts').mayAct(ids.into), false)
    notebook().broken = false
    const done = await life().erase(at(ids.boss), ids.into)
    assert.deepEqual(done, { account: ids.into, merged: [ids.from], inConfig: [] })
    assert.deepEqual(notebook().erased.toSorted(), [ids.from, ids.into].toSorted())
    assert.equal(await notebook().read(ids.into), undefined)
  })

  test('nothing in the database tells who it was', async () => {
    assert.deepEqual(found(traces), [])
    const database = new Database(rooms().get('config').database.file, { readonly: true })
    const of = (sql: string) => database.prepare(sql).all(...[ids.into, ids.from].slice(0, sql.split('?').length - 1))
    assert.deepEqual(
      of('select 1 from audit_event where address is not null and (actor is null and account = ? or actor = ?)'),
      [],
    )
    assert.deepEqual(of('select 1 from artifact where account in (?, ?)'), [])
    assert.deepEqual(of('select 1 from browser_session where account in (?, ?)'), [])
    assert.deepEqual(of('select 1 from identity where account_id in (?, ?)'), [])
    assert.deepEqual(of('select 1 from api_token where account_id in (?, ?)'), [])
    assert.equal(of('select 1 from terms_acceptance where account_id in (?, ?) and address is null').length, 1)
    assert.equal(of('select 1 from retired_name').length, 2)
    database.close()
    const left = await rooms().get('accounts').find(ids.into)
    assert.deepEqual([left?.state, left?.displayName, left?.email], ['deactivated', '', undefined])
    await life().erase(house, ids.into)
    assert.deepEqual(found(traces), [])
  })

  test('who comes again is somebody new, under another name', async () => {
    const agent = newBrowser()
    const page = await signInAs(agent, sub, new URL('/account', world.site.issuer))
    assert.match(page.text, /gracebrew2/)
    const again = await idOf('grace@navy.example')
    assert.ok(![ids.into, ids.from].includes(again))
    assert.ok(![...(await decisions(again)).values()].includes(true))
    await assert.rejects(
      rooms().get('serviceAccounts').create(house, { username: 'gracebrew', displayName: 'Another' }),
      { code: 'ERR_CONFLICT' },
    )
  })
})

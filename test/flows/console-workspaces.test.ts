/** The console’s room for workspaces over HTTP: seen and changed by site admins alone, with a new sign-in. @module */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newBrowser, textOf, titleOf } from '../support/flow.ts'
import { signInByEmail } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const formTo = (page: Page, action: RegExp) => page.forms.find((form) => action.test(form.action))

describe('the console’s room for workspaces', () => {
  let world: WorkspaceWorld
  let boss: UserAgent
  let plain: UserAgent
  const room = () => world.site.labgate.rooms.get('workspaces')
  const at = (path: string) => `${world.site.issuer}/console/workspaces${path}`
  const enter = async (email: string) => {
    const agent = newBrowser()
    await signInByEmail(world.site, agent, { at: `${world.site.issuer}/account`, email })
    return agent
  }
  const start = async (profile = 'notebook') => {
    const { id } = await room().request(world.as(world.alice), { account: world.alice, profile, title: `T ${attack}` })
    await world.until(id, 'ready', 'failed')
    return id
  }

  before(async () => {
    const quotas = { user: { instances: 3 }, groups: { imaging: { memory: '8g' } } }
    world = await workspaceWorld({
      admins: ['email:boss@example.org'],
      workspaces: { quotas, profiles: testProfiles },
    })
    boss = await enter('boss@example.org')
    plain = await enter('plain@example.org')
  })
  after(() => world.stop())

  test('is for site admins: nobody else sees a page or posts a form', async () => {
    const id = await start()
    for (const path of ['', `/${id}`, '/new', '/quotas', '/usage', '/usage.csv']) {
      assert.equal((await plain.open(at(path))).status, 403, path)
      assert.equal((await boss.open(at(path))).status, 200, path)
    }
    const page = await boss.open(at(''))
    const forms = [
      '/drain',
      '/new',
      '/message',
      '/quotas',
      '/quotas/remove',
      ...['stop', 'remove', 'extend', 'guests', 'guests/x/remove'].map((one) => `/${id}/${one}`),
    ]
    for (const path of forms) {
      const stolen = formTo(page, /\/drain$/)
      assert.equal((await plain.submit(page, stolen, {}, `/console/workspaces${path}`)).status, 403, path)
      const forged = await boss.submit(page, stolen, { _csrf: 'x'.repeat(43) }, `/console/workspaces${path}`)
      assert.equal(forged.status, 403, path)
    }
    assert.equal((await room().find(id))?.wanted, 'running')
  })

  test('lists and filters; one page tells everything, with its lines when they are asked for', async () => {
    const failed = await start('crashing')
    const all = await boss.open(at(''))
    assert.doesNotMatch(all.text, /<script>alert|<img src=x/)
    assert.match(textOf(all), /alice/)
    assert.match(all.text, new RegExp(failed))
    const running = await boss.open(at('?state=running&profile=notebook&runner=here&account=alice'))
    assert.doesNotMatch(running.text, new RegExp(failed))
    assert.match(running.text, /href="\/console\/workspaces\/w/)
    for (const none of ['?state=lost', '?account=nobody', '?runner=there', '?search=zzz', '?state=nonsense'])
      assert.doesNotMatch((await boss.open(at(none))).text, /href="\/console\/workspaces\/w/, none)
    const [one] = (await room().list({ states: ['ready'], limit: 1 })).rows
    const page = await boss.open(at(`/${one?.id}`))
    assert.match(textOf(page), /Asked for\..*Ready\./)
    assert.doesNotMatch(page.text, /<script>alert|app at \//)
    assert.match(textOf(await boss.open(at(`/${one?.id}?logs=1`))), /app at \//)
    assert.match(textOf(await boss.open(at(`/${failed}`))), /cannot find the licence/)
    assert.equal((await boss.open(at('/wnosuchworkspace'))).status, 404)
  })

  test('what is removed by force needs a reason, which the trail keeps; a stop takes one', async () => {
    const id = await start()
    const page = await boss.open(at(`/${id}`))
    const silent = await boss.submit(page, formTo(page, /\/remove$/), { why: ' ' })
    assert.equal(silent.status, 400)
    assert.equal((await room().find(id))?.wanted, 'running')
    await boss.submit(page, formTo(page, /\/remove$/), { why: `it hangs ${attack}` })
    await world.until(id, 'stopped')
    const trail = await world.site.labgate.rooms.get('storage').audit.list({ type: 'workspace.removed', limit: 5 })
    assert.equal((trail[0]?.detail as { why?: string } | undefined)?.why, `it hangs ${attack}`)
    assert.match(textOf(await boss.open(at(`/${id}`))), /An administrator stopped it/)
    const gone = await boss.open(at(`/${id}`))
    assert.match(textOf(await boss.submit(gone, formTo(gone, /\/forget$/))), /Its record is gone/)
  })

  test('one is started for somebody, with a size and a name, and by the rules that count for them', async () => {
    const page = await boss.open(at('/new'))
    const form = formTo(page, /\/new$/)
    const ask = (fields: Record<string, string>) => boss.submit(page, form, fields)
    const app = JSON.stringify(['notebook', ''])
    const options = [...page.text.matchAll(/<option value="([^"]*)"/g)].map(([, value = '']) =>
      value.replaceAll('&quot;', '"').replaceAll('&#34;', '"'),
    )
    const first = options.find((value) => value.startsWith('["notebook"')) ?? app
    assert.equal((await ask({ account: 'nobody at all', app: first })).status, 400)
    assert.notEqual((await ask({ account: 'alice', app: '["made-up",""]' })).status, 200)
    const started = await ask({ account: 'alice', app: first, title: 'For Alice' })
    assert.equal(titleOf(started), 'For Alice')
    assert.match(textOf(started), /It is being started/)
    const [one] = (await room().list({ search: 'For Alice', limit: 1 })).rows
    assert.equal(one?.account, world.alice)
    await room().stop(world.as(world.alice), one?.id ?? '')
    await world.until(one?.id ?? '', 'stopped')
  })

  test('others are let in and shut out', async () => {
    const id = await start()
    const page = await boss.open(at(`/${id}`))
    const odd = await boss.submit(page, formTo(page, /\/guests$/), { account: 'nobody at all' })
    assert.equal(odd.status, 400)
    const inside = await boss.submit(page, formTo(page, /\/guests$/), { account: 'bob' })
    assert.match(textOf(inside), /They may enter now/)
    assert.deepEqual((await room().find(id))?.guests, [world.bob])
    const out = await boss.submit(inside, formTo(inside, /\/guests\/[^/]+\/remove$/))
    assert.match(textOf(out), /may not enter any more/)
    assert.deepEqual((await room().find(id))?.guests, [])
    await room().stop(world.as(world.alice), id)
    await world.until(id, 'stopped')
  })

  test('a place that is drained takes nothing new, until it is opened again', async () => {
    const page = await boss.open(at(''))
    const drained = await boss.submit(page, formTo(page, /\/drain$/))
    assert.match(textOf(drained), /here takes nothing new now/)
    await assert.rejects(
      room().request(world.as(world.bob), { account: world.bob, profile: 'notebook' }),
      /takes nothing new/,
    )
    const odd = await boss.submit(drained, formTo(drained, /\/drain$/), { place: 'elsewhere', state: 'on' })
    assert.match(textOf(odd), /no such place/)
    assert.deepEqual(await room().drained(), ['here'])
    const open = await boss.submit(drained, formTo(drained, /\/drain$/))
    assert.match(textOf(open), /takes new ones again/)
    assert.deepEqual(await room().drained(), [])
  })

  test('a word reaches the pages of those it is for', async () => {
    const page = await boss.open(at(''))
    const nobody = await boss.submit(page, formTo(page, /\/message$/), { text: 'At noon', account: 'nobody at all' })
    assert.equal(nobody.status, 400)
    assert.match(nobody.text, />\s*At noon</)
    const told = await boss.submit(page, formTo(page, /\/message$/), { text: `At noon ${attack}`, account: 'alice' })
    assert.match(textOf(told), /owners were told: 1/)
    const [one] = (await room().list({ states: ['ready'], limit: 1 })).rows
    assert.ok(
      (await room().events(one?.id ?? '')).some(({ kind, text }) => kind === 'message' && text.startsWith('At noon')),
    )
    assert.match((await world.site.mail('alice@example.org')).text, /At noon/)
  })

  test('quotas: the config’s are shown, others are set, refused when they are nonsense, and taken back', async () => {
    const page = await boss.open(at('/quotas'))
    assert.match(textOf(page), /Every person kept in the config file 3/)
    const set = (fields: Record<string, string>) => boss.submit(page, formTo(page, /\/quotas$/), fields)
    for (const fields of [
      { of: 'site', memory: 'much' },
      { of: 'site', cpus: '-1' },
      { of: 'site', instances: '1e9' },
      { of: 'account', name: 'nobody at all', instances: '1' },
      { of: 'group', name: 'Not A Slug', instances: '1' },
    ] as Record<string, string>[]) {
      const answer = await set(fields)
      assert.equal(answer.status, 400, JSON.stringify(fields))
      for (const value of Object.values(fields).slice(1)) assert.match(answer.text, new RegExp(`value="${value}"`))
    }
    const done = await set({ of: 'account', name: 'alice', instances: '1', memory: '2 GiB', cpus: '0.5' })
    assert.match(textOf(done), /alice 1 2 GiB 0\.5/)
    const line = (await room().quotas()).find(({ scope }) => scope === `account:${world.alice}`)
    assert.deepEqual(line?.quota, { instances: 1, memoryBytes: 2 * 1024 ** 3, milliCpus: 500 })
    const back = await boss.submit(done, formTo(done, /\/quotas\/remove$/))
    assert.match(textOf(back), /counts no more/)
    assert.equal(
      (await room().quotas()).some(({ scope }) => scope.startsWith('account:')),
      false,
    )
  })

  test('leases: the config’s are shown, others are set, refused when they are nonsense, and taken back', async () => {
    const page = await boss.open(at('/quotas'))
    const set = (fields: Record<string, string>) => boss.submit(page, formTo(page, /\/leases$/), fields)
    for (const fields of [
      { first: 'long', extension: '1h', max: '1d' },
      { first: '2d', extension: '1h', max: '1d' },
      { first: '1s', extension: '1h', max: '1d' },
      { first: '400d', extension: '1h', max: '400d' },
    ]) {
      const answer = await set(fields)
      assert.equal(answer.status, 400, JSON.stringify(fields))
      assert.match(answer.text, new RegExp(`value="${fields.first}"`))
    }
    assert.equal((await room().leases()).source, 'config')
    const done = await set({ first: '90m', extension: '2h', max: '3h' })
    for (const value of ['90m', '2h', '3h']) assert.match(done.text, new RegExp(`value="${value}"`))
    const { id, createdAt, leaseEndsAt, leaseLimitAt } = await world.ready()
    const minutes = (until: Date) => Math.round((until.getTime() - createdAt.getTime()) / 60_000)
    assert.deepEqual([minutes(leaseEndsAt), minutes(leaseLimitAt)], [90, 180])
    assert.equal(minutes((await room().extend(world.as(world.alice), id)).leaseEndsAt), 120)
    await room().stop(world.as(world.alice), id)
    await world.until(id, 'stopped')
    const fresh = await boss.open(at('/quotas'))
    assert.match(textOf(await boss.submit(fresh, formTo(fresh, /\/leases\/remove$/))), /counts no more/)
    assert.equal((await room().leases()).source, 'config')
  })

  test('usage is told by person and by group, and its table runs no formula in a spreadsheet', async () => {
    const { accounts, groups } = {
      accounts: world.site.labgate.rooms.get('accounts'),
      groups: world.site.labgate.rooms.get('groups'),
    }
    await accounts.setDisplayName(world.alice, '=HYPERLINK("http://evil.example")')
    await groups.create({ kind: 'system', name: 'test' }, { slug: 'imaging', title: 'Imaging' })
    await groups.addMember({ kind: 'system', name: 'test' }, 'imaging', world.alice)
    world.clock.forward(3600)
    const page = await boss.open(at('/usage'))
    assert.match(textOf(page), /HYPERLINK.* alice [1-9]/)
    assert.match(textOf(await boss.open(at('/usage?by=group'))), /imaging [1-9]/)
    const csv = await boss.open(at('/usage.csv?by=account'))
    assert.match(
      csv.headers.get('content-disposition') ?? '',
      /^attachment; filename="usage-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv"$/,
    )
    assert.match(csv.text, /"alice","'=HYPERLINK\(""http:\/\/evil\.example""\)"/)
    const never = await boss.open(at('/usage?from=2001-01-01&until=2001-02-31'))
    assert.equal(never.status, 200)
    assert.match(textOf(await boss.open(at('/usage?from=2001-01-01&until=2001-01-31'))), /Nothing|none/i)
  })

  test('changes ask for a new sign-in', async () => {
    const page = await boss.open(at('/quotas'))
    world.clock.forward(3600)
    const stale = await boss.submit(page, formTo(page, /\/quotas$/), { of: 'site', instances: '7' })
    assert.equal(stale.status, 403)
    assert.match(stale.text, /name="instances" value="7"/)
    assert.match(textOf(stale), /Sign in again/)
    assert.equal((await room().quotas()).find(({ scope }) => scope === 'site')?.quota.instances, undefined)
  })

  test('there is no such room where no apps are offered', async () => {
    assert.equal(titleOf(await boss.open(`${world.site.issuer}/console`)), 'Console')
    assert.match((await boss.open(`${world.site.issuer}/console`)).text, /href="\/console\/workspaces"/)
    const { roomsOf } = await import('../../core/console/admin.ts')
    const rights = await world.site.labgate.rooms.get('stewards').rightsOf(world.admin)
    assert.equal(
      roomsOf(rights, []).some(({ name }) => name === 'workspaces'),
      false,
    )
  })
})

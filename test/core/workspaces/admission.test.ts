/** Who may have how much: quotas, at the moment of asking and whoever else asks. @module */
import assert from 'node:assert/strict'
import { after, beforeEach, suite, test } from 'node:test'
import { isFault } from '@labgate/contract'
import { GroupEntity, MembershipEntity } from '../../../core/storage/entities.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

const GiB = 1024 ** 3
const conflict = (pattern: RegExp) => (error: unknown) =>
  isFault(error) && error.code === 'ERR_CONFLICT' && pattern.test(error.message)

suite('admission to quota', async () => {
  const notebook = { ...testProfiles.notebook, sizes: { ...testProfiles.notebook.sizes, any: {} } }
  const world: WorkspaceWorld = await workspaceWorld({
    workspaces: { profiles: { ...testProfiles, notebook }, quotas: { user: { instances: 8 } } },
  })
  const { alice, bob, admin, as, until } = world
  const { get } = world.site.labgate.rooms
  const room = () => get('workspaces')
  const none = { instances: undefined, memoryBytes: undefined, milliCpus: undefined }
  const ask = (account: string, size = 'small') => room().request(as(account), { account, profile: 'notebook', size })
  const end = async () => {
    for (const { id, endedAt } of (await room().list({ limit: 1000 })).rows) {
      if (endedAt) continue
      await room().stop(as(admin), id)
      await until(id, 'stopped')
    }
  }
  after(() => world.stop())
  beforeEach(async () => {
    await end()
    for (const { scope, source } of await room().quotas())
      if (source === 'console') await room().setQuota(as(admin), scope, undefined)
  })

  test('of twenty who ask at once for one place, one gets it', async () => {
    await room().setQuota(as(admin), 'site', { ...none, instances: 1 })
    const asked = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => ask(index % 2 ? alice : bob)))
    assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const one of asked) if (one.status === 'rejected') assert.ok(conflict(/this site/)(one.reason), one.reason)
    assert.equal((await room().list({ limit: 100 })).rows.filter(({ endedAt }) => !endedAt).length, 1)
  })

  test('the share of one that failed or was stopped is free again', async () => {
    await room().setQuota(as(admin), 'user', { ...none, instances: 1 })
    const { id } = await room().request(as(alice), { account: alice, profile: 'crashing' })
    await assert.rejects(ask(alice), conflict(/one person.*workspaces: 1 of 1/))
    await until(id, 'failed')
    const next = await ask(alice)
    await until(next.id, 'ready')
    await assert.rejects(ask(alice), conflict(/one person/))
    await ask(bob)
    await room().stop(as(alice), next.id)
    await until(next.id, 'stopped')
    await ask(alice)
  })

  test('memory and CPUs are weighed, and a size without a limit fits under no quota of that kind', async () => {
    await room().setQuota(as(admin), 'user', { ...none, memoryBytes: 5 * GiB, milliCpus: 2500 })
    await ask(alice, 'large')
    await assert.rejects(ask(alice, 'large'), conflict(/memory: 4 GiB of 5 GiB/))
    await assert.rejects(ask(alice, 'any'), conflict(/no limit of its own/))
    await room().setQuota(as(admin), 'user', { ...none, milliCpus: 2500 })
    await assert.rejects(ask(alice, 'small'), conflict(/CPUs: 2 of 2.5/))
    await assert.rejects(ask(alice, 'any'), conflict(/no limit of its own/))
    await room().setQuota(as(admin), 'user', { ...none, instances: 5 })
    await ask(alice, 'any')
  })

  test('a quota of the console goes before the config’s, one of an account before everybody’s', async () => {
    assert.deepEqual((await room().quotas()).find(({ scope }) => scope === 'user')?.source, 'config')
    await room().setQuota(as(admin), 'user', { ...none, instances: 0 })
    await assert.rejects(ask(alice), conflict(/one person/))
    await room().setQuota(as(admin), `account:${alice}`, { ...none, instances: 1 })
    await ask(alice)
    await assert.rejects(ask(bob), conflict(/one person/))
    await assert.rejects(room().setQuota(as(alice), 'user', none), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(room().setQuota(as(admin), 'everybody', none), { code: 'ERR_INPUT' })
  })

  test('a group’s members share what it has', async () => {
    await get('storage').transaction(async (em) => {
      em.create(GroupEntity, { slug: 'imaging', title: 'Imaging' } as never)
      await em.flush()
      for (const account of [alice, bob])
        em.create(MembershipEntity, { account, group: 'imaging', source: 'admin', at: new Date() } as never)
    })
    await room().setQuota(as(admin), 'group:imaging', { ...none, instances: 1 })
    await ask(alice)
    await assert.rejects(ask(bob), conflict(/the group imaging/))
    await room().request(as(admin), { account: admin, profile: 'notebook' })
  })

  test('a restart keeps its share: nobody takes its place meanwhile', async () => {
    await room().setQuota(as(admin), 'site', { ...none, instances: 1 })
    const { id } = await ask(alice)
    await until(id, 'ready')
    const before = world.processes()
    world.fault('hold-terminate')
    await room().restart(as(alice), id)
    await until(id, 'stopping')
    await assert.rejects(ask(bob), conflict(/this site/))
    world.clear('hold-terminate')
    await until(id, 'ready')
    assert.notDeepEqual(world.processes(), before)
    await assert.rejects(ask(bob), conflict(/this site/))
  })

  test('one that has ended is weighed again when it begins anew', async () => {
    const { id } = await ask(alice)
    await until(id, 'ready')
    await room().stop(as(alice), id)
    await until(id, 'stopped')
    await room().setQuota(as(admin), 'site', { ...none, instances: 1 })
    await ask(bob)
    await assert.rejects(room().restart(as(alice), id), conflict(/this site/))
    assert.equal((await room().find(id))?.state, 'stopped')
  })

  test('launchpad 2.5: what is asked for is held against what is offered, whatever a form sends', async () => {
    const asking = (more: object) => room().request(as(alice), { account: alice, profile: 'notebook', ...more })
    await assert.rejects(asking({ size: '32g' }), { code: 'ERR_INPUT' })
    await assert.rejects(asking({ image: 'evil' }), { code: 'ERR_INPUT' })
    await assert.rejects(asking({ profile: 'other' }), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(asking({ account: bob }), { code: 'ERR_FORBIDDEN' })
  })
})

test('the 101st start at once is asked to come back, and says when', async () => {
  const world = await workspaceWorld()
  try {
    const { alice, as } = world
    const room = world.site.labgate.rooms.get('workspaces')
    world.fault('hold-begin')
    const asked = await Promise.allSettled(
      Array.from({ length: 101 }, () => room.request(as(alice), { account: alice, profile: 'notebook' })),
    )
    const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    assert.equal(refused.length, 1)
    assert.ok(isFault(refused[0]))
    assert.equal(refused[0].code, 'ERR_RATE')
    assert.equal(refused[0].retryAfterSeconds, 30)
    const ids = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : []))
    for (const id of ids) await room.stop(as(alice), id)
    await Promise.all(ids.map((id) => world.until(id, 'stopped')))
    assert.deepEqual(world.processes(), [])
  } finally {
    await world.stop()
  }
})

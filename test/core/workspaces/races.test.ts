/** Wishes that cross each other, clocks that jump, profiles that go: one life at a time, and nothing left of it. @module */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, suite, test } from 'node:test'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

suite('wishes that cross each other', async () => {
  const world: WorkspaceWorld = await workspaceWorld({
    workspaces: { lease: { first: '1h', extension: '1h', max: '10h', warning: '5m' }, grace: '1s' },
  })
  const { alice, admin, as, until, clock, look } = world
  const room = () => world.site.labgate.rooms.get('workspaces')
  const ended = ['stopped', 'failed', 'expired'] as const
  afterEach(async () => {
    for (const name of ['hold-begin', 'slow']) world.clear(name)
    for (const { id, endedAt } of (await room().list({ limit: 1000 })).rows) {
      if (endedAt) continue
      await room().stop(as(admin), id)
      await until(id, ...ended)
    }
    assert.deepEqual(world.processes(), [])
  })
  after(() => world.stop())

  test('thirty at once, of owner and admins, make no second process, no gap in what is told, and end where the last stop says', async () => {
    const { id } = await world.ready()
    const wishes = [
      () => room().restart(as(alice), id),
      () => room().stop(as(alice), id),
      () => room().extend(as(alice), id),
      () => room().restart(as(admin), id),
      () => room().stop(as(admin), id, { why: 'crossing' }),
      () => look(),
    ]
    let most = 0
    const counting = setInterval(() => {
      most = Math.max(most, world.processes().length)
    }, 5)
    await Promise.allSettled(Array.from({ length: 30 }, (_, index) => wishes[index % wishes.length]?.()))
    // Its worker comes to an end of what was wished, whatever that was.
    await until(id, 'ready', ...ended)
    clearInterval(counting)
    assert.ok(most <= 1, `${most} processes at once`)
    const now = await room().find(id)
    if (!now?.endedAt) await room().stop(as(alice), id)
    await until(id, ...ended)
    const events = await room().events(id)
    assert.deepEqual(
      events.map(({ number }) => number),
      events.map((_, index) => index + 1),
    )
  })

  test('an extension in the moment of the end is one or the other, never both', async () => {
    for (let round = 0; round < 4; round++) {
      const { id, leaseEndsAt } = await world.ready()
      clock.forward((leaseEndsAt.getTime() - clock.now().getTime()) / 1000 + 1)
      const [extended] = await Promise.allSettled([room().extend(as(alice), id), look()])
      await look()
      const now = extended.status === 'fulfilled' ? await until(id, 'ready', 'idle') : await until(id, 'expired')
      assert.equal(now.leaseEndsAt > clock.now(), extended.status === 'fulfilled')
      if (!now.endedAt) {
        await room().stop(as(alice), id)
        await until(id, 'stopped')
      }
    }
  })

  test('a place that is drained while one starts there keeps that one, and takes no other', async () => {
    world.fault('hold-begin')
    const { id } = await room().request(as(alice), { account: alice, profile: 'notebook' })
    await room().drain(as(admin), 'here', 'on')
    world.clear('hold-begin')
    await until(id, 'ready')
    await assert.rejects(room().request(as(alice), { account: alice, profile: 'notebook' }), { code: 'ERR_CONFLICT' })
    await room().drain(as(admin), 'here', 'off')
  })

  test('a clock that jumps back ends nothing, extends nothing beyond the cap, and hurts nobody when it is right again', async () => {
    const { id, leaseLimitAt } = await world.ready()
    clock.forward(-2 * 86_400)
    room().touch(id)
    await look()
    await room()
      .extend(as(alice), id)
      .catch(() => undefined)
    const back = await room().find(id)
    assert.equal(back?.state, 'ready')
    assert.ok((back?.leaseEndsAt ?? 0) <= leaseLimitAt)
    assert.ok(await room().way(id, alice))
    clock.forward(2 * 86_400)
    room().touch(id)
    await look()
    assert.equal((await room().find(id))?.state, 'ready')
  })

  test('a runner that is late with its launch starts nothing that nobody wants any more', async () => {
    world.fault('slow')
    const { id } = await room().request(as(alice), { account: alice, profile: 'notebook' })
    while (world.processes().length === 0) await new Promise((done) => setTimeout(done, 10))
    await room().stop(as(alice), id)
    world.clear('slow')
    await until(id, 'stopped')
    await look()
    assert.deepEqual(world.processes(), [])
  })
})

test('one whose profile is called otherwise now lets nobody in, runs on, and can be stopped', async () => {
  const root = mkdtempSync(join(tmpdir(), 'labgate-profiles-'))
  const [places, data] = [join(root, 'places'), join(root, 'data')]
  const before = await workspaceWorld({}, { places, data })
  const { id } = await before.ready()
  const processes = before.processes()
  // Its folder stays.
  await before.site.labgate.stop()
  const world = await workspaceWorld(
    { workspaces: { profiles: { laboratory: testProfiles.notebook } } },
    { places, data },
  )
  try {
    const { alice, as } = world
    const room = world.site.labgate.rooms.get('workspaces')
    await world.look()
    assert.deepEqual([(await room.find(id))?.state, world.processes()], ['ready', processes])
    assert.equal(await room.way(id, alice), undefined)
    await assert.rejects(room.restart(as(alice), id), { code: 'ERR_CONFLICT', message: /not offered any more/ })
    assert.deepEqual(world.processes(), processes, 'nothing was lost by that')
    await room.stop(as(alice), id)
    await world.until(id, 'stopped')
    assert.deepEqual(world.processes(), [])
  } finally {
    await world.stop()
  }
})

/** What becomes of the workspaces of people who are erased, merged or handed what is kept of them. @module */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

suite('workspaces of a person who goes', async () => {
  const world: WorkspaceWorld = await workspaceWorld({ workspaces: { origin: 'http://*.localhost', grace: '1s' } })
  const { alice, bob, admin, as, until } = world
  const { get } = world.site.labgate.rooms
  const room = () => get('workspaces')
  const newcomer = (username: string) =>
    get('storage').transaction((em) =>
      get('accounts').createIn(em, {
        facts: [{ claim: 'preferred_username', value: username, trust: 'verified' as const }],
        ...({ role: 'user', state: 'active' } as const),
      }),
    )
  after(() => world.stop())

  test('an export tells of them, without what opens one', async () => {
    const { id } = await world.ready(alice)
    await room().invite(as(alice), id, bob)
    const told = await get('life').exportOf(as(alice), alice)
    const [one] = told.workspaces as { id: string; events: unknown[] }[]
    assert.equal(one?.id, id)
    assert.ok((one?.events.length ?? 0) >= 4)
    assert.ok(!/secrets|runnerState|planHash/.test(JSON.stringify(told.workspaces)))
    const guest = await get('life').exportOf(as(bob), bob)
    assert.equal(guest.guestOf.length, 1)
  })

  test('an erasure waits until nothing runs, and leaves no record', async () => {
    const zoe = await newcomer('zoe')
    const { id } = await world.ready(zoe)
    const running = world.processes().length
    await get('life').erase(as(admin), zoe)
    assert.equal(world.processes().length, running - 1)
    assert.equal(await room().find(id), undefined)
    assert.equal((await room().list({ account: zoe, limit: 1 })).total, 0)
  })

  test('a merge ends what ran for FROM; whoever let FROM in has let INTO in', async () => {
    const [from, into] = [await newcomer('from'), await newcomer('into')]
    const own = await world.ready(from)
    const shared = (await room().list({ account: alice, states: ['ready'], limit: 1 })).rows[0]?.id ?? assert.fail()
    await room().invite(as(alice), shared, from)
    await get('life').merge(as(admin), from, into)
    assert.equal((await until(own.id, 'stopped')).stopReason, 'account')
    assert.ok(await room().way(shared, into))
    assert.equal(await room().way(shared, from), undefined)
  })

  test('guests come in on origins of their own only', async () => {
    const { id } = await world.ready(alice)
    await assert.rejects(room().invite(as(bob), id, bob), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(room().invite(as(alice), id, alice), { code: 'ERR_INPUT' })
    await assert.rejects(room().invite(as(alice), id, 'nobody'), { code: 'ERR_NOT_FOUND' })
    await room().invite(as(alice), id, bob)
    assert.ok(await room().way(id, bob))
    await get('accounts').setState(bob, 'deactivated')
    assert.equal(await room().way(id, bob), undefined)
  })
})

test('guests are refused where workspaces share an origin', async () => {
  const world = await workspaceWorld({ workspaces: { origin: 'http://work.localhost' } })
  try {
    const { alice, bob, as } = world
    const room = world.site.labgate.rooms.get('workspaces')
    const { id } = await world.ready(alice)
    await assert.rejects(room.invite(as(alice), id, bob), { code: 'ERR_CONFLICT' })
    assert.equal((await room.way(id, alice))?.basePath, `/w/${id}/`)
  } finally {
    await world.stop()
  }
})

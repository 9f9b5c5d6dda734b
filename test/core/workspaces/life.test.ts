/** The life of workspaces, with processes of this machine as the place to run. @module */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

suite('a workspace', () => {
  let world: WorkspaceWorld
  const room = () => world.site.labgate.rooms.get('workspaces')
  const left = () => (existsSync(join(world.folder, 'running')) ? readdirSync(join(world.folder, 'running')) : [])

  before(async () => {
    world = await workspaceWorld()
  })
  after(() => world.stop())

  test('goes from asked for to ready, tells each step, and leaves nothing when it is stopped', async () => {
    const { alice, as, until } = world
    const asked = await room().request(as(alice), { account: alice, profile: 'notebook' })
    assert.equal(asked.state, 'reserved')
    const ready = await until(asked.id, 'ready')
    assert.deepEqual(left(), [asked.id])
    const way = await room().way(ready.id, alice)
    assert.ok(way?.headers.authorization?.startsWith('token '))
    assert.equal(await room().way(ready.id, world.bob), undefined)
    await room().stop(as(alice), ready.id)
    await until(ready.id, 'stopped')
    assert.deepEqual(left(), [])
    const kinds = (await room().events(ready.id)).map(({ kind }) => kind)
    assert.deepEqual(
      kinds.filter((kind) => kind !== 'progress'),
      ['requested', 'reserved', 'starting', 'ready', 'stopping', 'stopped'],
    )
  })

  test('says why it did not start, with the last lines of the app', async () => {
    const { alice, as, until } = world
    const { id } = await room().request(as(alice), { account: alice, profile: 'crashing' })
    const failed = await until(id, 'failed')
    assert.equal(failed.trouble?.code, 'crash')
    assert.deepEqual(failed.trouble?.logs.at(-1), 'cannot find the licence')
    assert.deepEqual(left(), [])
  })

  test('is given up when it is not ready in time', async () => {
    const { alice, as, until } = world
    const { id } = await room().request(as(alice), { account: alice, profile: 'never' })
    const failed = await until(id, 'failed')
    assert.equal(failed.trouble?.code, 'readiness')
    assert.deepEqual(left(), [])
  })

  test('is stopped while it starts', async () => {
    const { alice, as, until } = world
    world.fault('slow')
    const { id } = await room().request(as(alice), { account: alice, profile: 'notebook' })
    await until(id, 'starting')
    await room().stop(as(alice), id)
    await until(id, 'stopped')
    world.clear('slow')
    assert.deepEqual(left(), [])
  })
})

/** What places say they have, held against the records: adopted, left alone, or taken away. @module */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

const runner = join(import.meta.dirname, '../../support/plugins/runner-local.ts')

/** As often as every place is asked for what it has, and once more. */
async function reaped(world: WorkspaceWorld): Promise<void> {
  for (let looks = 0; looks < 11; looks++) await world.look()
}

suite('two runners that look at the same place', async () => {
  const places = mkdtempSync(join(tmpdir(), 'labgate-places-'))
  const twin = { use: runner, config: { folder: places } }
  const profiles = { ...testProfiles, other: { ...testProfiles.notebook, runner: 'twin' } }
  const world = await workspaceWorld({ plugins: { twin }, workspaces: { profiles } }, { places })
  const { alice, as } = world
  const room = () => world.site.labgate.rooms.get('workspaces')
  after(() => world.stop())

  test('leave alone what the other has started', async () => {
    const [one, other] = [await world.ready(alice), await world.ready(alice, 'other')]
    const before = world.processes()
    await reaped(world)
    assert.deepEqual(world.processes(), before)
    for (const { id, runner: of } of [one, other]) {
      const now = await room().find(id)
      assert.deepEqual([now?.state, now?.runner], ['ready', of])
    }
    for (const { id } of [one, other]) {
      await room().stop(as(alice), id)
      await world.until(id, 'stopped')
    }
    assert.deepEqual(world.processes(), [])
  })

  test('kubespawner#786, jupyterhub#4574: one whose kept state is empty is found by its label, and not called down', async () => {
    const { id } = await world.ready(alice)
    const before = world.processes()
    const storage = world.site.labgate.rooms.get('storage')
    await storage.transaction(async (em) => {
      await em.execute('update workspace set runner_state = null, runner_state_version = null where id = ?', [id])
    })
    await reaped(world)
    assert.equal((await room().find(id))?.state, 'ready')
    assert.deepEqual(world.processes(), before)
    assert.equal((await world.app(id, 'api/status')).status, 200)
    await room().stop(as(alice), id)
    await world.until(id, 'stopped')
    assert.deepEqual(world.processes(), [])
  })
})

test('what ran under a runner that has another name now goes on under that', async () => {
  const root = mkdtempSync(join(tmpdir(), 'labgate-renamed-'))
  const [places, data] = [join(root, 'places'), join(root, 'data')]
  const before = await workspaceWorld({}, { places, data })
  const { id } = await before.ready()
  const processes = before.processes()
  // Its folder stays.
  await before.site.labgate.stop()
  const profiles = { notebook: { ...testProfiles.notebook, runner: 'there' } }
  const there = { use: runner, config: { folder: places } }
  const after = await workspaceWorld({ plugins: { here: undefined, there }, workspaces: { profiles } } as never, {
    places,
    data,
  })
  try {
    await reaped(after)
    const room = after.site.labgate.rooms.get('workspaces')
    assert.deepEqual(after.processes(), processes)
    const now = await room.find(id)
    assert.deepEqual([now?.state, now?.runner], ['ready', 'there'])
    assert.equal((await after.app(id, 'api/status')).status, 200)
    await room.stop(after.as(after.alice), id)
    await after.until(id, 'stopped')
    assert.deepEqual(after.processes(), [])
  } finally {
    await after.stop()
  }
})

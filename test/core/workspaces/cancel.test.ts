/** Stopping, restarting and removing in every phase: nothing is left behind, and the last wish counts. @module */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, suite, test } from 'node:test'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

suite('a wish in each phase', async () => {
  const told = { ...testProfiles.notebook, command: [...testProfiles.notebook.command, 'tells'] }
  const world: WorkspaceWorld = await workspaceWorld({
    workspaces: { profiles: { ...testProfiles, told }, grace: '1s' },
  })
  const { alice, bob, admin, as, until } = world
  const { get } = world.site.labgate.rooms
  const room = () => get('workspaces')
  const left = () => (existsSync(join(world.folder, 'running')) ? readdirSync(join(world.folder, 'running')) : [])
  const ask = (profile = 'notebook') => room().request(as(alice), { account: alice, profile })
  const held = async (point: string) => {
    const file = join(world.folder, `held-${point}`)
    for (let tries = 0; tries < 500 && !existsSync(file); tries++) await new Promise((done) => setTimeout(done, 10))
    assert.ok(existsSync(file), point)
    rmSync(file)
  }
  const clear = () => {
    for (const name of readdirSync(join(world.folder, 'faults'))) world.clear(name)
  }
  afterEach(() => {
    clear()
    for (const name of readdirSync(world.folder)) if (name.startsWith('held-')) rmSync(join(world.folder, name))
  })
  after(() => world.stop())

  for (const point of ['begin', 'before-save', 'after-save'])
    test(`jupyterhub#5080: stop while pending (${point}) leaves no process and no folder`, async () => {
      world.fault(`hold-${point}`)
      const { id } = await ask()
      await held(point)
      await room().stop(as(alice), id)
      await until(id, 'stopped')
      assert.deepEqual(left(), [])
      assert.deepEqual(world.processes(), [])
    })

  test('stop right after the request, when it holds its share and nothing else', async () => {
    const { id } = await ask()
    await room().stop(as(alice), id)
    await until(id, 'stopped')
    assert.deepEqual(world.processes(), [])
  })

  test('stop while it is not ready yet', async () => {
    const { id } = await ask('never')
    while ((await room().events(id)).every(({ kind }) => kind !== 'progress'))
      await new Promise((done) => setImmediate(done))
    await room().stop(as(alice), id)
    assert.equal((await until(id, 'stopped', 'failed')).state, 'stopped')
    assert.deepEqual(world.processes(), [])
  })

  test('stop while it is being stopped changes nothing of why', async () => {
    const { id } = await world.ready()
    world.fault('hold-terminate')
    await room().stop(as(alice), id)
    await held('terminate')
    await room().stop(as(admin), id)
    clear()
    assert.equal((await until(id, 'stopped')).stopReason, 'owner')
  })

  test('a stop after a restart is a stop, a restart after a stop a restart', async () => {
    const { id } = await world.ready()
    world.fault('hold-terminate')
    await room().restart(as(alice), id)
    await held('terminate')
    await room().stop(as(alice), id)
    clear()
    await until(id, 'stopped')
    const other = await world.ready()
    world.fault('hold-terminate')
    await room().stop(as(alice), other.id)
    await held('terminate')
    await room().restart(as(alice), other.id)
    clear()
    await until(other.id, 'ready')
    assert.equal(world.processes().length, 1)
    await room().stop(as(alice), other.id)
    await until(other.id, 'stopped')
  })

  test('a runner that hangs holds up neither force nor Labgate', async () => {
    const { id } = await world.ready()
    world.fault('hang')
    await room().stop(as(alice), id)
    await until(id, 'stopping')
    await assert.rejects(room().forceRemove(as(alice), id, 'mine'), { code: 'ERR_FORBIDDEN' })
    // The runner hangs in this try, and throws in the next.
    world.fault('terminate')
    await room().forceRemove(as(admin), id, 'hangs')
    assert.equal((await until(id, 'stopped')).stopReason, 'admin')
    assert.deepEqual(left(), [id])
    clear()
    for (let looks = 0; looks < 10; looks++) await world.look()
    assert.deepEqual(left(), [], 'what was left of an ended one is taken away')
    assert.deepEqual(world.processes(), [])
  })

  test('a place that does not answer keeps the record until it does', async () => {
    const { id } = await world.ready()
    world.fault('terminate')
    await room().stop(as(alice), id)
    for (let tries = 0; tries < 200; tries++)
      if ((await room().events(id)).some(({ text }) => /tried again/.test(text))) break
      else await new Promise((done) => setTimeout(done, 10))
    assert.equal((await room().find(id))?.state, 'stopping')
    clear()
    await world.look()
    await until(id, 'stopped')
    assert.deepEqual(world.processes(), [])
  })

  test('launchpad 2.5: whoever is neither owner nor admin is told there is none', async () => {
    const { id } = await world.ready()
    for (const deed of ['stop', 'restart', 'extend', 'forget'] as const)
      await assert.rejects(room()[deed](as(bob), id), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(room().forget(as(alice), id), { code: 'ERR_CONFLICT' })
    await room().stop(as(admin), id)
    assert.equal((await until(id, 'stopped')).stopReason, 'admin')
    await room().forget(as(alice), id)
    assert.equal(await room().find(id), undefined)
  })

  test('kubespawner#397, jupyterhub#1917, kubeflow#505: each trouble has its words, a hint, and whether it is worth another try', async () => {
    world.fault('launch')
    const { id } = await ask()
    const { trouble } = await until(id, 'failed')
    assert.equal(trouble?.code, 'pull_failed')
    assert.deepEqual(
      [trouble?.message, trouble?.hint, trouble?.retryable],
      ['The image could not be had.', 'Look at the registry.', true],
    )
    clear()
    await room().restart(as(alice), id)
    const ready = await until(id, 'ready')
    assert.equal(ready.trouble, undefined)
    await room().stop(as(alice), id)
    await until(id, 'stopped')
  })

  test('jupyterhub#4244: what happened before anybody looked is told to whoever looks later, in order', async () => {
    const { id } = await ask('crashing')
    await until(id, 'failed')
    const events = await room().events(id)
    assert.deepEqual(
      events.map(({ number }) => number),
      events.map((_, index) => index + 1),
    )
    const trouble = events.find(({ kind }) => kind === 'trouble')
    assert.match(trouble?.text ?? '', /ended by itself \(code 3\)/)
    assert.deepEqual(await room().events(id, trouble?.number ?? 0), events.slice(trouble?.number))
  })

  test('launchpad 2.5: a token that an app writes into its own lines is shown to nobody', async () => {
    const { id } = await world.ready(alice, 'told')
    const lines: string[] = []
    const signal = AbortSignal.timeout(5000)
    for await (const line of room().logs(id, { tail: 10, follow: false, signal })) lines.push(line)
    assert.ok(lines.includes('open http://localhost/?token=…'), lines.join('\n'))
    await room().stop(as(alice), id)
    await until(id, 'stopped')
  })

  test('a start anew is a start: who may no longer, does not by way of an old one', async () => {
    const { id } = await world.ready(bob)
    await room().stop(as(bob), id)
    await until(id, 'stopped')
    await room().drain(as(admin), 'here', 'on')
    await assert.rejects(room().restart(as(bob), id), { code: 'ERR_CONFLICT' })
    await assert.rejects(room().request(as(bob), { account: bob, profile: 'notebook' }), { code: 'ERR_CONFLICT' })
    await room().drain(as(admin), 'here', 'off')
    await get('accounts').setState(bob, 'deactivated')
    await assert.rejects(room().restart(as(admin), id), { code: 'ERR_FORBIDDEN' })
    await get('accounts').setState(bob, 'active')
    await room().restart(as(bob), id)
    await until(id, 'ready')
  })
})

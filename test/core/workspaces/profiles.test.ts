/** What a profile says itself goes before its preset: paths, credential, activity. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testProfiles, workspaceWorld } from '../../support/workspaces.ts'

test('a plain command with rules of its own is reached, opened, signed in to and watched by them', async () => {
  const own = {
    ...{ preset: 'command', runner: 'here', port: 1, basePath: 'stripped', landing: 'hello' },
    // It knows nothing of the path it is served under.
    command: [...testProfiles.notebook.command.slice(0, 4), '/', '{secrets}'],
    ...{ readiness: { path: 'api', timeout: '10s' }, activity: { path: 'api/' } },
    credential: { file: 'token', header: 'Authorization: token {token}' },
  }
  const world = await workspaceWorld({
    workspaces: { origin: 'http://work.localhost', profiles: { own }, idle: '1h', lease: { first: '1d' } },
  })
  try {
    const { alice } = world
    const room = world.site.labgate.rooms.get('workspaces')
    const { id } = await world.ready(alice, 'own')
    const way = await room.way(id, alice)
    assert.ok(way?.endpoint.kind === 'tcp')
    assert.equal(way.basePath, `/w/${id}/`)
    assert.match(way.headers.authorization ?? '', /^token .{43}$/)
    assert.equal(room.profile('own')?.landing, 'hello')
    const at = `http://127.0.0.1:${way.endpoint.port}`
    const ask = (path: string) => fetch(`${at}/${path}`, { headers: way.headers })
    assert.equal((await ask('busy')).status, 200)
    world.clock.forward(2 * 3600)
    await world.look()
    assert.equal((await room.find(id))?.state, 'ready', 'a busy kernel is activity')
    await ask('idle')
    world.clock.forward(2 * 3600)
    await world.look()
    assert.equal((await world.until(id, 'stopped')).stopReason, 'idle')
  } finally {
    await world.stop()
  }
})

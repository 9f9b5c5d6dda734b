/** A place that tells of ends by itself: they are known long before the next look, also after it was not heard for a while. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { workspaceWorld } from '../../support/workspaces.ts'

test('an app that ends is noticed as soon as its place tells, also when the place was not heard before', async () => {
  const places = mkdtempSync(join(tmpdir(), 'labgate-hearing-'))
  mkdirSync(join(places, 'faults'))
  writeFileSync(join(places, 'faults', 'tells'), '')
  writeFileSync(join(places, 'faults', 'deaf'), '')
  // Looks are an hour apart.
  const world = await workspaceWorld({}, { places })
  try {
    const first = await world.ready()
    const second = await world.ready(world.bob)
    const [one = 0] = world.processes()
    process.kill(-one, 'SIGKILL')
    // Nobody is heard: the first tries fail, and nothing ends by that.
    await new Promise((resolve) => setTimeout(resolve, 300))
    const states = async () =>
      Promise.all(
        [first, second].map(async ({ id }) => (await world.site.labgate.rooms.get('workspaces').find(id))?.state),
      )
    assert.deepEqual(await states(), ['ready', 'ready'])
    rmSync(join(places, 'faults', 'deaf'))
    const ended = await Promise.any([first, second].map(({ id }) => world.until(id, 'failed')))
    assert.equal(ended.trouble?.code, 'crash')
    assert.deepEqual((await states()).toSorted(), ['failed', 'ready'])
  } finally {
    await world.stop()
    rmSync(places, { recursive: true, force: true })
  }
})

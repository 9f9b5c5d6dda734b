/** A real notebook in a container of Podman. @module */
import { suite, test } from 'node:test'
import { walkEngineNotebook } from '../support/engine-notebook.ts'
import { needs } from '../support/needs.ts'
import { noPodman, startPodman } from '../support/podman.ts'

const skip = noPodman() || needs('chromium', 'jupyter-notebook')

suite('a notebook in a container of Podman', { skip }, () => {
  test('is launched, used, culled when idle and not when busy, extended and stopped', {
    timeout: 240_000,
  }, async () => {
    await walkEngineNotebook(await startPodman())
  })
})

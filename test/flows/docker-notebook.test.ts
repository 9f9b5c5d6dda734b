/** A real notebook in a container of Docker. @module */
import { suite, test } from 'node:test'
import { noDocker, startDocker } from '../support/docker.ts'
import { walkEngineNotebook } from '../support/engine-notebook.ts'
import { needs } from '../support/needs.ts'

const skip = noDocker() || needs('chromium', 'jupyter-notebook')

suite('a notebook in a container of Docker', { skip }, () => {
  test('is launched, used, culled when idle and not when busy, extended and stopped', {
    timeout: 240_000,
  }, async () => {
    await walkEngineNotebook(await startDocker())
  })
})

import { after, test } from 'node:test'
import { runnerConformance } from '@labgate/testkit'
import { loadBusybox } from '../../support/images.ts'
import { noPodman, startPodman } from '../../support/podman.ts'
import { engineSuite } from '../../support/runner-suites.ts'

const skip = noPodman()
if (skip) test('podman', { skip }, () => undefined)
else {
  const engine = await startPodman()
  after(() => engine.close())
  await loadBusybox(engine.client)
  runnerConformance(engineSuite(engine))
}

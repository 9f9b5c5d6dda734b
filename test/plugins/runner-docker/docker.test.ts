import { after, test } from 'node:test'
import { runnerConformance } from '@labgate/testkit'
import { noDocker, startDocker } from '../../support/docker.ts'
import { loadBusybox } from '../../support/images.ts'
import { engineSuite } from '../../support/runner-suites.ts'

const skip = noDocker()
if (skip) test('docker', { skip }, () => undefined)
else {
  const engine = await startDocker({ liveRestore: true })
  after(() => engine.close())
  await loadBusybox(engine.client)
  runnerConformance(engineSuite(engine))
}

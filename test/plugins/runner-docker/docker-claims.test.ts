import { after, test } from 'node:test'
import { noDocker, startDocker } from '../../support/docker.ts'
import { loadBusybox } from '../../support/images.ts'
import { engineClaims } from './claims.ts'

const skip = noDocker()
if (skip) test('docker', { skip }, () => undefined)
else {
  const engine = await startDocker({ liveRestore: true })
  after(() => engine.close())
  await loadBusybox(engine.client)
  engineClaims(engine)
}

import { after, test } from 'node:test'
import { loadBusybox } from '../../support/images.ts'
import { noPodman, startPodman } from '../../support/podman.ts'
import { engineClaims } from './claims.ts'

const skip = noPodman()
if (skip) test('podman', { skip }, () => undefined)
else {
  const engine = await startPodman()
  after(() => engine.close())
  await loadBusybox(engine.client)
  engineClaims(engine)
}

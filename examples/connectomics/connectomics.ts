/** The whole lab on this machine: Labgate, a CAVE service, a cloud with a bucket and a viewer, started and stopped together. @module */
import { createLabgate, type LoadedConfig } from '@labgate/core'
import { startChunkService } from './chunk-service.ts'
import { startCloud } from './cloud.ts'
import type { Site } from './site.ts'
import { startViewer } from './viewer.ts'
import { volume } from './volume.ts'

/** Where everything is. */
export interface Lab {
  readonly issuer: string
  readonly service: string
  readonly ngauth: string
  readonly cloud: string
  readonly viewer: string
  stop(): Promise<void>
}

const bucket = 'lab-data'
const volumes = { fish: volume(1), cortex: volume(2) }

/** Starts everything where the config says it is. @throws Error that names an address that is taken, with nothing left running */
export async function startLab(loaded: LoadedConfig): Promise<Lab> {
  const at = places(loaded.config)
  const open: Site[] = []
  const stop = async () => void (await Promise.allSettled(open.map((one) => one.stop())))
  const { auth, sticky } = { auth: `${at.issuer}/auth`, sticky: `${at.issuer}/sticky_auth` }
  try {
    open.push(await startCloud(at.cloud, { [bucket]: objectsOf(volumes) }))
    open.push(await startChunkService(at.service, { at: { auth, sticky, namespace: 'datastack' }, volumes }))
    const datasets = Object.keys(volumes)
    open.push(await startViewer(at.viewer, { ngauth: at.ngauth, storage: at.cloud, bucket, datasets }))
    const labgate = await createLabgate(loaded)
    open.push(labgate)
    await labgate.start()
    return { ...at, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Every dataset in a folder of the bucket, as `places` of the config says. */
function objectsOf(all: typeof volumes): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(
    Object.entries(all).flatMap(([dataset, files]) =>
      Object.entries(files).map(([name, bytes]) => [`${dataset}/${name}`, bytes] as const),
    ),
  )
}

function places({ issuer, plugins }: LoadedConfig['config']): Omit<Lab, 'stop'> {
  const cave = plugins.cave?.config as { services?: readonly string[]; viewers?: readonly string[] } | undefined
  const ngauth = plugins.ngauth?.config as { google?: { storage?: string } } | undefined
  const [service, viewer, cloud] = [cave?.services?.[0], cave?.viewers?.[0], ngauth?.google?.storage]
  const host = plugins.ngauth?.host
  if (service === undefined || viewer === undefined || cloud === undefined || host === undefined)
    throw new Error(
      'the config needs the plugins `cave` with a service and a viewer, and `ngauth` with a host and a cloud',
    )
  return { issuer, service, viewer, cloud, ngauth: `http://${host}` }
}

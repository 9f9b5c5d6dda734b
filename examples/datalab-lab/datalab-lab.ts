/** The whole lab: Labgate, a datalab and the nginx before both, started and stopped together. @module */
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createLabgate, type LoadedConfig } from '@labgate/core'
import { startDatalab } from './datalab.ts'
import { startNginx } from './nginx.ts'
import type { Site } from './site.ts'

/** Where everything is. */
export interface Lab {
  readonly issuer: string
  /** The datalab, as people reach it. */
  readonly datalab: string
  /** The datalab past nginx: in a real lab nobody reaches this. */
  readonly behind: string
  readonly facade: string
  stop(): Promise<void>
}

/** Starts everything where the config and the nginx.conf beside it say. @throws Error that says what is missing or taken, with nothing left running */
export async function startLab(loaded: LoadedConfig): Promise<Lab> {
  const { config } = loaded
  const file = join(dirname(loaded.file), 'nginx.conf')
  const behind = await behindOf(file)
  const open: Site[] = []
  const stop = async () => {
    for (const one of open.toReversed()) await one.stop()
  }
  try {
    open.push(await startDatalab(behind))
    const labgate = await createLabgate(loaded)
    open.push(labgate)
    await labgate.start()
    const port = Number(new URL(config.issuer).port)
    open.push(await startNginx({ file, folder: resolve(config.data, 'nginx'), port }))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...{
      issuer: config.issuer,
      datalab: `http://${config.plugins.datalab?.host}`,
      behind: `http://127.0.0.1:${behind}`,
    },
    ...{ facade: `${config.issuer}${config.plugins.grey?.prefix}`, stop },
  }
}

/** Port of the one server in nginx.conf that is given the headers of who asks. */
async function behindOf(file: string): Promise<number> {
  const [, port] =
    /proxy_pass http:\/\/127\.0\.0\.1:(\d+);\s+proxy_request_buffering/.exec(await readFile(file, 'utf8')) ?? []
  if (port === undefined) throw new Error(`${file} names no server behind the gateway`)
  return Number(port)
}

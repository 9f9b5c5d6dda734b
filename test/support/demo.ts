/** The demo as `npm start` runs it, on free ports and in a folder of its own. @module */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../core/config/load.ts'
import { type Demo, startDemo } from '../../examples/demo/demo.ts'
import { freePort, newestMail } from './labgate.ts'

/** The config file as an object; a test may change it. */
export interface DemoFile {
  [part: string]: unknown
  plugins: Record<string, Record<string, unknown> & { config?: Record<string, unknown> }>
  clients: Record<string, Record<string, unknown>>
}

export interface TestDemo extends Demo {
  readonly folder: string
  /** The newest mail to an address; waits for it. */
  mail(to: string): ReturnType<typeof newestMail>
}

/** Starts it; `change` may alter the config first. */
export async function startTestDemo(
  change: (file: DemoFile) => void | Promise<void> = () => undefined,
  place: 'free ports' | 'its own ports' = 'free ports',
): Promise<TestDemo> {
  const name = join(import.meta.dirname, '../../config/labgate.yaml')
  const folder = await mkdtemp(join(tmpdir(), 'labgate-demo-'))
  const file = parse(await readFile(name, 'utf8')) as DemoFile
  await moved(file, { folder, isFree: place === 'free ports' })
  await change(file)
  const options = { name: 'labgate.yaml', env: {}, cwd: folder }
  const demo = await startDemo({ ...parseConfig(stringify(file), options), file: name })
  const outbox = join(folder, 'outbox')
  return {
    ...demo,
    folder,
    mail: (to) => newestMail(outbox, to),
    async stop() {
      await demo.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function moved(file: DemoFile, { folder, isFree }: { folder: string; isFree: boolean }): Promise<void> {
  const [own, university, application] = isFree
    ? [await freePort(), await freePort(), await freePort()]
    : [8080, 8081, 8082]
  const { plugins, clients } = file
  Object.assign(file, {
    issuer: `http://localhost:${own}`,
    listen: { port: own },
    management: { port: 0 },
    data: folder,
    log: { file: join(folder, 'labgate.log') },
    mail: { ...(file.mail as object), outbox: join(folder, 'outbox') },
  })
  Object.assign(plugins.university?.config ?? {}, { issuer: `http://127.0.0.1:${university}` })
  const client = JSON.stringify(clients['demo-rp']).replaceAll(':8082', `:${application}`)
  clients['demo-rp'] = JSON.parse(client)
}

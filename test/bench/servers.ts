/** The servers of the bench, each a process of its own: a whole Labgate, and raw oidc-provider in memory. @module */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { onCore } from './measure.ts'
import { clients, redirectUri, resource } from './scenarios.ts'

const root = join(import.meta.dirname, '..', '..')
const core = 0

/** A server that answers. */
export interface Server {
  readonly name: 'labgate' | 'raw' | 'koa'
  readonly origin: string
  readonly pid: number
  /** Milliseconds from spawn to the first 200 on discovery. */
  readonly startMs: number
  readonly process: ChildProcess
  /** Another process of the same site: a driver asks both by turns. */
  readonly beside?: Server
  stop(): Promise<void>
}

export interface Starting {
  /** Options of Node: a profile, a preload. */
  readonly node?: readonly string[]
  /** By the command people use, `core/bin/labgate.js`, instead of `core/main.ts`. */
  readonly byCommand?: boolean
  /** A second process on the same data listens here; it knows itself by the first one's address. */
  readonly port?: number
}

/** A place for one Labgate: config, keys, database; servers may be started in it one after another. */
export interface Site {
  readonly folder: string
  start(starting?: Starting): Promise<Server>
  remove(): Promise<void>
}

/** Raw oidc-provider. */
export async function startRaw(starting: Starting = {}): Promise<Server> {
  const port = await freePort()
  const script = join(import.meta.dirname, 'raw-provider.ts')
  return start({ name: 'raw', port, command: [...(starting.node ?? []), script, String(port)] })
}

/** Koa that says hello. */
export async function startKoa(): Promise<Server> {
  const port = await freePort()
  return start({ name: 'koa', port, command: [join(import.meta.dirname, 'hello.ts'), String(port)] })
}

/** Makes a place for a Labgate with all that is usual: SQLite in a file, keys, log into a file. `part` is laid over its config. */
export async function makeSite(
  part: (at: { readonly port: number }) => object = () => ({}),
  /** A folder to stay, with a sealing key and a database or without; else one that goes. */
  kept?: string,
): Promise<Site> {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'labgate-bench-')))
  const port = await freePort()
  await writeKey(join(folder, 'sealing.key'))
  await writeFile(join(folder, 'labgate.yaml'), stringify({ ...configOf(folder, port), ...part({ port }) }))
  for (const { id, secret } of Object.values(clients)) await writeFile(join(folder, `${id}.secret`), secret)
  const args = ['serve', '--config', join(folder, 'labgate.yaml')]
  return {
    folder,
    start: ({ node = [], byCommand = false, port: own = port } = {}) => {
      const entry = join(root, 'core', byCommand ? 'bin/labgate.js' : 'main.ts')
      const env = own === port ? {} : { LABGATE_LISTEN__PORT: String(own) }
      return start({ name: 'labgate', port: own, host: `localhost:${port}`, env, command: [...node, entry, ...args] })
    },
    remove: async () => {
      if (kept === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What a database was sealed with stays. */
async function writeKey(file: string): Promise<void> {
  const key = randomBytes(32).toString('base64')
  await writeFile(file, key, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

function configOf(folder: string, port: number) {
  const client = (name: keyof typeof clients) => ({
    secret: { file: join(folder, `${name}.secret`) },
    redirectUris: [redirectUri],
    firstParty: name === 'first',
    // Raw gives refresh tokens to those who ask for offline access only, which `first` does not.
    grantTypes: ['authorization_code', name === 'third' ? 'refresh_token' : 'client_credentials'],
  })
  return {
    issuer: `http://localhost:${port}`,
    listen: { port },
    management: { port: 0 },
    data: folder,
    database: { file: join(folder, 'labgate.db') },
    keys: [{ file: join(folder, 'sealing.key') }],
    log: { file: join(folder, 'labgate.log') },
    mail: { from: { address: 'lab@example.org' }, outbox: join(folder, 'outbox') },
    // The driver says which person's address a request comes from.
    proxies: ['127.0.0.0/8'],
    plugins: { once: { use: join(import.meta.dirname, 'at-once') } },
    clients: { first: client('first'), third: client('third') },
    resources: { [resource]: { scopes: ['read'], format: 'jwt', alg: 'ES256' } },
  }
}

async function start(what: {
  name: Server['name']
  port: number
  /** What it is called by in requests, where that is not its own address. */
  host?: string
  env?: Readonly<Record<string, string>>
  command: readonly string[]
}): Promise<Server> {
  const { name, port, host = `localhost:${port}` } = what
  const [program = '', ...args] = onCore(core, [process.execPath, ...what.command])
  const began = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    cwd: root,
    env: { ...process.env, ...what.env },
  })
  const said: string[] = []
  child.stderr?.on('data', (chunk) => said.push(String(chunk)))
  await answers({ port, host }, () => {
    if (child.exitCode !== null) throw new Error(`${name} did not start:\n${said.join('')}`)
  })
  const startMs = performance.now() - began
  return {
    name,
    // The name, not the address: it is the issuer's, and both servers check it.
    origin: `http://localhost:${port}`,
    pid: child.pid ?? 0,
    startMs,
    process: child,
    async stop() {
      if (child.exitCode !== null) throw new Error(`${name} ended by itself:\n${said.join('')}`)
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Asks for the discovery document until it comes. */
async function answers(at: Place, check: () => void): Promise<void> {
  for (;;) {
    if ((await discovery(at)) === 200) return
    check()
    await sleep(4)
  }
}

interface Place {
  readonly port: number
  readonly host: string
}

function discovery({ port, host }: Place): Promise<number | undefined> {
  const path = '/.well-known/openid-configuration'
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, headers: { host } }, (got) => {
      got.resume().once('end', () => resolve(got.statusCode))
    })
    request.once('error', () => resolve(undefined))
  })
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

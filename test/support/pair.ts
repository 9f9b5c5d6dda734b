/** Two Labgates in processes of their own, on one PostgreSQL, behind a balancer that knows nothing of sessions. @module */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../../core/config/schema.ts'
import { type ApiAnswer, type ApiCall, send } from './admin-api.ts'
import { freePort, loadedConfig, newestMail, type Part, type TestLabgate } from './labgate.ts'
import { commander, killed, type Tell } from './orders.ts'
import type { Order } from './pair-member.ts'

const program = fileURLToPath(new URL('./pair-member.ts', import.meta.url))

/** One of the two. */
export interface Member {
  readonly firstAdminCode: string | undefined
  /** How many requests it has answered. */
  answered(): number
  /** Asks this one, past the balancer's turn. */
  ask(method: string, path: string, call?: ApiCall): Promise<ApiAnswer>
  readonly tell: Tell<Order>
  readonly port: number
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Both, as a browser sees them: one address. */
export interface Pair extends Pick<TestLabgate, 'issuer' | 'mail'> {
  readonly members: readonly [Member, Member]
  /** What a third process, a command, works with. */
  readonly config: Config
  close(): Promise<void>
}

/** Starts both at once on a database that is migrated and empty; `part` is laid over their config. */
export async function startPair(database: string, part: Part = {}): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-pair-'))
  const balancer = createBalancer()
  const port = await balancer.listen()
  const issuer = `http://localhost:${port}`
  const shared = {
    issuer,
    database: { url: database, connections: 10 },
    keys: ['a sealing key that both processes of this test have'],
    management: { enabled: false },
    ...part,
  }
  const start = async (): Promise<Member> => {
    const own = await freePort()
    const started = JSON.stringify({ folder, port: own, part: { ...shared, listen: { port: own } } })
    const child = fork(program, [started], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const { said, tell } = await commander<Order>(child)
    const { firstAdminCode } = said as { readonly firstAdminCode?: string }
    const answered = balancer.add(own)
    const ask: Member['ask'] = (method, path, { headers, ...call } = {}) =>
      send(new URL(path, `http://127.0.0.1:${own}`), method, {
        ...call,
        headers: { host: new URL(issuer).host, ...headers },
      })
    return { firstAdminCode, port: own, tell, ask, answered, kill: () => killed(child) }
  }
  const members = await Promise.all([start(), start()])
  return {
    issuer,
    members,
    config: loadedConfig(shared, { issuer, folder, port }).config,
    mail: (to) => newestMail(join(folder, 'outbox'), to),
    async close() {
      await Promise.all(members.map((member) => member.kill()))
      await balancer.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Each request to the next one; to the other, when that one is not there. */
function createBalancer() {
  const backends: { readonly port: number; count: number }[] = []
  let turn = 0
  const pass = (from: IncomingMessage, to: ServerResponse, { body, tries }: { body: Buffer; tries: number }): void => {
    const backend = backends[turn++ % backends.length]
    if (backend === undefined || tries === 0) return void to.writeHead(502).end()
    const { method, url, headers } = from
    const onward: ClientRequest = request(
      { host: '127.0.0.1', port: backend.port, method, path: url, headers, agent: false },
      (answer) => {
        backend.count += 1
        to.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(to)
      },
    )
    onward.once('error', (error: NodeJS.ErrnoException) => {
      // Nothing was sent to one that is not there, so another one can be asked.
      if (error.code === 'ECONNREFUSED') pass(from, to, { body, tries: tries - 1 })
      else to.headersSent ? to.destroy() : to.writeHead(502).end()
    })
    onward.end(body)
  }
  const server = createServer((from, to) => {
    const parts: Buffer[] = []
    from.on('data', (part: Buffer) => parts.push(part))
    from.on('end', () => pass(from, to, { body: Buffer.concat(parts), tries: 2 }))
  })
  return {
    async listen(): Promise<number> {
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      return (server.address() as AddressInfo).port
    },
    add(port: number): () => number {
      const backend = { port, count: 0 }
      backends.push(backend)
      return () => backend.count
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

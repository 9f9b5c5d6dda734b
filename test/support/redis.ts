/** A real Redis of Debian's package, on a port of its own; it keeps nothing. @module */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { Redis } from 'ioredis'
import { freePort } from './labgate.ts'
import { programOf } from './needs.ts'

/** A running server. */
export interface TestRedis {
  readonly url: string
  readonly password: string
  /** Asks it something, as its operator does. */
  ask(command: string, ...values: string[]): Promise<unknown>
  /** It takes connections and answers nothing, until it is woken. */
  sleep(): void
  wake(): void
  stop(): Promise<void>
}

/** Starts one, at `port` when a former one is to come back; `settings` are further lines of its configuration. */
export async function startRedis(port?: number, settings: readonly string[] = []): Promise<TestRedis> {
  const at = port ?? (await freePort())
  const password = 'a-password-of-the-test-redis'
  const server = spawn(programOf('redis'), ['-'], { stdio: ['pipe', 'ignore', 'inherit'] })
  const lines = ['bind 127.0.0.1', `port ${at}`, `requirepass ${password}`, 'save ""', 'appendonly no', ...settings]
  server.stdin.end(`${lines.join('\n')}\n`)
  for (let tries = 0; !(await isOpen(at)); tries++) {
    if (tries > 100) throw new Error(`Redis did not start at port ${at}`)
    await new Promise((done) => setTimeout(done, 20))
  }
  return {
    url: `redis://127.0.0.1:${at}`,
    password,
    async ask(command, ...values) {
      const client = new Redis(at, '127.0.0.1', { password, lazyConnect: true, retryStrategy: () => null })
      client.on('error', () => undefined)
      await client.connect()
      return client.call(command, ...values).finally(() => client.disconnect())
    },
    sleep: () => void server.kill('SIGSTOP'),
    wake: () => void server.kill('SIGCONT'),
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return
      const ended = once(server, 'close')
      server.kill('SIGKILL')
      await ended
    },
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    const settle = (open: boolean) => () => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', settle(true)).once('error', settle(false))
  })
}

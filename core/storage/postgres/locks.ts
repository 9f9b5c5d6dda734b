/**
 * Locks that hold over all processes and fall free with the process that has them: advisory locks of one session, which
 * every process keeps for them alone. Within a process callers wait in line; other processes are asked again and again.
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@labgate/contract'
import pg from 'pg'
import type { Alone } from '../alone.ts'
import { inLine } from '../line.ts'
import { clientConfig, type PostgresTarget, postgresFault } from './client.ts'

/** Locks by name. */
export interface Locks {
  /** Runs work while nobody else, in whichever process, runs work under this key. */
  during<T>(key: Buffer, work: () => Promise<T>): Promise<T>
  /** A place that one process at a time may hold. */
  alone(name: number): Alone
  close(): Promise<void>
}

interface Session {
  readonly client: pg.Client
  isLost: boolean
}

/** Makes the locks; the session begins with the first. Whoever gets one hears of it, for who had it may have written. */
export function createLocks(target: PostgresTarget, log: Log, taken: () => void): Locks {
  let session: Promise<Session> | undefined
  const connect = async (): Promise<Session> => {
    const client = new pg.Client({ ...clientConfig(target), application_name: 'labgate locks' })
    const made: Session = { client, isLost: false }
    const lost = (error?: Error) => {
      if (made.isLost) return
      made.isLost = true
      session = undefined
      if (error) log.warn({ err: error }, 'the connection that holds locks was lost')
    }
    client.on('error', lost)
    client.on('end', () => lost())
    await client.connect()
    return made
  }
  const current = async (): Promise<Session> => {
    session ??= connect().catch((error: unknown) => {
      session = undefined
      throw postgresFault(error, 'connecting')
    })
    return session
  }
  const asked = async ({ client }: Session, what: 'pg_try_advisory_lock' | 'pg_advisory_unlock', key: string) => {
    const { rows } = await client.query<{ done: number }>(`SELECT ${what}(${key}) AS done`)
    return rows[0]?.done === 1
  }
  const line = inLine()
  return {
    during: (key, work) =>
      line(key.toString('hex'), async () => {
        // 64 bits of the digest: two names that meet wait for each other and no more.
        const number = String(key.readBigInt64BE(0))
        const mine = await takenAt(
          () => current(),
          (at) => asked(at, 'pg_try_advisory_lock', number),
        )
        taken()
        try {
          return await work()
        } finally {
          if (!mine.isLost) await asked(mine, 'pg_advisory_unlock', number).catch(() => undefined)
        }
      }),
    alone: (name) => createAlone({ current, asked, key: `4105177, ${name}` }),
    async close() {
      const last = await session?.catch(() => undefined)
      session = undefined
      if (last) {
        last.isLost = true
        await last.client.end()
      }
    },
  }
}

/** Asks until it has it, a little less often each time. */
async function takenAt(
  current: () => Promise<Session>,
  take: (session: Session) => Promise<boolean>,
): Promise<Session> {
  for (let wait = 5; ; wait = Math.min(wait * 2, 200)) {
    const session = await current()
    if (await take(session)) return session
    await pause(wait)
  }
}

function createAlone(needs: {
  current(): Promise<Session>
  asked(session: Session, what: 'pg_try_advisory_lock' | 'pg_advisory_unlock', key: string): Promise<boolean>
  key: string
}): Alone {
  let held: Session | undefined
  let holding: Promise<boolean> | undefined
  const holds = () => held !== undefined && !held.isLost
  const take = async (): Promise<boolean> => {
    const session = await needs.current()
    if (await needs.asked(session, 'pg_try_advisory_lock', needs.key)) held = session
    return holds()
  }
  return {
    hold: async () => {
      if (holds()) return true
      // One question at a time: the same session would be given the same lock twice.
      holding ??= take().finally(() => {
        holding = undefined
      })
      return holding
    },
    holds,
    async release() {
      const session = held
      held = undefined
      if (session && !session.isLost) await needs.asked(session, 'pg_advisory_unlock', needs.key).catch(() => false)
    },
  }
}

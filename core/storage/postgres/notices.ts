/** Word of changes by `LISTEN` and `NOTIFY`, on one connection that only listens and comes back by itself. @module */
import type { Log } from '@labgate/contract'
import pg from 'pg'
import type { Notices, Subject } from '../notices.ts'
import { clientConfig, type PostgresTarget } from './client.ts'

/** Channels are those of one database. */
const channel = 'labgate'
/** Before a lost connection is made anew: doubled each time, up to the longest. */
const firstMs = 500
const longestMs = 30_000

/** Makes them; the connection begins with the first who wants to hear. */
export function createNotices(target: PostgresTarget, log: Log): Notices & { close(): Promise<void> } {
  const ears = new Map<Subject, Set<() => void>>()
  const state: { client: pg.Client | undefined; timer: NodeJS.Timeout | undefined; closed: boolean } = {
    ...{ client: undefined, timer: undefined, closed: false },
  }
  const tellAll = (subjects: Iterable<Subject>) => {
    for (const subject of subjects) for (const heard of [...(ears.get(subject) ?? [])]) heard()
  }
  const listen = async (wait: number): Promise<void> => {
    const client = new pg.Client({ ...clientConfig(target), application_name: 'labgate notices' })
    state.client = client
    let since = 0
    const lost = (error?: Error) => {
      if (state.closed || state.client !== client) return
      state.client = undefined
      void client.end().catch(() => undefined)
      log.debug({ err: error }, 'the connection that hears of changes was lost')
      const next = since > 0 ? firstMs : Math.min(wait * 2, longestMs)
      state.timer = setTimeout(() => void listen(next), next).unref()
    }
    client.on('error', lost)
    client.on('end', () => lost())
    // Payloads are ours; a word that a later version tells is nobody's here.
    client.on('notification', ({ payload }) => tellAll([payload as Subject]))
    try {
      await client.connect()
      await client.query(`LISTEN ${channel}`)
      since = 1
      // Whatever was told before it listened.
      tellAll([...ears.keys()])
    } catch (error) {
      lost(error as Error)
    }
  }
  return {
    async tellIn(em, subject) {
      await em.execute('select pg_notify(?, ?)', [channel, subject])
    },
    hear(subject, heard) {
      const all = ears.get(subject) ?? new Set()
      ears.set(subject, all.add(heard))
      if (state.client === undefined && state.timer === undefined) void listen(firstMs)
      return () => void all.delete(heard)
    },
    async close() {
      state.closed = true
      clearTimeout(state.timer)
      await state.client?.end().catch(() => undefined)
    },
  }
}

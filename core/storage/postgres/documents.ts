/** The `Store` of plugin instances on PostgreSQL; see `../documents.ts`. Locks hold over all processes. @module */
import type { Clock, Json, Store } from '@labgate/contract'
import { documentKey, documentPurpose, positiveSeconds } from '../documents.ts'
import type { KeyRing } from '../sealing.ts'
import type { Connection } from './client.ts'
import type { Locks } from './locks.ts'
import { type PostgresWriter, transactionOn } from './writer.ts'

const where = 'owner = @owner AND key_digest = @key'
const insert = 'INSERT INTO document (owner, key_digest, value, counter, expires_at)'
const statements = {
  get: `SELECT value FROM document WHERE ${where} AND expires_at > @now`,
  put: `${insert} VALUES (@owner, @key, @value, 0, @expiresAt)
    ON CONFLICT (owner, key_digest) DO UPDATE SET value = excluded.value, counter = 0, expires_at = excluded.expires_at`,
  take: `DELETE FROM document WHERE ${where} RETURNING value, expires_at`,
  delete: `DELETE FROM document WHERE ${where}`,
  once: `${insert} VALUES (@owner, @key, NULL, 1, @expiresAt)
    ON CONFLICT (owner, key_digest) DO UPDATE SET value = NULL, counter = 1, expires_at = excluded.expires_at
    WHERE document.expires_at <= @now`,
  count: `${insert} VALUES (@owner, @key, NULL, 1, @expiresAt)
    ON CONFLICT (owner, key_digest) DO UPDATE SET
      counter = CASE WHEN document.expires_at <= @now THEN 1 ELSE document.counter + 1 END,
      value = CASE WHEN document.expires_at <= @now THEN NULL ELSE document.value END,
      expires_at = CASE WHEN document.expires_at <= @now THEN excluded.expires_at ELSE document.expires_at END
    RETURNING counter`,
  deleteExpired: `DELETE FROM document WHERE (owner, key_digest) IN
    (SELECT owner, key_digest FROM document WHERE expires_at <= @now ORDER BY expires_at LIMIT @limit
     FOR UPDATE SKIP LOCKED)`,
}

export interface PostgresDocumentNeeds {
  readonly reads: Connection
  readonly writer: PostgresWriter
  readonly locks: Locks
  readonly ring: KeyRing
  readonly clock: Clock
}

/** Makes the documents. */
export function createPostgresDocuments(needs: PostgresDocumentNeeds) {
  const { writer, clock } = needs
  return {
    storeOf: (owner: string): Store => storeOf(owner, needs),
    deleteExpired: (limit: number) =>
      writer.one(statements.deleteExpired, { now: clock.now().getTime(), limit }).then(({ changes }) => changes),
  }
}

interface Row {
  readonly value: Buffer | null
  readonly expires_at: number
}

function storeOf(owner: string, { reads, writer, locks, ring, clock }: PostgresDocumentNeeds): Store {
  const now = () => clock.now().getTime()
  const at = (name: string) => ({ owner, key: documentKey(owner, name) })
  const opened = (row: Pick<Row, 'value'> | undefined, key: Buffer) =>
    row?.value == null ? undefined : (JSON.parse(ring.open(row.value, documentPurpose, key).toString()) as Json)
  const until = (ttlSeconds: number) => now() + positiveSeconds(ttlSeconds) * 1000
  const change = <R extends object>(sql: string, values: Record<string, unknown>) => writer.one<R>(sql, values)
  return {
    get: async (name) => {
      const place = at(name)
      const { rows } = await transactionOn(reads).run<Row>(statements.get, { ...place, now: now() })
      return opened(rows[0], place.key)
    },
    put: async (name, value, ttlSeconds) => {
      const place = at(name)
      const sealed = ring.seal(JSON.stringify(value), documentPurpose, place.key)
      await change(statements.put, { ...place, value: sealed, expiresAt: until(ttlSeconds) })
    },
    take: async (name) => {
      const place = at(name)
      const [row] = (await change<Row>(statements.take, place)).rows
      return row === undefined || row.expires_at <= now() ? undefined : opened(row, place.key)
    },
    delete: async (name) => {
      await change(statements.delete, at(name))
    },
    once: async (name, ttlSeconds) =>
      (await change(statements.once, { ...at(name), expiresAt: until(ttlSeconds), now: now() })).changes === 1,
    count: async (name, ttlSeconds) => {
      const step = { ...at(name), expiresAt: until(ttlSeconds), now: now() }
      return (await change<{ counter: number }>(statements.count, step)).rows[0]?.counter ?? 0
    },
    lock: (name, work) => locks.during(documentKey(owner, name), work),
  }
}

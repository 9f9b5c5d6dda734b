/** The `Store` of one plugin instance, durable: small sealed documents, one-time marks, counters and locks. @module */
import type { Clock, Json, Store } from '@labgate/contract'
import { inLine } from './line.ts'
import { digest, type KeyRing } from './sealing.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** All instances' documents. */
export interface Documents {
  /** The store of one owner; keys of two owners never meet. */
  storeOf(owner: string): Store
  /** Deletes at most `limit` expired rows. Inside the writer's turn. */
  deleteExpired(limit: number): number
}

interface Row {
  readonly value: Buffer | null
  readonly counter: number
}

interface Key {
  readonly owner: string
  readonly key: Buffer
}

export interface DocumentNeeds {
  readonly database: SqliteDatabase
  readonly writer: Writer
  readonly ring: KeyRing
  readonly clock: Clock
}

/** What values are sealed for. */
export const documentPurpose = 'document'

/** What stands for a name of one owner's. */
export function documentKey(owner: string, name: string): Buffer {
  return digest(`document/${owner}`, name)
}

/** Makes the documents of one database. */
export function createDocuments(needs: DocumentNeeds): Documents {
  const statements = prepare(needs.database)
  // An SQLite file has one serving process, so a line within the process is enough.
  const lock = inLine()
  return {
    storeOf: (owner) => createStore(owner, { ...needs, statements, lock }),
    deleteExpired: (limit) => statements.deleteExpired.run({ now: needs.clock.now().getTime(), limit }).changes,
  }
}

type StoreNeeds = DocumentNeeds & {
  readonly statements: ReturnType<typeof prepare>
  readonly lock: Store['lock']
}

function createStore(owner: string, { writer, ring, clock, statements, lock }: StoreNeeds): Store {
  const now = () => clock.now().getTime()
  const keyOf = (key: string): Key => ({ owner, key: documentKey(owner, key) })
  const placeOf = ({ key }: Key) => key
  const read = (key: Key) => statements.get.get({ ...key, now: now() })
  const opened = (row: Row | undefined, key: Key) =>
    row?.value == null
      ? undefined
      : (JSON.parse(ring.open(row.value, documentPurpose, placeOf(key)).toString()) as Json)
  const until = (ttlSeconds: number) => now() + positiveSeconds(ttlSeconds) * 1000

  return {
    get: async (name) => {
      const key = keyOf(name)
      return opened(read(key), key)
    },
    put: async (name, value, ttlSeconds) => {
      const key = keyOf(name)
      const row = {
        ...key,
        value: ring.seal(JSON.stringify(value), documentPurpose, placeOf(key)),
        expiresAt: until(ttlSeconds),
      }
      await writer.run(() => statements.put.run(row))
    },
    take: (name) =>
      writer.run(() => {
        const key = keyOf(name)
        const value = opened(read(key), key)
        statements.delete.run(key)
        return value
      }),
    delete: async (name) => {
      await writer.run(() => statements.delete.run(keyOf(name)))
    },
    once: async (name, ttlSeconds) => {
      const step = { ...keyOf(name), expiresAt: until(ttlSeconds), now: now() }
      return await writer.run(() => statements.once.run(step).changes === 1)
    },
    count: async (name, ttlSeconds) => {
      const step = { ...keyOf(name), expiresAt: until(ttlSeconds), now: now() }
      return await writer.run(() => statements.count.get(step)?.counter ?? 0)
    },
    lock: (name, work) => lock(keyOf(name).key.toString('hex'), work),
  }
}

/** How long something is kept. @throws TypeError unless it is positive */
export function positiveSeconds(ttlSeconds: number): number {
  if (!(ttlSeconds > 0)) {
    throw new TypeError(`\`ttlSeconds\` must be a positive number, got ${ttlSeconds} (${typeof ttlSeconds})`)
  }
  return ttlSeconds
}

function prepare(database: SqliteDatabase) {
  const where = 'owner = @owner AND key_digest = @key'
  const insert = 'INSERT INTO document (owner, key_digest, value, counter, expires_at)'
  return {
    get: database.prepare<[Key & { now: number }], Row>(
      `SELECT value, counter FROM document WHERE ${where} AND expires_at > @now`,
    ),
    put: database.prepare<[Key & { value: Buffer; expiresAt: number }]>(
      `${insert} VALUES (@owner, @key, @value, 0, @expiresAt)
       ON CONFLICT (owner, key_digest) DO UPDATE SET value = excluded.value, counter = 0,
         expires_at = excluded.expires_at`,
    ),
    delete: database.prepare<[Key]>(`DELETE FROM document WHERE ${where}`),
    once: database.prepare<[Key & { expiresAt: number; now: number }]>(
      `${insert} VALUES (@owner, @key, NULL, 1, @expiresAt)
       ON CONFLICT (owner, key_digest) DO UPDATE SET value = NULL, counter = 1, expires_at = excluded.expires_at
       WHERE document.expires_at <= @now`,
    ),
    count: database.prepare<[Key & { expiresAt: number; now: number }], { counter: number }>(
      `${insert} VALUES (@owner, @key, NULL, 1, @expiresAt)
       ON CONFLICT (owner, key_digest) DO UPDATE SET
         counter = CASE WHEN document.expires_at <= @now THEN 1 ELSE document.counter + 1 END,
         value = CASE WHEN document.expires_at <= @now THEN NULL ELSE document.value END,
         expires_at = CASE WHEN document.expires_at <= @now THEN excluded.expires_at ELSE document.expires_at END
       RETURNING counter`,
    ),
    deleteExpired: database.prepare<[{ now: number; limit: number }]>(
      `DELETE FROM document WHERE rowid IN
         (SELECT rowid FROM document WHERE expires_at <= @now ORDER BY expires_at LIMIT @limit)`,
    ),
  }
}

/** The `Store` of one plugin instance, durable: small sealed documents, one-time marks, counters and locks. @module */
import type { Clock, Json, Store } from '@labgate/contract'
import { inLine } from './line.ts'
import { createRowMemory, type RowMemory } from './row-memory.ts'
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
  readonly expires_at: number
}

/** A row as it was read, or that there was none, which most are asked for in vain. */
interface Kept {
  readonly name: string
  readonly row: Row | undefined
}

/** Most that are kept in memory, and the largest. */
const keptDocuments = 5000
const mostBytes = 4096

interface Key {
  readonly owner: string
  readonly key: Buffer
}

export interface DocumentNeeds {
  readonly database: SqliteDatabase
  readonly writer: Writer
  /** See `createOthers`. */
  readonly others: () => number
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
  const memory = createRowMemory<Kept>({
    ...needs,
    size: keptDocuments,
    keyOf: ({ name }) => name,
    nameOf: () => undefined,
  })
  return {
    storeOf: (owner) => createStore(owner, { ...needs, statements, lock, memory }),
    deleteExpired: (limit) => statements.deleteExpired.run({ now: needs.clock.now().getTime(), limit }).changes,
  }
}

type StoreNeeds = DocumentNeeds & {
  readonly statements: ReturnType<typeof prepare>
  readonly lock: Store['lock']
  readonly memory: RowMemory<Kept>
}

function createStore(owner: string, { writer, ring, clock, statements, lock, memory }: StoreNeeds): Store {
  const now = () => clock.now().getTime()
  const keyOf = (key: string): Key => ({ owner, key: documentKey(owner, key) })
  const placeOf = ({ key }: Key) => key
  const nameOf = ({ key }: Key) => `${owner} ${key.toString('hex')}`
  const living = (row: Row | undefined) => (row === undefined || row.expires_at <= now() ? undefined : row)
  const read = (key: Key) => living(statements.get.get(key))
  const known = (key: Key): Row | undefined => {
    memory.refresh()
    const name = nameOf(key)
    const kept = memory.peek(name)
    if (kept !== undefined) return living(kept.row)
    const row = statements.get.get(key)
    if ((row?.value?.length ?? 0) <= mostBytes) memory.read({ name, row })
    return living(row)
  }
  /** Every write of a key. */
  const write = <T>(key: Key, unit: () => T): Promise<T> =>
    writer.run(() => {
      memory.changed(nameOf(key))
      return unit()
    })
  const opened = (row: Row | undefined, key: Key) =>
    row?.value == null
      ? undefined
      : (JSON.parse(ring.open(row.value, documentPurpose, placeOf(key)).toString()) as Json)
  const until = (ttlSeconds: number) => now() + positiveSeconds(ttlSeconds) * 1000

  return {
    get: async (name) => {
      const key = keyOf(name)
      return opened(known(key), key)
    },
    put: async (name, value, ttlSeconds) => {
      const key = keyOf(name)
      const row = {
        ...key,
        value: ring.seal(JSON.stringify(value), documentPurpose, placeOf(key)),
        expiresAt: until(ttlSeconds),
      }
      await write(key, () => statements.put.run(row))
    },
    take(name) {
      const key = keyOf(name)
      return write(key, () => {
        const value = opened(read(key), key)
        statements.delete.run(key)
        return value
      })
    },
    delete: async (name) => {
      const key = keyOf(name)
      await write(key, () => statements.delete.run(key))
    },
    once: async (name, ttlSeconds) => {
      const step = { ...keyOf(name), expiresAt: until(ttlSeconds), now: now() }
      return await write(step, () => statements.once.run(step).changes === 1)
    },
    count: async (name, ttlSeconds) => {
      const step = { ...keyOf(name), expiresAt: until(ttlSeconds), now: now() }
      return await write(step, () => statements.count.get(step)?.counter ?? 0)
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
    get: database.prepare<[Key], Row>(`SELECT value, expires_at FROM document WHERE ${where}`),
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

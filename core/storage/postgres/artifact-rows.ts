/** The statements of the `artifact` table on PostgreSQL; what they read and write is the same as on SQLite. @module */
import {
  type ArtifactEntry,
  type ArtifactRow,
  artifactColumns,
  artifactPurpose,
  entryOf,
  type GroundColumns,
  groundOf,
  groundSelect,
  rowOf,
  type SealedEntry,
} from '../artifact-rows.ts'
import type { KeyRing } from '../sealing.ts'
import type { Transaction } from './writer.ts'

const select = 'SELECT * FROM artifact WHERE'
const anyModel = '(@models::text[] IS NULL OR model = ANY(@models::text[]))'

const statements = {
  get: `${select} digest = @key`,
  getByUid: `${select} uid_digest = @key ORDER BY seq DESC LIMIT 1`,
  getByUserCode: `${select} user_code_digest = @key ORDER BY seq DESC LIMIT 1`,
  listByAccount: `${select} account = @account AND model = @model ORDER BY seq`,
  // Of two processes the second waits here for the first, and finds it consumed.
  consume: `UPDATE artifact SET consumed_at = @now
    WHERE digest = @key AND consumed_at IS NULL AND (expires_at IS NULL OR expires_at > @now) RETURNING *`,
  // Each sealing is another one: nobody else can have written the same.
  wrote: 'SELECT 1 FROM artifact WHERE digest = @key AND payload = @sealed',
  deleteByGrant: `DELETE FROM artifact WHERE grant_digest = @grant AND ${anyModel}`,
  deleteByAccount: `DELETE FROM artifact WHERE account = @account AND ${anyModel}`,
  deleteByClient: 'DELETE FROM artifact WHERE client = @client',
  // Others may be at it: each takes rows that nobody else has.
  deleteExpired: `DELETE FROM artifact WHERE seq IN
    (SELECT seq FROM artifact WHERE expires_at <= @now ORDER BY expires_at LIMIT @limit FOR UPDATE SKIP LOCKED)`,
}

/** Rows that are put and rows that go; none is both. */
export interface ArtifactChange {
  readonly puts: readonly SealedEntry[]
  /** Keys. */
  readonly gone: readonly string[]
}

/** One statement for all of a change, by how many rows of either kind there are. */
const changing = new Map<string, string>()

function changeStatement(puts: number, gone: number): string {
  const name = `${puts} ${gone}`
  const known = changing.get(name)
  if (known !== undefined) return known
  const going = `DELETE FROM artifact WHERE digest IN (${times(gone, (at) => `@gone${at}`)})`
  const row = (at: number) => `(${artifactColumns.map((column) => `@${column}${at}`).join(', ')})`
  const putting = `INSERT INTO artifact (digest, model, payload, grant_digest, uid_digest, user_code_digest, account, client,
      expires_at, consumed_at)
    VALUES ${times(puts, row)}
    ON CONFLICT (digest) DO UPDATE SET payload = excluded.payload, grant_digest = excluded.grant_digest,
      uid_digest = excluded.uid_digest, user_code_digest = excluded.user_code_digest, account = excluded.account,
      client = excluded.client, expires_at = excluded.expires_at`
  const made = puts === 0 ? going : gone === 0 ? putting : `WITH gone AS (${going}) ${putting}`
  changing.set(name, made)
  return made
}

function times(count: number, text: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => text(at)).join(', ')
}

/** Reads and writes by whatever runs the statements. */
export type ArtifactTable = ReturnType<typeof artifactTable>

/** The table as `tx` sees it. */
export function artifactTable({ run }: Transaction, ring: KeyRing) {
  const one = async (sql: string, key: string): Promise<ArtifactEntry | undefined> => {
    const [row] = (await run<ArtifactRow>(sql, { key: bytes(key) })).rows
    return row && entryOf(row, ring)
  }
  const changes = async (sql: string, values: Readonly<Record<string, unknown>>) => (await run(sql, values)).changes
  return {
    get: (key: string) => one(statements.get, key),
    getByUid: (uid: string) => one(statements.getByUid, uid),
    getByUserCode: (userCode: string) => one(statements.getByUserCode, userCode),
    ground: async (grant: string, account: string) =>
      groundOf(grant, (await run<GroundColumns>(groundSelect, [bytes(grant), account])).rows[0]),
    listByAccount: async (account: string, model: string) =>
      (await run<ArtifactRow>(statements.listByAccount, { account, model })).rows.map((row) => entryOf(row, ring)),
    /** Writes it by one statement. What was consumed stays consumed. */
    async change({ puts, gone }: ArtifactChange): Promise<void> {
      const values: Record<string, unknown> = {}
      // In one order, whoever else writes the same rows.
      for (const [at, entry] of puts.toSorted(byKey).entries())
        for (const [name, value] of Object.entries(rowOf(entry))) values[`${name}${at}`] = value
      for (const [at, key] of gone.toSorted().entries()) values[`gone${at}`] = bytes(key)
      await run(changeStatement(puts.length, gone.length), values)
    },
    /** The entry as it is now; `undefined`: there is none, it is expired or was consumed before. */
    async consume(key: string, now: number): Promise<ArtifactEntry | undefined> {
      const [row] = (await run<ArtifactRow>(statements.consume, { key: bytes(key), now })).rows
      return row && entryOf(row, ring)
    },
    /** Whether an entry is there as it was sealed for one write. */
    wrote: async ({ key, sealed }: Pick<SealedEntry, 'key' | 'sealed'>) =>
      (await run(statements.wrote, { key: bytes(key), sealed })).rows.length === 1,
    deleteByGrant: (grant: string, models: readonly string[] | undefined) =>
      changes(statements.deleteByGrant, { grant: bytes(grant), models: models ?? null }),
    deleteByAccount: (account: string, models: readonly string[] | undefined) =>
      changes(statements.deleteByAccount, { account, models: models ?? null }),
    deleteByClient: (client: string) => changes(statements.deleteByClient, { client }),
    deleteExpired: (now: number, limit: number) => changes(statements.deleteExpired, { now, limit }),
  }
}

/** Sealed outside the transaction, which stays short. */
export function sealedEntry(entry: ArtifactEntry, ring: KeyRing): SealedEntry {
  return { ...entry, sealed: ring.seal(entry.text, artifactPurpose, bytes(entry.key)) }
}

function byKey(one: SealedEntry, other: SealedEntry): number {
  return one.key < other.key ? -1 : 1
}

function bytes(key: string): Buffer {
  return Buffer.from(key, 'hex')
}

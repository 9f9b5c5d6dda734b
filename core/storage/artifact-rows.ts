/** The prepared statements of the `artifact` table: digests for ids, sealed payloads, nothing of the rules. @module */
import { digestText, type KeyRing } from './sealing.ts'
import type { SqliteDatabase } from './sqlite.ts'

/** One artifact, opened. Ids are hexadecimal digests, times seconds since 1970, `text` is the payload's JSON. */
export interface ArtifactEntry {
  readonly key: string
  readonly model: string
  readonly text: string
  readonly grant: string | undefined
  readonly uid: string | undefined
  readonly userCode: string | undefined
  readonly account: string | undefined
  readonly client: string | undefined
  readonly expiresAt: number | undefined
  readonly consumedAt: number | undefined
}

/** An entry whose payload is sealed already, so that the transaction itself stays short. */
export type SealedEntry = ArtifactEntry & { readonly sealed: Buffer }

/** Reads and writes of single rows; writes belong inside a unit of the writer. */
export interface ArtifactRows {
  /** Called when a step begins: what others have committed until then is seen by it. */
  refresh(): void
  seal(entry: ArtifactEntry): SealedEntry
  get(key: string): ArtifactEntry | undefined
  getByUid(uid: string): ArtifactEntry | undefined
  getByUserCode(userCode: string): ArtifactEntry | undefined
  listByAccount(account: string, model: string): ArtifactEntry[]
  /** Inserts or rewrites, in this order; what was consumed stays consumed: since when, is the answer for each. */
  put(entries: readonly SealedEntry[]): readonly (number | undefined)[]
  /** `false`: there is no such row, it is expired or was consumed before. */
  consume(key: string, now: number): boolean
  delete(key: string): void
  deleteByGrant(grant: string, models: readonly string[] | undefined): number
  deleteByAccount(account: string, models: readonly string[] | undefined): number
  deleteByClient(client: string): number
  /** Deletes at most `limit` expired rows, those first that expired first. */
  deleteExpired(now: number, limit: number): number
}

/** A row as it is stored. */
export interface ArtifactRow {
  readonly digest: Buffer
  readonly model: string
  readonly payload: Buffer
  readonly grant_digest: Buffer | null
  readonly uid_digest: Buffer | null
  readonly user_code_digest: Buffer | null
  readonly account: string | null
  readonly client: string | null
  readonly expires_at: number | null
  readonly consumed_at: number | null
}

/** What stands for an artifact's id, in hexadecimal. */
export function artifactKey(model: string, id: string): string {
  return digestText(model, id)
}

/** What stands for a grant's id, a session's uid or a user code, in hexadecimal. */
export function referenceKey(kind: 'grant' | 'uid' | 'userCode', value: string): string {
  return digestText(kind, value)
}

/** What payloads are sealed for. */
export const artifactPurpose = 'artifact'
const anyModel = '(@models IS NULL OR model IN (SELECT value FROM json_each(@models)))'

/** Prepares the statements once. */
export function createArtifactRows(database: SqliteDatabase, ring: KeyRing): ArtifactRows {
  const statements = prepare(database)

  const open = (row: ArtifactRow | undefined) => (row === undefined ? undefined : entryOf(row, ring))

  return {
    refresh: () => undefined,
    seal: (entry) => ({ ...entry, sealed: ring.seal(entry.text, artifactPurpose, bytes(entry.key)) }),
    get: (key) => open(statements.get.get(bytes(key))),
    getByUid: (uid) => open(statements.getByUid.get(bytes(uid))),
    getByUserCode: (userCode) => open(statements.getByUserCode.get(bytes(userCode))),
    listByAccount: (account, model) => statements.listByAccount.all(account, model).map((row) => entryOf(row, ring)),
    put: createPut(database),
    consume: (key, now) => statements.consume.run({ key: bytes(key), now }).changes === 1,
    delete: (key) => {
      statements.delete.run(bytes(key))
    },
    deleteByGrant: (grant, models) =>
      statements.deleteByGrant.run({ grant: bytes(grant), models: listOf(models) }).changes,
    deleteByAccount: (account, models) => statements.deleteByAccount.run({ account, models: listOf(models) }).changes,
    deleteByClient: (client) => statements.deleteByClient.run(client).changes,
    deleteExpired: (now, limit) => statements.deleteExpired.run({ now, limit }).changes,
  }
}

function prepare(database: SqliteDatabase) {
  const select = 'SELECT * FROM artifact WHERE'
  return {
    get: database.prepare<[Buffer], ArtifactRow>(`${select} digest = ?`),
    getByUid: database.prepare<[Buffer], ArtifactRow>(`${select} uid_digest = ? ORDER BY seq DESC LIMIT 1`),
    getByUserCode: database.prepare<[Buffer], ArtifactRow>(`${select} user_code_digest = ? ORDER BY seq DESC LIMIT 1`),
    listByAccount: database.prepare<[string, string], ArtifactRow>(`${select} account = ? AND model = ? ORDER BY seq`),
    consume: database.prepare<[{ key: Buffer; now: number }]>(
      `UPDATE artifact SET consumed_at = @now
       WHERE digest = @key AND consumed_at IS NULL AND (expires_at IS NULL OR expires_at > @now)`,
    ),
    delete: database.prepare<[Buffer]>('DELETE FROM artifact WHERE digest = ?'),
    deleteByGrant: database.prepare<[{ grant: Buffer; models: string | null }]>(
      `DELETE FROM artifact WHERE grant_digest = @grant AND ${anyModel}`,
    ),
    deleteByAccount: database.prepare<[{ account: string; models: string | null }]>(
      `DELETE FROM artifact WHERE account = @account AND ${anyModel}`,
    ),
    deleteByClient: database.prepare<[string]>('DELETE FROM artifact WHERE client = ?'),
    deleteExpired: database.prepare<[{ now: number; limit: number }]>(
      `DELETE FROM artifact WHERE seq IN
         (SELECT seq FROM artifact WHERE expires_at <= @now ORDER BY expires_at LIMIT @limit)`,
    ),
  }
}

/** Most rows of one statement; what one step writes is mostly less. */
const mostAtOnce = 8
const columns = [
  'digest',
  'model',
  'payload',
  'grant',
  'uid',
  'userCode',
  'account',
  'client',
  'expiresAt',
  'consumedAt',
]

interface Put {
  readonly digest: Buffer
  readonly consumed_at: number | null
}

/** A statement for each number of rows, made when it is needed first. */
function createPut(database: SqliteDatabase): ArtifactRows['put'] {
  const row = `(${columns.map(() => '?').join(', ')})`
  const prepareFor = (count: number) =>
    database.prepare<unknown[], Put>(
      `INSERT INTO artifact (digest, model, payload, grant_digest, uid_digest, user_code_digest, account, client,
         expires_at, consumed_at)
       VALUES ${Array(count).fill(row).join(', ')}
       ON CONFLICT (digest) DO UPDATE SET payload = excluded.payload, grant_digest = excluded.grant_digest,
         uid_digest = excluded.uid_digest, user_code_digest = excluded.user_code_digest, account = excluded.account,
         client = excluded.client, expires_at = excluded.expires_at RETURNING digest, consumed_at`,
    )
  const prepared: ReturnType<typeof prepareFor>[] = []
  const putSome = (entries: readonly SealedEntry[]): (number | undefined)[] => {
    prepared[entries.length] ??= prepareFor(entries.length)
    const values = entries.flatMap((entry) => {
      const cells = rowOf(entry)
      return columns.map((name) => cells[name])
    })
    const rows = prepared[entries.length]?.all(...values) ?? []
    // In which order they are told is not promised.
    return entries.map(({ key }) => {
      const digest = bytes(key)
      return rows.findLast((one) => one.digest.equals(digest))?.consumed_at ?? undefined
    })
  }
  return (entries) => {
    const answers: (number | undefined)[] = []
    for (let at = 0; at < entries.length; at += mostAtOnce) answers.push(...putSome(entries.slice(at, at + mostAtOnce)))
    return answers
  }
}

/** A row, opened. */
export function entryOf(row: ArtifactRow, ring: KeyRing): ArtifactEntry {
  return {
    key: row.digest.toString('hex'),
    model: row.model,
    text: ring.open(row.payload, artifactPurpose, row.digest).toString(),
    grant: row.grant_digest?.toString('hex'),
    uid: row.uid_digest?.toString('hex'),
    userCode: row.user_code_digest?.toString('hex'),
    account: row.account ?? undefined,
    client: row.client ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    consumedAt: row.consumed_at ?? undefined,
  }
}

/** An entry as its columns. */
export function rowOf(entry: SealedEntry): Record<string, unknown> {
  return {
    digest: bytes(entry.key),
    model: entry.model,
    payload: entry.sealed,
    grant: nullable(entry.grant),
    uid: nullable(entry.uid),
    userCode: nullable(entry.userCode),
    account: entry.account ?? null,
    client: entry.client ?? null,
    expiresAt: entry.expiresAt ?? null,
    consumedAt: entry.consumedAt ?? null,
  }
}

function bytes(key: string): Buffer {
  return Buffer.from(key, 'hex')
}

function nullable(key: string | undefined): Buffer | null {
  return key === undefined ? null : bytes(key)
}

function listOf(models: readonly string[] | undefined): string | null {
  return models === undefined ? null : JSON.stringify(models)
}

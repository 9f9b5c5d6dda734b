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

/** What of a grant lies open. */
export interface GrantRow {
  readonly key: string
  readonly account: string | undefined
  readonly client: string | undefined
  readonly expiresAt: number | undefined
}

/** Where an account stands: whether it may act hangs from nothing else. */
export interface AccountStanding {
  readonly state: string
  readonly kind: string
  /** `undefined`: it has none. One that is gone has neither state nor kind. */
  readonly parent: { readonly state: string | null; readonly kind: string | null } | undefined
}

/** What a token stands on, at one instant. */
export interface Ground {
  /** Expired or not; `undefined`: there is none. */
  readonly grant: GrantRow | undefined
  /** `undefined`: there is none, or nobody has looked. */
  readonly account: AccountStanding | undefined
}

/** Reads and writes of single rows; writes belong inside a unit of the writer. */
export interface ArtifactRows {
  /** Called when a step begins: what others have committed until then is seen by it. */
  refresh(): void
  seal(entry: ArtifactEntry): SealedEntry
  get(key: string): ArtifactEntry | undefined
  getByUid(uid: string): ArtifactEntry | undefined
  getByUserCode(userCode: string): ArtifactEntry | undefined
  listByAccount(account: string, model: string): ArtifactEntry[]
  /** A grant by its key, unopened, and an account: what a token of both stands on. */
  ground(grant: string, account: string): Ground
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

  const open = (cells: NamedCells | undefined) => {
    if (cells === undefined) return undefined
    const [digest, ...rest] = cells
    return entryOf(rowIn(digest, rest), ring)
  }

  return {
    refresh: () => undefined,
    seal: (entry) => ({ ...entry, sealed: ring.seal(entry.text, artifactPurpose, bytes(entry.key)) }),
    get(key) {
      const digest = bytes(key)
      const cells = statements.get.get(digest)
      return cells && entryOf(rowIn(digest, cells), ring)
    },
    getByUid: (uid) => open(statements.getByUid.get(bytes(uid))),
    getByUserCode: (userCode) => open(statements.getByUserCode.get(bytes(userCode))),
    listByAccount: (account, model) => statements.listByAccount.all(account, model).flatMap((row) => open(row) ?? []),
    ground: (grant, account) => groundOf(grant, groundIn(statements.ground.get(bytes(grant), account))),
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

/** Cells in their order: an object with a name for each costs as much as finding the row. */
type Cells = readonly [
  model: string,
  payload: Buffer,
  grant: Buffer | null,
  uid: Buffer | null,
  userCode: Buffer | null,
  account: string | null,
  client: string | null,
  expiresAt: number | null,
  consumedAt: number | null,
]
type NamedCells = readonly [digest: Buffer, ...Cells]

const cellNames = 'model, payload, grant_digest, uid_digest, user_code_digest, account, client, expires_at, consumed_at'

function rowIn(digest: Buffer, cells: Cells): ArtifactRow {
  const [model, payload, grant_digest, uid_digest, user_code_digest, account, client, expires_at, consumed_at] = cells
  return {
    ...{ digest, model, payload, grant_digest, uid_digest, user_code_digest },
    ...{ account, client, expires_at, consumed_at },
  }
}

type GroundCells = [0 | 1, string | null, string | null, number | null, ...(string | null)[]]

/** Whether there is such a grant and what of it lies open, and the standing of an account `a` with its parent `p`. */
export const groundSelect = `SELECT g.digest IS NOT NULL AS granted, g.account, g.client, g.expires_at,
    a.state, a.kind, a.parent, p.state AS parent_state, p.kind AS parent_kind
  FROM (SELECT 1 AS one) AS this LEFT JOIN artifact g ON g.digest = ? LEFT JOIN account a ON a.id = ?
    LEFT JOIN account p ON p.id = a.parent`

/** What `groundSelect` gives, always one row. */
export interface GroundColumns {
  readonly granted: number
  readonly account: string | null
  readonly client: string | null
  readonly expires_at: number | null
  readonly state: string | null
  readonly kind: string | null
  readonly parent: string | null
  readonly parent_state: string | null
  readonly parent_kind: string | null
}

function groundIn(cells: GroundCells | undefined): GroundColumns | undefined {
  if (cells === undefined) return undefined
  const [granted, account, client, expires_at, state = null, kind = null, parent = null, ...of] = cells
  const [parent_state = null, parent_kind = null] = of
  return { granted, account, client, expires_at, state, kind, parent, parent_state, parent_kind }
}

/** As everybody else has it; `key`: the grant's. */
export function groundOf(key: string, row: GroundColumns | undefined): Ground {
  if (row === undefined) return { grant: undefined, account: undefined }
  const { granted, account, client, expires_at: expiresAt, state, kind, parent } = row
  return {
    grant:
      granted === 1
        ? { key, account: account ?? undefined, client: client ?? undefined, expiresAt: expiresAt ?? undefined }
        : undefined,
    account:
      state === null || kind === null
        ? undefined
        : { state, kind, parent: parent === null ? undefined : { state: row.parent_state, kind: row.parent_kind } },
  }
}

function prepare(database: SqliteDatabase) {
  const select = `SELECT digest, ${cellNames} FROM artifact WHERE`
  const cells = <P extends unknown[], R>(sql: string) => database.prepare<P, R>(sql).raw()
  return {
    get: cells<[Buffer], Cells>(`SELECT ${cellNames} FROM artifact WHERE digest = ?`),
    getByUid: cells<[Buffer], NamedCells>(`${select} uid_digest = ? ORDER BY seq DESC LIMIT 1`),
    getByUserCode: cells<[Buffer], NamedCells>(`${select} user_code_digest = ? ORDER BY seq DESC LIMIT 1`),
    listByAccount: cells<[string, string], NamedCells>(`${select} account = ? AND model = ? ORDER BY seq`),
    ground: cells<[Buffer, string], GroundCells>(groundSelect),
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
/** What a row is written of, by the names of a statement's values. */
export const artifactColumns = [
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
  const row = `(${artifactColumns.map(() => '?').join(', ')})`
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
      return artifactColumns.map((name) => cells[name])
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

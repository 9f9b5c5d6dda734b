/**
 * API tokens as every request that brings one needs them: one prepared read by digest, and uses that are noted behind
 * the answer, many in one write.
 * @module
 */
import type { Log } from '@labgate/contract'
import { type AccountColumns, type AccountRecord, accountColumns, accountOf } from './account-rows.ts'
import { type RevisionColumns, type Revisions, revisionColumns, revisionsOf } from './ledger-rows.ts'
import type { Queries } from './query.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** A token as the hot read gives it. */
export interface TokenRecord {
  readonly id: string
  readonly account: string
  readonly name: string
  readonly hint: string
  readonly scopes: readonly string[]
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  readonly lastUsedAt: Date | undefined
  readonly lastUsedAddress: string | undefined
  readonly revokedAt: Date | undefined
}

/** A token, and whose it is and where that stands at the same instant. */
export interface FoundToken {
  readonly token: TokenRecord
  readonly account: AccountRecord
  readonly at: Revisions
}

/** The read and the small write of the hot path. */
export interface TokenRows {
  /** Whether living, ended or revoked: the caller judges. */
  find(digest: Uint8Array): Promise<FoundToken | undefined>
  /** Notes a use, at most one a minute and token. Nobody waits for it; what is left is written at `close`. */
  noteUse(token: Pick<TokenRecord, 'id' | 'lastUsedAt'>, use: { readonly address: string; readonly at: Date }): void
  /** Writes the uses that wait. */
  flush(): Promise<void>
  close(): Promise<void>
}

interface Columns extends AccountColumns, Omit<RevisionColumns, 'state' | 'parent'> {
  readonly token: string
  readonly name: string
  readonly hint: string
  readonly scopes: string
  readonly made_by: string
  readonly made_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
  readonly last_used_address: string | null
  readonly revoked_at: number | null
}

const minute = 60_000
/** How long uses are gathered. */
const gatherMs = 1000

/** When and from where a token was used. */
export interface TokenUse {
  readonly id: string
  readonly address: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What token rows are made from. */
export interface TokenNeeds {
  readonly queries: Queries
  readonly log: Log
  /** Whether the caller stands in a transaction of the ORM. */
  inside(): boolean
  /** Writes uses; never an older time over a newer one. */
  note(uses: readonly TokenUse[]): Promise<unknown>
}

/** How uses are written on SQLite. */
export function sqliteTokenUses({ database, writer }: { database: SqliteDatabase; writer: Writer }) {
  const used = database.prepare<[TokenUse]>(
    `UPDATE api_token SET last_used_at = @at, last_used_address = @address
     WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @at)`,
  )
  const note: TokenNeeds['note'] = (uses) =>
    writer.run(
      () => {
        for (const use of uses) used.run(use)
      },
      { quiet: true },
    )
  return { note, inside: () => writer.inside() }
}

/** Prepares the statements once. */
export function createTokenRows(needs: TokenNeeds): TokenRows {
  const { queries, log } = needs
  const select = queries.rows<[Uint8Array], Columns>(
    `SELECT ${accountColumns}, ${revisionColumns}, t.id AS token, t.name, t.hint, t.scopes, t.created_by AS made_by,
       t.created_at AS made_at, t.expires_at, t.last_used_at, t.last_used_address, t.revoked_at
     FROM api_token t JOIN account a ON a.id = t.account_id LEFT JOIN account p ON p.id = a.parent WHERE t.digest = ?`,
  )
  let waiting = new Map<string, TokenUse>()
  let timer: NodeJS.Timeout | undefined

  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const uses = [...waiting.values()]
    waiting = new Map()
    if (uses.length === 0) return
    try {
      await needs.note(uses)
    } catch (error) {
      // When a token was last used is worth knowing, and not worth refusing anybody for.
      log.warn({ err: error, tokens: uses.length }, 'the last use of API tokens could not be noted')
    }
  }

  return {
    async find(digest) {
      const row = await select.get(digest)
      return row && { token: recordOf(row), account: accountOf(row), at: revisionsOf(row) }
    },
    noteUse({ id, lastUsedAt }, { address, at }) {
      const recent = lastUsedAt !== undefined && at.getTime() - lastUsedAt.getTime() < minute
      // Inside a transaction the timer would carry that transaction's place into the write.
      if (recent || waiting.has(id) || needs.inside()) return
      waiting.set(id, { id, address, at: at.getTime() })
      timer ??= setTimeout(() => void flush(), gatherMs).unref()
    },
    flush,
    close: flush,
  }
}

function recordOf(row: Columns): TokenRecord {
  return {
    id: row.token,
    account: row.id,
    name: row.name,
    hint: row.hint,
    // As the entity stores JSON.
    scopes: JSON.parse(row.scopes) as readonly string[],
    createdBy: row.made_by,
    createdAt: new Date(row.made_at),
    expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at),
    lastUsedAt: row.last_used_at === null ? undefined : new Date(row.last_used_at),
    lastUsedAddress: row.last_used_address ?? undefined,
    revokedAt: row.revoked_at === null ? undefined : new Date(row.revoked_at),
  }
}

/**
 * Accounts and identities as every request of the sign-in and token path needs them: by prepared statements. They see
 * what is committed, by this process or another, and cost a tenth of the ORM's way; inside `transaction` read through
 * its entity manager instead.
 * @module
 */
import type { AccountId, AccountRole, AccountState, Fact, Json } from '@labgate/contract'
import type { Account, Identity } from './entities.ts'
import type { Queries } from './query.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** An account with the groups that any source put it in, sorted. */
export interface AccountRecord extends Account {
  readonly groups: readonly string[]
}

/** What an identity is known by. */
export interface IdentityKey {
  readonly realm: string
  readonly issuer: string
  readonly subject: string
}

/** What a sign-in brings to a known identity. */
export interface SeenIdentity {
  readonly id: string
  readonly instance: string
  readonly facts: readonly Fact[]
  /** Sealed by the caller; without it, what was kept stays. */
  readonly kept?: Uint8Array | null | undefined
  /** The person signs in with it. */
  readonly signsIn?: boolean
  readonly at: Date
}

/** A living identity with whom it belongs to. */
export interface IdentityRecord {
  readonly identity: Identity
  readonly account: AccountRecord
  /** The groups that one source put the account in. */
  readonly said: readonly string[]
}

/** An answer to a question of the site; `null`: it was left empty. */
export interface AnswerRecord {
  readonly question: string
  readonly value: Json
  readonly at: Date
}

/** The reads of the hot path. */
export interface AccountReads {
  find(id: AccountId): Promise<AccountRecord | undefined>
  /** The groups that one source put the account in. */
  groupsFrom(id: AccountId, source: string): Promise<readonly string[]>
  /** A living identity; `source` is whose word on groups is wanted. */
  identity(key: IdentityKey, source: string): Promise<IdentityRecord | undefined>
  /** The living identities of an account, oldest first. */
  identities(account: AccountId): Promise<Identity[]>
  /** What a person answered to the site's questions. */
  answers(account: AccountId): Promise<readonly AnswerRecord[]>
}

/** The reads, and the small writes beside them. */
export interface AccountRows extends AccountReads {
  noteSeen(seen: SeenIdentity): Promise<void>
  noteSignIn(id: AccountId, at: Date): Promise<void>
}

/** The columns of an account, and its groups as JSON of an array. */
export interface AccountColumns {
  readonly id: string
  readonly state: string
  readonly role: string
  readonly username: string
  readonly display_name: string
  readonly email: string | null
  readonly email_verified: number
  readonly created_at: number
  readonly updated_at: number
  readonly last_sign_in_at: number | null
  readonly revision: number
  readonly kind: string
  readonly parent: string | null
  readonly description: string
  readonly merged_into: string | null
  readonly erased_at: number | null
  readonly numeric_id: number | null
  /** `null` instead of an empty list on PostgreSQL, as each gathered list. */
  readonly groups_in: string | null
}

/** `AccountColumns` of an account `a`, in one read with whatever else is wanted of it. */
export const accountColumns = `a.*, (SELECT json_group_array(m.group_slug) FROM membership m WHERE m.account_id = a.id) AS groups_in`

interface IdentityColumns {
  readonly id: string
  readonly account_id: string
  readonly realm: string
  readonly issuer: string
  readonly subject: string
  readonly instance: string
  readonly facts: string
  readonly kept: Buffer | null
  readonly created_at: number
  readonly last_seen_at: number
}

/** Both in one row: what of an identity is called as of an account has a name of its own. */
interface KnownColumns extends AccountColumns, Omit<IdentityColumns, 'id' | 'created_at'> {
  readonly identity_id: string
  readonly identity_since: number
  readonly said: string | null
}

/** The reads by the statements of one connection. */
export function createAccountReads(queries: Queries): AccountReads {
  const account = queries.rows<[string], AccountColumns>(`SELECT ${accountColumns} FROM account a WHERE a.id = ?`)
  const groupsFrom = queries.values<[string, string], string>(
    'SELECT group_slug FROM membership WHERE account_id = ? AND source = ?',
  )
  const identity = queries.rows<[string, string, string, string], KnownColumns>(
    `SELECT ${accountColumns}, i.id AS identity_id, i.account_id, i.realm, i.issuer, i.subject, i.instance, i.facts, i.kept,
       i.created_at AS identity_since, i.last_seen_at,
       (SELECT json_group_array(s.group_slug) FROM membership s WHERE s.account_id = a.id AND s.source = ?) AS said
     FROM identity i JOIN account a ON a.id = i.account_id
     WHERE i.realm = ? AND i.issuer = ? AND i.subject = ? AND i.removed_at IS NULL`,
  )
  const identities = queries.rows<[string], IdentityColumns>(
    'SELECT * FROM identity WHERE account_id = ? AND removed_at IS NULL ORDER BY created_at',
  )
  const answers = queries.rows<[string], { readonly question: string; readonly value: string; readonly at: number }>(
    'SELECT question, value, at FROM profile_answer WHERE account_id = ?',
  )
  return {
    async find(id) {
      const row = await account.get(id)
      return row && accountOf(row)
    },
    groupsFrom: (id, source) => groupsFrom.all(id, source),
    async identity({ realm, issuer, subject }, source) {
      const row = await identity.get(source, realm, issuer, subject)
      if (row === undefined) return undefined
      const found = identityOf(row, { id: row.identity_id, since: row.identity_since })
      return { identity: found, account: accountOf(row), said: gathered<string>(row.said) }
    },
    identities: async (id) =>
      (await identities.all(id)).map((row) => identityOf(row, { id: row.id, since: row.created_at })),
    answers: async (id) =>
      (await answers.all(id)).map(({ question, value, at }) => ({
        question,
        // As the entity stores JSON.
        value: JSON.parse(value) as Json,
        at: new Date(at),
      })),
  }
}

/** Prepares the statements once. */
export function createAccountRows(needs: { database: SqliteDatabase; queries: Queries; writer: Writer }): AccountRows {
  const { writer } = needs
  const statements = prepare(needs.database)
  return {
    ...createAccountReads(needs.queries),
    async noteSeen({ id, instance, facts, kept, signsIn = false, at: when }) {
      const [at, keeps] = [when.getTime(), Number(kept === undefined)]
      const row = { id, instance, facts: JSON.stringify(facts), kept: kept ?? null, keeps, at }
      await writer.run(() => {
        // Facts, and how fresh they are, decide what an account may do.
        if (statements.seen.run(row).changes > 0) statements.grown.run(signsIn ? at : null, id)
      })
    },
    async noteSignIn(id, at) {
      // It changes nothing of what the account may do.
      await writer.run(() => statements.signedIn.run(at.getTime(), id), { quiet: true })
    },
  }
}

function prepare(database: SqliteDatabase) {
  return {
    seen: database.prepare<[Record<string, unknown>]>(
      `UPDATE identity SET instance = @instance, facts = @facts, last_seen_at = @at,
         kept = CASE WHEN @keeps = 1 THEN kept ELSE @kept END
       WHERE id = @id AND removed_at IS NULL`,
    ),
    grown: database.prepare<[number | null, string]>(
      `UPDATE account SET revision = revision + 1, last_sign_in_at = coalesce(?, last_sign_in_at)
       WHERE id = (SELECT account_id FROM identity WHERE id = ?)`,
    ),
    signedIn: database.prepare<[number, string]>('UPDATE account SET last_sign_in_at = ? WHERE id = ?'),
  }
}

/** A list that one statement has gathered. */
export function gathered<T>(list: string | null): readonly T[] {
  return list === null || list === '[]' ? none : (JSON.parse(list) as readonly T[])
}

const none: readonly never[] = Object.freeze([])

/** Names that one statement has gathered, each once, by code units. SQLite would make a table for each order, even of nothing. */
export function gatheredNames(list: string | null): readonly string[] {
  const names = gathered<string>(list)
  return names.length < 2 ? names : [...new Set(names)].toSorted()
}

/** An account as its columns were read. */
export function accountOf(row: AccountColumns): AccountRecord {
  return {
    id: row.id,
    // Written through the entity only, whose types these are.
    state: row.state as AccountState,
    role: row.role as AccountRole,
    username: row.username,
    displayName: row.display_name,
    email: row.email,
    emailVerified: row.email_verified === 1,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    lastSignInAt: row.last_sign_in_at === null ? null : new Date(row.last_sign_in_at),
    revision: row.revision,
    kind: row.kind as Account['kind'],
    parent: row.parent,
    description: row.description,
    mergedInto: row.merged_into,
    erasedAt: row.erased_at === null ? null : new Date(row.erased_at),
    numericId: row.numeric_id,
    groups: gatheredNames(row.groups_in),
  }
}

function identityOf(
  row: Omit<IdentityColumns, 'id' | 'created_at'>,
  { id, since }: { readonly id: string; readonly since: number },
): Identity {
  return {
    id,
    account: row.account_id,
    realm: row.realm,
    issuer: row.issuer,
    subject: row.subject,
    instance: row.instance,
    // As the entity stores JSON.
    facts: JSON.parse(row.facts) as readonly Fact[],
    kept: row.kept,
    createdAt: new Date(since),
    lastSeenAt: new Date(row.last_seen_at),
    removedAt: null,
  }
}

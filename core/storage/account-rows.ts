/**
 * Accounts and identities as every request of the sign-in and token path needs them: by prepared statements on the
 * serving connection. They see what is committed, by this process or another, and cost a tenth of the ORM's way;
 * inside `transaction` read through its entity manager instead.
 * @module
 */
import type { AccountId, AccountRole, AccountState, Fact, Json } from '@labgate/contract'
import type { Account, Identity } from './entities.ts'
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
  readonly at: Date
}

/** An answer to a question of the site; `null`: it was left empty. */
export interface AnswerRecord {
  readonly question: string
  readonly value: Json
  readonly at: Date
}

/** The reads and the small writes of the hot path. */
export interface AccountRows {
  find(id: AccountId): AccountRecord | undefined
  /** The groups that one source put the account in. */
  groupsFrom(id: AccountId, source: string): readonly string[]
  /** A living identity. */
  identity(key: IdentityKey): Identity | undefined
  /** The living identities of an account, oldest first. */
  identities(account: AccountId): Identity[]
  /** What a person answered to the site's questions. */
  answers(account: AccountId): readonly AnswerRecord[]
  noteSeen(seen: SeenIdentity): Promise<void>
  noteSignIn(id: AccountId, at: Date): Promise<void>
}

interface AccountColumns {
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
}

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

/** Prepares the statements once. */
export function createAccountRows({ database, writer }: { database: SqliteDatabase; writer: Writer }): AccountRows {
  const statements = prepare(database)
  return {
    find(id) {
      const row = statements.account.get(id)
      return row && accountOf(row, statements.groups.all(id))
    },
    groupsFrom: (id, source) => statements.groupsFrom.all(id, source),
    identity(key) {
      const row = statements.identity.get(key)
      return row && identityOf(row)
    },
    identities: (account) => statements.identities.all(account).map(identityOf),
    answers: (account) =>
      statements.answers.all(account).map(({ question, value, at }) => ({
        question,
        // As the entity stores JSON.
        value: JSON.parse(value) as Json,
        at: new Date(at),
      })),
    async noteSeen({ id, instance, facts, kept, at }) {
      const row = { id, instance, facts: JSON.stringify(facts), kept: kept ?? null, keeps: Number(kept === undefined) }
      await writer.run(() => {
        // Facts, and how fresh they are, decide what an account may do.
        if (statements.seen.run({ ...row, at: at.getTime() }).changes > 0) statements.grown.run(id)
      })
    },
    async noteSignIn(id, at) {
      await writer.run(() => statements.signedIn.run(at.getTime(), id))
    },
  }
}

function prepare(database: SqliteDatabase) {
  return {
    account: database.prepare<[string], AccountColumns>('SELECT * FROM account WHERE id = ?'),
    groups: database
      .prepare<[string], string>('SELECT DISTINCT group_slug FROM membership WHERE account_id = ? ORDER BY group_slug')
      .pluck(),
    groupsFrom: database
      .prepare<[string, string], string>('SELECT group_slug FROM membership WHERE account_id = ? AND source = ?')
      .pluck(),
    identity: database.prepare<[IdentityKey], IdentityColumns>(
      `SELECT * FROM identity
       WHERE realm = @realm AND issuer = @issuer AND subject = @subject AND removed_at IS NULL`,
    ),
    identities: database.prepare<[string], IdentityColumns>(
      'SELECT * FROM identity WHERE account_id = ? AND removed_at IS NULL ORDER BY created_at',
    ),
    answers: database.prepare<[string], { readonly question: string; readonly value: string; readonly at: number }>(
      'SELECT question, value, at FROM profile_answer WHERE account_id = ?',
    ),
    seen: database.prepare<[Record<string, unknown>]>(
      `UPDATE identity SET instance = @instance, facts = @facts, last_seen_at = @at,
         kept = CASE WHEN @keeps = 1 THEN kept ELSE @kept END
       WHERE id = @id AND removed_at IS NULL`,
    ),
    grown: database.prepare<[string]>(
      'UPDATE account SET revision = revision + 1 WHERE id = (SELECT account_id FROM identity WHERE id = ?)',
    ),
    signedIn: database.prepare<[number, string]>('UPDATE account SET last_sign_in_at = ? WHERE id = ?'),
  }
}

function accountOf(row: AccountColumns, groups: readonly string[]): AccountRecord {
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
    groups,
  }
}

function identityOf(row: IdentityColumns): Identity {
  return {
    id: row.id,
    account: row.account_id,
    realm: row.realm,
    issuer: row.issuer,
    subject: row.subject,
    instance: row.instance,
    // As the entity stores JSON.
    facts: JSON.parse(row.facts) as readonly Fact[],
    kept: row.kept,
    createdAt: new Date(row.created_at),
    lastSeenAt: new Date(row.last_seen_at),
    removedAt: null,
  }
}

/** The small writes of the hot path on PostgreSQL, those beside the reads that both databases share. @module */

import type { Clock } from '@labgate/contract'
import type { AccountRows } from '../account-rows.ts'
import { createAccountReads } from '../account-rows.ts'
import { type AuditRow, createAuditTrail, insertLine } from '../audit.ts'
import type { Queries } from '../query.ts'
import type { Settings } from '../settings.ts'
import type { TokenNeeds } from '../token-rows.ts'
import { createWorkspaceReads, type WorkspaceRows } from '../workspace-rows.ts'
import type { Connection } from './client.ts'
import { changeLock, type PostgresWriter, transactionOn } from './writer.ts'

export interface SmallNeeds {
  readonly reads: Connection
  readonly queries: Queries
  readonly writer: PostgresWriter
  readonly clock: Clock
}

const statements = {
  // A change through the ORM reads the revision and writes it again: one of the two would be lost, so each waits for the other
  // before it takes a row. Facts, and how fresh they are, decide what an account may do.
  seen: `WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${changeLock})),
    seen AS (UPDATE identity SET instance = @instance, facts = @facts, last_seen_at = @at,
        kept = CASE WHEN @keeps THEN kept ELSE @kept::bytea END
      FROM held WHERE id = @id AND removed_at IS NULL RETURNING account_id)
    UPDATE account SET revision = revision + 1, last_sign_in_at = coalesce(@signedIn::bigint, last_sign_in_at)
      FROM seen WHERE id = seen.account_id`,
  signedIn: 'UPDATE account SET last_sign_in_at = ? WHERE id = ?',
  tokens: `UPDATE api_token t SET last_used_at = u.at, last_used_address = u.address
    FROM unnest(@ids::text[], @times::bigint[], @addresses::text[]) AS u(id, at, address)
    WHERE t.id = u.id AND (t.last_used_at IS NULL OR t.last_used_at < u.at)`,
  workspaces: `UPDATE workspace w SET last_activity_at = u.at FROM unnest(@ids::text[], @times::bigint[]) AS u(id, at)
    WHERE w.id = u.id AND w.ended_at IS NULL AND (w.last_activity_at IS NULL OR w.last_activity_at < u.at)`,
  setting: 'SELECT value FROM setting WHERE "key" = ?',
  set: `INSERT INTO setting ("key", value) VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET value = excluded.value`,
  unset: 'DELETE FROM setting WHERE "key" = ?',
}

/** Accounts and identities. */
export function postgresAccountRows({ queries, writer }: SmallNeeds): AccountRows {
  return {
    ...createAccountReads(queries),
    async noteSeen({ id, instance, facts, kept, signsIn = false, at: when }) {
      const [at, keeps] = [when.getTime(), kept === undefined]
      const row = { id, instance, facts: JSON.stringify(facts), kept: kept ?? null, keeps, at }
      await writer.one(statements.seen, { ...row, signedIn: signsIn ? at : null })
    },
    async noteSignIn(id, at) {
      await writer.one(statements.signedIn, [at.getTime(), id])
    },
  }
}

/** Uses of API tokens. */
export function postgresTokenUses({ writer }: SmallNeeds): Pick<TokenNeeds, 'note' | 'inside'> {
  return {
    inside: () => writer.inside(),
    note: (uses) =>
      writer.one(statements.tokens, {
        ids: uses.map(({ id }) => id),
        times: uses.map(({ at }) => at),
        addresses: uses.map(({ address }) => address),
      }),
  }
}

/** Workspaces. */
export function postgresWorkspaceRows({ queries, writer }: SmallNeeds): WorkspaceRows {
  return {
    ...createWorkspaceReads(queries),
    async noteActivity(uses) {
      if (uses.length === 0) return
      const values = { ids: uses.map(({ id }) => id), times: uses.map(({ at }) => at.getTime()) }
      await writer.one(statements.workspaces, values)
    },
  }
}

/** The audit trail. */
export function postgresAudit({ queries, writer, clock }: SmallNeeds) {
  const append = async (row: AuditRow) => {
    await writer.one(insertLine, { ...row })
  }
  return createAuditTrail({ clock, queries, append })
}

/** Named values of the installation. */
export function postgresSettings({ reads, writer }: SmallNeeds): Settings {
  return {
    get: async (key) => (await transactionOn(reads).run<{ value: string }>(statements.setting, [key])).rows[0]?.value,
    async set(key, value) {
      await writer.one(statements.set, [key, value])
    },
    delete: async (key) => (await writer.one(statements.unset, [key])).changes === 1,
  }
}

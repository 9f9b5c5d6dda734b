/**
 * Workspaces as every request to one, and every look at all of them, needs them: prepared reads,
 * which see what is committed by this process or another, and one small write for many.
 * @module
 */
import type { Json } from '@labgate/contract'
import type { Queries } from './query.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Trouble, WorkspaceRow, WorkspaceState } from './workspace-entities.ts'
import type { Writer } from './writer.ts'

/** The reads and the small write. */
export interface WorkspaceRows {
  find(id: string): Promise<WorkspaceRow | undefined>
  /** Those that have not ended, the oldest first. */
  living(): Promise<WorkspaceRow[]>
  isGuest(workspace: string, account: string): Promise<boolean>
  guests(workspace: string): Promise<string[]>
  /** Number of the last event; 0 while there is none. */
  lastEvent(workspace: string): Promise<number>
  /** Ids of those that somebody should do something about: just asked for, or wished to end. */
  pending(): Promise<string[]>
  /** Owners of living ones who may not act. */
  shutOwners(): Promise<ReadonlySet<string>>
  /** Notes when they were last used, many in one write; never an older time. */
  noteActivity(uses: readonly { readonly id: string; readonly at: Date }[]): Promise<void>
}

/** A row as the database has it. */
export interface WorkspaceColumns {
  readonly id: string
  readonly account_id: string
  readonly profile: string
  readonly runner: string
  readonly title: string
  readonly size: string
  readonly image: string | null
  readonly memory_bytes: number
  readonly milli_cpus: number
  readonly limits: string
  readonly state: string
  readonly wanted: string
  readonly stop_reason: string | null
  readonly plan_hash: string | null
  readonly runner_state: string | null
  readonly runner_state_version: number | null
  readonly secrets: Buffer | null
  readonly direct_port: number | null
  readonly direct_shown_at: number | null
  readonly trouble: string | null
  readonly created_at: number
  readonly started_at: number | null
  readonly ready_at: number | null
  readonly last_activity_at: number | null
  readonly lease_ends_at: number
  readonly lease_limit_at: number
  readonly warned_at: number | null
  readonly unknown_since: number | null
  readonly ended_at: number | null
}

/** What workspace rows are made from. */
export interface WorkspaceNeeds {
  readonly database: SqliteDatabase
  readonly queries: Queries
  readonly writer: Writer
}

/** Prepares the statements once. */
export function createWorkspaceRows({ database, queries, writer }: WorkspaceNeeds): WorkspaceRows {
  const used = database.prepare<[{ id: string; at: number }]>(
    `UPDATE workspace SET last_activity_at = @at
     WHERE id = @id AND ended_at IS NULL AND (last_activity_at IS NULL OR last_activity_at < @at)`,
  )
  return {
    ...createWorkspaceReads(queries),
    async noteActivity(uses) {
      if (uses.length === 0) return
      await writer.run(() => {
        for (const { id, at } of uses) used.run({ id, at: at.getTime() })
      })
    },
  }
}

/** The reads by the statements of one connection. */
export function createWorkspaceReads({ rows, values }: Queries): Omit<WorkspaceRows, 'noteActivity'> {
  const one = rows<[string], WorkspaceColumns>('SELECT * FROM workspace WHERE id = ?')
  const all = rows<[], WorkspaceColumns>('SELECT * FROM workspace WHERE ended_at IS NULL ORDER BY created_at, id')
  const guest = values<[string, string], number>(
    'SELECT 1 FROM workspace_guest WHERE workspace_id = ? AND account_id = ?',
  )
  const guests = values<[string], string>('SELECT account_id FROM workspace_guest WHERE workspace_id = ?')
  const event = values<[string], number | null>('SELECT max(number) FROM workspace_event WHERE workspace_id = ?')
  const pending = values<[], string>(
    `SELECT id FROM workspace WHERE ended_at IS NULL AND state <> 'orphaned'
     AND (state IN ('requested', 'reserved') OR (wanted <> 'running' AND state <> 'stopping'))
     UNION ALL SELECT id FROM workspace WHERE state = 'orphaned' AND wanted <> 'running'`,
  )
  const shut = values<[], string>(
    `SELECT DISTINCT account_id FROM workspace JOIN account ON account.id = account_id
     WHERE ended_at IS NULL AND account.state <> 'active'`,
  )
  return {
    async find(id) {
      const row = await one.get(id)
      return row && workspaceRowOf(row)
    },
    living: async () => (await all.all()).map(workspaceRowOf),
    isGuest: async (workspace, account) => (await guest.get(workspace, account)) !== undefined,
    guests: (workspace) => guests.all(workspace),
    lastEvent: async (workspace) => (await event.get(workspace)) ?? 0,
    pending: () => pending.all(),
    shutOwners: async () => new Set(await shut.all()),
  }
}

function timeOf(value: number | null): Date | null {
  return value === null ? null : new Date(value)
}

function jsonOf(value: string | null): Json | null {
  // As the entity stores JSON.
  return value === null ? null : (JSON.parse(value) as Json)
}

/** A row as the room works with it. */
export function workspaceRowOf(row: WorkspaceColumns): WorkspaceRow {
  return {
    id: row.id,
    account: row.account_id,
    profile: row.profile,
    runner: row.runner,
    title: row.title,
    size: row.size,
    image: row.image,
    memoryBytes: row.memory_bytes,
    milliCpus: row.milli_cpus,
    limits: jsonOf(row.limits) ?? {},
    // Written through the entity only, whose types these are.
    state: row.state as WorkspaceState,
    wanted: row.wanted as WorkspaceRow['wanted'],
    stopReason: row.stop_reason,
    planHash: row.plan_hash,
    runnerState: jsonOf(row.runner_state),
    runnerStateVersion: row.runner_state_version,
    secrets: row.secrets,
    directPort: row.direct_port,
    directShownAt: timeOf(row.direct_shown_at),
    trouble: jsonOf(row.trouble) as Trouble | null,
    createdAt: new Date(row.created_at),
    startedAt: timeOf(row.started_at),
    readyAt: timeOf(row.ready_at),
    lastActivityAt: timeOf(row.last_activity_at),
    leaseEndsAt: new Date(row.lease_ends_at),
    leaseLimitAt: new Date(row.lease_limit_at),
    warnedAt: timeOf(row.warned_at),
    unknownSince: timeOf(row.unknown_since),
    endedAt: timeOf(row.ended_at),
  } as WorkspaceRow
}

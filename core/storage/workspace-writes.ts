/**
 * Writing of workspaces within a transaction, by plain statements: a start writes its record half a dozen times, and the
 * unit of work of the ORM costs ten times what each of these does.
 * @module
 */
import type { EntityManager } from '@mikro-orm/sqlite'
import type { WorkspaceEventRow, WorkspaceRow } from './workspace-entities.ts'
import { type WorkspaceColumns, workspaceRowOf } from './workspace-rows.ts'

/** Everything of a new row; what it does not name is empty. */
export type NewWorkspaceRow = Partial<WorkspaceRow> &
  Pick<WorkspaceRow, 'id' | 'account' | 'profile' | 'runner' | 'size' | 'memoryBytes' | 'limits' | 'state'> &
  Pick<WorkspaceRow, 'createdAt' | 'leaseEndsAt' | 'leaseLimitAt'>

/** What changes on a row; `undefined` leaves it, `null` empties it. */
export type WorkspacePatch = Partial<Omit<WorkspaceRow, 'id' | 'account' | 'createdAt'>>

type Name = Extract<keyof WorkspaceRow, string>

const columns: Readonly<Record<Name, string>> = {
  ...{ id: 'id', account: 'account_id', profile: 'profile', runner: 'runner', title: 'title', size: 'size' },
  ...{ image: 'image', memoryBytes: 'memory_bytes', milliCpus: 'milli_cpus', limits: 'limits', state: 'state' },
  ...{ wanted: 'wanted', stopReason: 'stop_reason', planHash: 'plan_hash', runnerState: 'runner_state' },
  ...{ runnerStateVersion: 'runner_state_version', secrets: 'secrets', trouble: 'trouble' },
  ...{ directPort: 'direct_port', directShownAt: 'direct_shown_at', createdAt: 'created_at', startedAt: 'started_at' },
  ...{ readyAt: 'ready_at', lastActivityAt: 'last_activity_at', leaseEndsAt: 'lease_ends_at' },
  ...{ leaseLimitAt: 'lease_limit_at', warnedAt: 'warned_at', unknownSince: 'unknown_since', endedAt: 'ended_at' },
}
const asJson: ReadonlySet<string> = new Set<Name>(['limits', 'runnerState', 'trouble'])

/** A row as the transaction sees it. */
export async function workspaceIn(em: EntityManager, id: string): Promise<WorkspaceRow | undefined> {
  const [row] = await em.execute<WorkspaceColumns[]>('select * from workspace where id = ?', [id])
  return row && workspaceRowOf(row)
}

/** Writes a new row. */
export async function insertWorkspace(em: EntityManager, row: NewWorkspaceRow): Promise<void> {
  const cells = cellsOf(row)
  const marks = cells.map(() => '?').join(', ')
  const names = cells.map(([name]) => name).join(', ')
  await em.execute(
    `insert into workspace (${names}) values (${marks})`,
    cells.map(([, value]) => value),
  )
}

/** Changes a row. */
export async function updateWorkspace(em: EntityManager, id: string, patch: WorkspacePatch): Promise<void> {
  const cells = cellsOf(patch)
  if (cells.length === 0) return
  const sets = cells.map(([name]) => `${name} = ?`).join(', ')
  await em.execute(`update workspace set ${sets} where id = ?`, [...cells.map(([, value]) => value), id])
}

/** Writes events under the numbers that follow. */
export async function addWorkspaceEvents(
  em: EntityManager,
  workspace: string,
  events: readonly Omit<WorkspaceEventRow, 'workspace' | 'number'>[],
): Promise<WorkspaceEventRow[]> {
  if (events.length === 0) return []
  const [last] = await em.execute<{ number: number | null }[]>(
    'select max(number) as number from workspace_event where workspace_id = ?',
    [workspace],
  )
  const made = events.map((event, index) => ({ workspace, number: Number(last?.number ?? 0) + 1 + index, ...event }))
  await em.execute(
    `insert into workspace_event (workspace_id, number, at, kind, text) values ${made.map(() => '(?, ?, ?, ?, ?)').join(', ')}`,
    // No text of PostgreSQL has a NUL, whatever an app wrote.
    made.flatMap(({ number, at, kind, text }) => [workspace, number, at.getTime(), kind, text.replaceAll('\0', '␀')]),
  )
  return made
}

function cellsOf(row: Partial<WorkspaceRow>): [string, unknown][] {
  return Object.entries(row).flatMap(([name, value]): [string, unknown][] => {
    if (value === undefined) return []
    // Every name of a row is one of these.
    const column = columns[name as Name]
    return [[column, storable(name, value)]]
  })
}

/** As either database keeps it: times in milliseconds, JSON as text. */
function storable(name: string, value: unknown): unknown {
  if (value === null) return null
  if (asJson.has(name)) return JSON.stringify(value)
  return value instanceof Date ? value.getTime() : value
}

/** What was used: reserved hours, from what the records say happened. @module */
import type { Storage } from '../storage/storage.ts'
import { WorkspaceEntity, WorkspaceEventEntity } from '../storage/workspace-entities.ts'
import { ended, type UsageLine, type WorkspaceState } from './model.ts'

/** Which time, and whether by person or by group (who is in two groups counts in both). */
export interface UsageAsk {
  readonly from: Date
  readonly until: Date
  readonly by: 'account' | 'group'
}

/** Adds up what ran in that time, the most first. Times before a start and after an end do not count. */
export async function usageOf(storage: Storage, now: Date, ask: UsageAsk): Promise<UsageLine[]> {
  const { from, until, by } = ask
  const em = storage.em()
  const rows = await em.find(WorkspaceEntity, {
    createdAt: { $lt: until },
    $or: [{ endedAt: null }, { endedAt: { $gt: from } }],
  })
  const hours = await hoursOf(storage, { now, ask, ids: rows.map(({ id }) => id) })
  const groups = by === 'group' ? await groupsOf(storage) : new Map<string, string[]>()
  const lines = new Map<string, UsageLine>()
  for (const row of rows) {
    const own = hours.get(row.id) ?? 0
    const scopes =
      by === 'account' ? [`account:${row.account}`] : (groups.get(row.account) ?? []).map((slug) => `group:${slug}`)
    for (const scope of scopes) {
      const line = lines.get(scope) ?? { scope, workspaces: 0, hours: 0, memoryGibHours: 0, cpuHours: 0 }
      lines.set(scope, {
        scope,
        workspaces: line.workspaces + 1,
        hours: line.hours + own,
        memoryGibHours: line.memoryGibHours + (own * row.memoryBytes) / 1024 ** 3,
        cpuHours: line.cpuHours + (own * row.milliCpus) / 1000,
      })
    }
  }
  return [...lines.values()].toSorted((a, b) => b.hours - a.hours || a.scope.localeCompare(b.scope))
}

/** By what happened: one that was stopped and started anew has several times behind it. */
async function hoursOf(
  storage: Storage,
  { now, ask, ids }: { readonly now: Date; readonly ask: UsageAsk; readonly ids: readonly string[] },
): Promise<Map<string, number>> {
  const kinds = ['starting', 'orphaned', ...ended]
  const events = await storage
    .em()
    .find(WorkspaceEventEntity, { workspace: { $in: [...ids] }, kind: { $in: kinds } }, { orderBy: { number: 'asc' } })
  const hours = new Map<string, number>()
  const since = new Map<string, Date>()
  const add = (id: string, end: Date) => {
    const begin = since.get(id)
    if (begin === undefined) return
    since.delete(id)
    const [first, last] = [Math.max(begin.getTime(), ask.from.getTime()), Math.min(end.getTime(), ask.until.getTime())]
    hours.set(id, (hours.get(id) ?? 0) + Math.max(0, last - first) / 3_600_000)
  }
  for (const { workspace, kind, at } of events)
    if (ended.includes(kind as WorkspaceState)) add(workspace, at)
    // A restart is no end: it keeps its share meanwhile.
    else if (!since.has(workspace)) since.set(workspace, at)
  for (const id of [...since.keys()]) add(id, now)
  return hours
}

async function groupsOf(storage: Storage): Promise<Map<string, string[]>> {
  const rows = await storage
    .em()
    .execute<{ account_id: string; group_slug: string }[]>('select distinct account_id, group_slug from membership')
  const groups = new Map<string, string[]>()
  for (const { account_id: account, group_slug: slug } of rows)
    groups.set(account, [...(groups.get(account) ?? []), slug])
  return groups
}

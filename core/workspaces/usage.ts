/** What was used: reserved hours, from the records. @module */
import type { Storage } from '../storage/storage.ts'
import { WorkspaceEntity } from '../storage/workspace-entities.ts'
import type { UsageLine } from './model.ts'

/** Which time, and whether by person or by group (who is in two groups counts in both). */
export interface UsageAsk {
  readonly from: Date
  readonly until: Date
  readonly by: 'account' | 'group'
}

/** Adds up what ran in that time, the most first. Times before the start and after the end do not count. */
export async function usageOf(storage: Storage, now: Date, { from, until, by }: UsageAsk): Promise<UsageLine[]> {
  const em = storage.em()
  const rows = await em.find(WorkspaceEntity, {
    createdAt: { $lt: until },
    $or: [{ endedAt: null }, { endedAt: { $gt: from } }],
  })
  const groups = by === 'group' ? await groupsOf(storage) : new Map<string, string[]>()
  const lines = new Map<string, UsageLine>()
  for (const row of rows) {
    const start = Math.max((row.startedAt ?? row.createdAt).getTime(), from.getTime())
    const end = Math.min((row.endedAt ?? now).getTime(), until.getTime())
    const hours = Math.max(0, end - start) / 3_600_000
    const scopes =
      by === 'account' ? [`account:${row.account}`] : (groups.get(row.account) ?? []).map((slug) => `group:${slug}`)
    for (const scope of scopes) {
      const line = lines.get(scope) ?? { scope, workspaces: 0, hours: 0, memoryGibHours: 0, cpuHours: 0 }
      lines.set(scope, {
        scope,
        workspaces: line.workspaces + 1,
        hours: line.hours + hours,
        memoryGibHours: line.memoryGibHours + (hours * row.memoryBytes) / 1024 ** 3,
        cpuHours: line.cpuHours + (hours * row.milliCpus) / 1000,
      })
    }
  }
  return [...lines.values()].toSorted((a, b) => b.hours - a.hours || a.scope.localeCompare(b.scope))
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

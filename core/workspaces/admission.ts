/**
 * Who may have how much. What is asked for is weighed against every quota in the very transaction that writes the
 * record: of twenty who ask at once for one place, one gets it.
 * @module
 */
import { type AccountId, Fault, type Limits } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Config } from '../config/schema.ts'
import { holding, type Quota, type QuotaLine, type QuotaScope } from './model.ts'

/** What is asked for. */
export interface Share {
  readonly account: AccountId
  /** Slugs of the groups they are in. */
  readonly groups: readonly string[]
  readonly limits: Limits
}

type Configured = Config['workspaces']['quotas']
type Taken = { readonly instances: number; readonly memoryBytes: number; readonly milliCpus: number }

/** Thousandths of a CPU. */
export function milliOf({ cpus }: Pick<Limits, 'cpus'>): number {
  return Math.round((cpus ?? 0) * 1000)
}

/** Every quota that is set: what the console says goes before the config. */
export async function quotasIn(em: EntityManager, configured: Configured): Promise<QuotaLine[]> {
  const rows = await em.execute<QuotaColumns[]>(
    'select scope, instances, memory_bytes as memory, milli_cpus as cpus from workspace_quota order by scope',
  )
  const set = rows.map(({ scope, instances, memory, cpus }): QuotaLine => {
    const quota = { instances: numberOf(instances), memoryBytes: numberOf(memory), milliCpus: numberOf(cpus) }
    return { scope, quota, source: 'console' }
  })
  const named: [QuotaScope, Configured['site']][] = [
    ['site', configured.site],
    ['user', configured.user],
    ...Object.entries(configured.groups).map(
      ([slug, quota]) => [`group:${slug}`, quota] as [string, Configured['site']],
    ),
  ]
  const fromConfig = named
    .filter(([scope]) => !set.some((line) => line.scope === scope))
    .map(([scope, quota]): QuotaLine => ({ scope, quota: quotaOf(quota), source: 'config' }))
  return [...fromConfig, ...set]
}

interface QuotaColumns {
  readonly scope: string
  readonly instances: number | null
  /** A large one may come as text. */
  readonly memory: number | string | null
  readonly cpus: number | null
}

function numberOf(value: number | string | null): number | undefined {
  return value === null ? undefined : Number(value)
}

function quotaOf({ instances, memory, cpus }: Configured['site']): Quota {
  return { instances, memoryBytes: memory, milliCpus: cpus === undefined ? undefined : Math.round(cpus * 1000) }
}

/** Lets a share in, or says which quota is full. Call it in the transaction that writes the record. @throws Fault ERR_CONFLICT */
export async function admit(em: EntityManager, share: Share, configured: Configured): Promise<void> {
  const lines = await quotasIn(em, configured)
  const own =
    lines.find(({ scope }) => scope === `account:${share.account}`) ?? lines.find(({ scope }) => scope === 'user')
  const asked: readonly (QuotaLine | undefined)[] = [
    own,
    ...share.groups.map((slug) => lines.find(({ scope }) => scope === `group:${slug}`)),
    lines.find(({ scope }) => scope === 'site'),
  ]
  for (const line of asked) if (line) weigh(line, { share, taken: await takenBy(em, line.scope, share.account) })
}

function weigh({ scope, quota }: QuotaLine, { share, taken }: { share: Share; taken: Taken }): void {
  const { limits } = share
  const wanted: Taken = { instances: 1, memoryBytes: limits.memoryBytes ?? 0, milliCpus: milliOf(limits) }
  // Without a limit of its own it could take all there is: such a size fits under no quota of that kind.
  const isUnbounded =
    (quota.memoryBytes !== undefined && limits.memoryBytes === undefined) ||
    (quota.milliCpus !== undefined && limits.cpus === undefined)
  if (isUnbounded) throw refusal(scope, 'this size has no limit of its own; choose another one, or ask an admin')
  const full = (['instances', 'memoryBytes', 'milliCpus'] as const).find((name) => {
    const most = quota[name]
    return most !== undefined && taken[name] + wanted[name] > most
  })
  if (full === undefined) return
  const words = { instances: 'workspaces', memoryBytes: 'memory', milliCpus: 'CPUs' }[full]
  throw refusal(scope, `${words}: ${amount(taken[full], full)} of ${amount(quota[full] ?? 0, full)} are taken`)
}

function refusal(scope: QuotaScope, why: string): Fault {
  const whose =
    scope === 'site' ? 'this site' : scope.startsWith('group:') ? `the group ${scope.slice(6)}` : 'one person'
  return new Fault('ERR_CONFLICT', `There is no room now within what ${whose} may have: ${why}.`, {
    detail: { trouble: 'quota', scope },
  })
}

function amount(value: number, name: keyof Taken): string {
  if (name === 'memoryBytes') return `${Math.round((value / 1024 ** 3) * 10) / 10} GiB`
  return String(name === 'milliCpus' ? value / 1000 : value)
}

async function takenBy(em: EntityManager, scope: QuotaScope, account: AccountId): Promise<Taken> {
  const states = holding.map((state) => `'${state}'`).join(', ')
  const [whose, values] = scope.startsWith('group:')
    ? ['and account_id in (select account_id from membership where group_slug = ?)', [scope.slice(6)]]
    : scope === 'site'
      ? ['', []]
      : ['and account_id = ?', [account]]
  const [row] = await em.execute<{ instances: number; memory: number | null; cpus: number | null }[]>(
    `select count(*) as instances, sum(memory_bytes) as memory, sum(milli_cpus) as cpus
     from workspace where state in (${states}) ${whose}`,
    values,
  )
  return {
    instances: Number(row?.instances ?? 0),
    memoryBytes: Number(row?.memory ?? 0),
    milliCpus: Number(row?.cpus ?? 0),
  }
}

/**
 * Who may have how much. What is asked for is weighed against every quota in the very transaction that writes the
 * record: of twenty who ask at once for one place, one gets it.
 * @module
 */
import { type AccountId, Fault, type Limits } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Config } from '../config/schema.ts'
import type { Reads } from '../storage/late-orm.ts'
import { holding, type Quota, type QuotaLine, type QuotaScope, type Taken } from './model.ts'

/** What is asked for. */
export interface Share {
  readonly account: AccountId
  /** Slugs of the groups they are in. */
  readonly groups: readonly string[]
  readonly limits: Limits
}

type Configured = Config['workspaces']['quotas']

/** A quota without room, and of what; `unbounded`: of what the size itself does not limit. */
export interface Full {
  readonly line: Standing
  readonly what: keyof Taken | 'unbounded'
}

/** A quota that concerns somebody. */
export interface Standing extends QuotaLine {
  readonly taken: Taken
}

/** Thousandths of a CPU. */
export function milliOf({ cpus }: Pick<Limits, 'cpus'>): number {
  return Math.round((cpus ?? 0) * 1000)
}

/** Every quota that is set: what the console says goes before the config. */
async function quotasIn(em: Reads, configured: Configured): Promise<QuotaLine[]> {
  const rows = await em.execute<QuotaColumns[]>(
    'select scope, instances, memory_bytes as memory, milli_cpus as cpus from workspace_quota order by scope',
  )
  const set = rows.map(({ scope, instances, memory, cpus }): QuotaLine => {
    const quota = { instances: numberOf(instances), memoryBytes: numberOf(memory), milliCpus: numberOf(cpus) }
    return { scope, quota, source: 'console', taken: undefined }
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
    .map(([scope, quota]): QuotaLine => ({ scope, quota: quotaOf(quota), source: 'config', taken: undefined }))
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

/** The quotas that concern somebody, their own first, the site's last, each with what is taken of it. */
export async function standingIn(
  em: Reads,
  { account, groups }: Pick<Share, 'account' | 'groups'>,
  configured: Configured,
): Promise<Standing[]> {
  const lines = await quotasIn(em, configured)
  const at = (scope: QuotaScope) => lines.find((line) => line.scope === scope)
  const own = at(`account:${account}`) ?? at('user')
  const found = [own, ...groups.map((slug) => at(`group:${slug}`)), at('site')].filter((line) => line !== undefined)
  const standing: Standing[] = []
  for (const line of found)
    if (isLimited(line.quota)) standing.push({ ...line, taken: await takenBy(em, line.scope, account) })
  return standing
}

/** Every quota, with what is taken of it where that is one number. */
export async function quotasTakenIn(em: Reads, configured: Configured): Promise<QuotaLine[]> {
  const lines: QuotaLine[] = []
  for (const line of await quotasIn(em, configured)) {
    const account = line.scope.startsWith('account:') ? line.scope.slice(8) : ''
    lines.push(line.scope === 'user' ? line : { ...line, taken: await takenBy(em, line.scope, account) })
  }
  return lines
}

function isLimited({ instances, memoryBytes, milliCpus }: Quota): boolean {
  return instances !== undefined || memoryBytes !== undefined || milliCpus !== undefined
}

/** Lets a share in, or says which quota is full. Call it in the transaction that writes the record. @throws Fault ERR_CONFLICT */
export async function admit(em: EntityManager, share: Share, configured: Configured): Promise<void> {
  const full = fullFor(await standingIn(em, share, configured), share.limits)
  if (full === undefined) return
  const { scope } = full.line
  const [why, detail] = [whyFull(full), { detail: { trouble: 'quota', scope } }]
  if (scope === 'site')
    throw new Fault(
      'ERR_CONFLICT',
      `There is no room now within what this site may have: ${why}. Wait until one ends, or ask the people who run this site.`,
      detail,
    )
  if (scope.startsWith('group:'))
    throw new Fault(
      'ERR_CONFLICT',
      `There is no room now within what the group ${scope.slice(6)} may have: ${why}. Wait until a member stops one, or ask the people who run this site.`,
      detail,
    )
  throw new Fault(
    'ERR_CONFLICT',
    `There is no room now within what one person may have: ${why}. Stop one of yours, or ask the people who run this site.`,
    detail,
  )
}

/** The first quota that has no room for one more of this size; `undefined` when it fits. */
export function fullFor(standing: readonly Standing[], limits: Limits): Full | undefined {
  const wanted: Taken = { instances: 1, memoryBytes: limits.memoryBytes ?? 0, milliCpus: milliOf(limits) }
  for (const line of standing) {
    const { quota, taken } = line
    // Without a limit of its own it could take all there is: such a size fits under no quota of that kind.
    const isUnbounded =
      (quota.memoryBytes !== undefined && limits.memoryBytes === undefined) ||
      (quota.milliCpus !== undefined && limits.cpus === undefined)
    if (isUnbounded) return { line, what: 'unbounded' }
    for (const what of ['instances', 'memoryBytes', 'milliCpus'] as const)
      if (taken[what] + wanted[what] > (quota[what] ?? Number.POSITIVE_INFINITY)) return { line, what }
  }
  return undefined
}

function whyFull({ line: { quota, taken }, what }: Full): string {
  if (what === 'unbounded') return 'this size has no limit of its own; choose another one'
  const words = { instances: 'workspaces', memoryBytes: 'memory', milliCpus: 'CPUs' }[what]
  return `${words}: ${amount(taken[what], what)} of ${amount(quota[what] ?? 0, what)} are taken`
}

function amount(value: number, name: keyof Taken): string {
  if (name === 'memoryBytes') return `${Math.round((value / 1024 ** 3) * 10) / 10} GiB`
  return String(name === 'milliCpus' ? value / 1000 : value)
}

async function takenBy(em: Reads, scope: QuotaScope, account: AccountId): Promise<Taken> {
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

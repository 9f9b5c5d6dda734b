/** From rounds to rows, their judgement against the floors, and how they look on a terminal. @module */
import { type AccessRow, operations } from './access.ts'
import type { Round } from './drive.ts'
import {
  cacheMissUs,
  type DialectRowName,
  leastOfKoa,
  leastRatio,
  leastWithRedis,
  mostCloudCalls,
  mostFlat,
  mostGrantMs,
  mostLookCpuMs,
  mostSeenMs,
  mostSpawnCpuMs,
  mostStartMs,
  startsAtOnce,
} from './floors.ts'
import { median } from './measure.ts'
import type { ScenarioName } from './scenarios.ts'
import type { StartUp } from './start-up.ts'
import type { WorkspaceCosts } from './workspaces.ts'

/** Labgate against the raw provider, or Koa, in one scenario; ratios above one are good for Labgate. */
export interface Row<Name extends string = ScenarioName> {
  readonly scenario: Name
  readonly ours: Summary
  readonly raw: Summary
  readonly ratio: number
  readonly ratioBest: number
  readonly ratioCpu: number
}

export interface Summary {
  readonly perSecond: number
  readonly best: number
  readonly p50: number
  readonly p99: number
  readonly cpuUs: number
  readonly requests: number
  readonly foreign: number
}

/** A sentence on something that must hold, and whether it did. */
export interface Verdict {
  readonly claim: string
  readonly holds: boolean
}

/** Medians and ratios. */
export function rowOf<Name extends string>(
  scenario: Name,
  rounds: { ours: readonly Round[]; raw: readonly Round[] },
): Row<Name> {
  const [ours, raw] = [summary(rounds.ours), summary(rounds.raw)]
  return {
    scenario,
    ours,
    raw,
    ratio: ours.perSecond / raw.perSecond,
    ratioBest: ours.best / raw.best,
    ratioCpu: raw.cpuUs / ours.cpuUs,
  }
}

function summary(rounds: readonly Round[]): Summary {
  const of = (name: keyof Round) => median(rounds.map((round) => round[name]))
  return {
    perSecond: of('perSecond'),
    best: Math.max(...rounds.map(({ perSecond }) => perSecond)),
    p50: of('p50'),
    p99: of('p99'),
    cpuUs: of('cpuUs'),
    requests: of('requests'),
    foreign: of('foreign'),
  }
}

/** The CPU's ratio must reach the floor, and the medians' or the bests'. */
export function judgeRow(row: Row): Verdict {
  return judged(row, { least: leastRatio[row.scenario], than: 'raw oidc-provider' })
}

/** With Redis against PostgreSQL alone. */
export function judgeRedis(row: Row<string>): Verdict {
  return judged(row, { least: leastWithRedis, than: 'PostgreSQL alone' })
}

function judged(
  { scenario, ratio, ratioBest, ratioCpu }: Row<string>,
  { least, than }: { least: number; than: string },
): Verdict {
  const holds = ratioCpu >= least && (ratio >= least || ratioBest >= least)
  const reached = `CPU ${ratioCpu.toFixed(2)}, rate ${ratio.toFixed(2)}, best ${ratioBest.toFixed(2)}`
  return { claim: `${scenario}: at least ${least} x ${than} (${reached})`, holds }
}

/** What the rows say, and how often the cloud was asked meanwhile. */
export interface DialectRows {
  readonly rows: readonly Row<DialectRowName>[]
  readonly cloudCalls: number
  readonly changes: Changes
}

/** How long changes take, and until two other processes know; milliseconds. */
export interface Changes {
  /** A grant to a group of ten thousand: the change itself. */
  readonly grantMs: number
  /** From its commit to the answer of another process that shows it, the worst of both and of all times. */
  readonly grantSeenMs: number
  /** The same of a token that is revoked at one process, at the other. */
  readonly revokeSeenMs: number
}

/** The dialects' rows, what the cloud was asked, and how soon a change counts. */
export function judgeDialects({ rows, cloudCalls, changes }: DialectRows): Verdict[] {
  const { grantMs, grantSeenMs, revokeSeenMs } = changes
  const within = (what: string, ms: number, most: number) => ({
    claim: `${what}: at most ${most} ms (${ms.toFixed(1)} ms)`,
    holds: ms <= most,
  })
  return [
    ...rows.map((row) => judged(row, { least: leastOfKoa[row.scenario], than: 'Koa' })),
    {
      claim: `the cloud is asked at most ${mostCloudCalls} times for one person and bucket (${cloudCalls})`,
      holds: cloudCalls <= mostCloudCalls,
    },
    within('a grant to a group of ten thousand', grantMs, mostGrantMs),
    within('a grant is seen by every process', grantSeenMs, mostSeenMs),
    within('a revoked token ends at every process', revokeSeenMs, mostSeenMs),
  ]
}

export function judgeStart({ what, ms }: StartUp): Verdict {
  return { claim: `${what}: at most ${mostStartMs} ms (${Math.round(ms)} ms)`, holds: ms <= mostStartMs }
}

/** What an answer costs must not grow with the ledger. */
export function judgeAccess(rows: readonly AccessRow[]): Verdict[] {
  const [small, large] = [rows[0], rows.at(-1)]
  return operations.map((name) => {
    const [little, much] = [Number(small?.[name]), Number(large?.[name])]
    const sizes = `${large?.grants} grants against ${small?.grants}`
    return {
      claim: `${name}: at most ${mostFlat} x, ${sizes} (${(much / little).toFixed(2)} x ${little.toFixed(1)} us)`,
      // One person who is asked about again and again lies in the processor's cache, a thousand of many do not.
      holds: much <= Math.max(little * mostFlat, little + cacheMissUs),
    }
  })
}

/** Rows as columns of equal width. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
  return [line(head), ...rows.map(line)].join('\n')
}

/** The rows of the flows. */
export function flowTable(rows: readonly Row<string>[], other = 'raw'): string {
  const head = ['scenario', 'server', 'ops/s', 'best', 'p50 ms', 'p99 ms', 'CPU us/op', 'requests', 'others']
  const cells = (name: string, what: string, one: Summary) => [
    name,
    what,
    one.perSecond.toFixed(0),
    one.best.toFixed(0),
    one.p50.toFixed(1),
    one.p99.toFixed(1),
    one.cpuUs.toFixed(0),
    one.requests.toFixed(1),
    one.foreign.toFixed(2),
  ]
  return table(
    head,
    rows.flatMap(({ scenario, ours, raw }) => [cells(scenario, 'labgate', ours), cells('', other, raw)]),
  )
}

/** What workspaces cost, as floors. */
export function judgeWorkspaces(costs: WorkspaceCosts): Verdict[] {
  const { spawnCpuMs, lookCpuMs, looked, accepted, refused, startMs, emptyStartMs, known } = costs
  return [
    {
      claim: `CPU of ours for one start: at most ${mostSpawnCpuMs} ms (${spawnCpuMs.toFixed(1)} ms)`,
      holds: spawnCpuMs <= mostSpawnCpuMs,
    },
    {
      claim: `CPU of one look at ${looked} that run: at most ${mostLookCpuMs} ms (${lookCpuMs.toFixed(1)} ms)`,
      holds: lookCpuMs <= mostLookCpuMs,
    },
    {
      claim: `of ${startsAtOnce + 1} starts at once ${startsAtOnce} are accepted, the other is asked to come back with 429 (${accepted}, ${refused})`,
      holds: accepted === startsAtOnce && refused === 1,
    },
    {
      claim: `with ${known} workspaces that run, a start answers within ${mostStartMs} ms (${startMs.toFixed(0)} ms; with none ${emptyStartMs.toFixed(0)} ms)`,
      holds: startMs <= mostStartMs,
    },
  ]
}

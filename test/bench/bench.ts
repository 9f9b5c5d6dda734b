/**
 * The bench: Labgate against raw oidc-provider in memory, by turns on one core, the driver on another.
 * `npm run bench -- [--quick] [--only code,sso,start] [--rounds N] [--seconds N] [--tokens N] [--minutes N] [--keep FOLDER]`; exits with 1 when a floor is missed.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { accessRows, operations, rowsOfGroupGrant } from './access.ts'
import { calm, judgeCalm } from './calm.ts'
import { dialectRows } from './dialects.ts'
import { byTurns, fill } from './drive.ts'
import { type DialectRowName, leastOfKoa } from './floors.ts'
import { growth, judgeGrowth } from './growth.ts'
import { canPin, hasProc, memoryOf, stayOnCore } from './measure.ts'
import { judgeMemory, memory } from './memory.ts'
import { judgeProcesses, processes } from './processes.ts'
import { type RedisRowName, redisRows, redisScenarios } from './redis.ts'
import {
  flowTable,
  judgeAccess,
  judgeDialects,
  judgeRedis,
  judgeRow,
  judgeStart,
  judgeWorkspaces,
  type Row,
  rowOf,
  table,
  type Verdict,
} from './report.ts'
import { type ScenarioName, scenarios } from './scenarios.ts'
import { makeSite, type Server, startRaw } from './servers.ts'
import { endsOf, judgeSoak, soak } from './soak.ts'
import { startUps } from './start-up.ts'
import { countStatements, judgeStatements } from './statements.ts'
import { workspaceWays } from './workspace-ways.ts'
import { workspaceCosts } from './workspaces.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    tokens: { type: 'string' },
    minutes: { type: 'string' },
    keep: { type: 'string' },
  },
})
const pairing = {
  rounds: Number(values.rounds ?? (values.quick ? 3 : 5)),
  seconds: Number(values.seconds ?? (values.quick ? 2 : 3)),
  warmSeconds: values.quick ? 3 : 5,
  width: 16,
}
const wanted = values.only?.split(',') ?? [
  ...Object.keys(scenarios),
  ...Object.keys(leastOfKoa),
  ...['memory', 'access', 'start', 'statements', 'workspaces', 'growth', 'calm', 'processes'],
]
const names = (Object.keys(scenarios) as ScenarioName[]).filter((name) => wanted.includes(name))
const dialectNames = (Object.keys(leastOfKoa) as DialectRowName[]).filter((name) => wanted.includes(name))
const redisNames = (Object.keys(redisScenarios) as RedisRowName[]).filter((name) => wanted.includes(name))
const results = join(import.meta.dirname, 'results')
const file = join(results, `${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.jsonl`)

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function keep(kind: string, line: object): void {
  mkdirSync(results, { recursive: true })
  const about = { kind, at: new Date().toISOString(), node: process.version, commit: commit(), ...pairing }
  appendFileSync(file, `${JSON.stringify({ ...about, ...line })}\n`)
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown'
  }
}

async function flows(): Promise<Verdict[]> {
  const site = await makeSite()
  const servers = [await site.start(), await startRaw()] as const
  try {
    const rows = await rowsOf(servers)
    print(`\n${flowTable(rows)}`)
    const after = hasProc ? servers.map(({ name, pid }) => ({ name, ...memoryOf(pid) })) : []
    for (const one of after) {
      keep('memory-after', one)
      print(`${one.name} after all of these: ${one.rssMB} MB, at most ${one.peakMB} MB`)
    }
    return rows.map(judgeRow)
  } finally {
    for (const server of servers) await server.stop()
    await site.remove()
  }
}

async function rowsOf(servers: readonly Server[]): Promise<Row[]> {
  for (const server of servers) await fill(server)
  const rows: Row[] = []
  for (const name of names) {
    const rounds = await byTurns(servers, name, pairing)
    const row = rowOf(name, { ours: rounds.get('labgate') ?? [], raw: rounds.get('raw') ?? [] })
    keep('flow', row)
    print(`${name}: CPU ratio ${row.ratioCpu.toFixed(2)}, rate ${row.ratio.toFixed(2)}`)
    rows.push(row)
  }
  return rows
}

async function starts(): Promise<Verdict[]> {
  const all = await startUps(values.quick ? 5 : 7)
  for (const one of all) keep('start', one)
  const cells = all.map(({ what, ...numbers }) => [what, ...Object.values(numbers).map((each) => each.toFixed(0))])
  print(`\n${table(['start', 'ms', 'best', 'worst', 'MB'], cells)}`)
  return all.filter(({ what }) => what.startsWith('labgate')).map(judgeStart)
}

async function statements(): Promise<Verdict[]> {
  const site = await makeSite()
  try {
    const counted = await countStatements(site, names.length > 0 ? names : ['code'])
    print('\nstatements of one operation')
    for (const [scenario, counts] of counted) {
      keep('statements', { scenario, counts })
      print(`${scenario.padEnd(12)}  ${JSON.stringify(counts)}`)
    }
    return judgeStatements(counted)
  } finally {
    await site.remove()
  }
}

async function access(): Promise<Verdict[]> {
  const rows = await accessRows([10, 1000, 1_000_000], pairing.rounds)
  const group = await rowsOfGroupGrant(10_000)
  for (const row of rows) keep('access', row)
  keep('access-group', group)
  const micro = (cost: number) => cost.toFixed(1)
  const cells = rows.map((row) => [
    row.grants.toLocaleString('en'),
    ...operations.map((name) => `${micro(row[name])} (${row.statements[name]})`),
  ])
  const titles = ['grants', 'decide us', 'first', 'snapshot us', 'first']
  print(`\n${table(titles, cells)}\n(statements of one, with BEGIN and COMMIT)`)
  print(`rows written by a grant to a group of 10,000: ${group.given}; to end it: ${group.taken}`)
  return judgeAccess(rows)
}

async function dialects(): Promise<Verdict[]> {
  const people = values.quick ? 25_000 : 100_000
  const found = await dialectRows({ names: dialectNames, people, pairing }, (row) => {
    keep('dialect', row)
    print(`${row.scenario}: CPU ratio ${row.ratioCpu.toFixed(2)}, rate ${row.ratio.toFixed(2)}`)
  })
  keep('changes', { ...found.changes, cloudCalls: found.cloudCalls })
  print(`\n${flowTable(found.rows, 'koa')}`)
  return judgeDialects(found)
}

async function withRedis(): Promise<Verdict[]> {
  const rows = await redisRows(redisNames, pairing)
  for (const row of rows) {
    keep('redis', row)
    print(
      `${row.scenario}: CPU ratio ${row.ratioCpu.toFixed(2)}, with PostgreSQL's and Redis's ${row.ratioAllCpu.toFixed(2)}, rate ${row.ratio.toFixed(2)}`,
    )
  }
  print(`\n${flowTable(rows, 'without')}`)
  return rows.map(judgeRedis)
}

async function workspaces(): Promise<Verdict[]> {
  const costs = await workspaceCosts({ rounds: pairing.rounds })
  keep('workspace-spawn', costs)
  const { readyMs, bareMs, stillCpuMs } = costs
  print(`\na workspace: ${readyMs.toFixed(0)} ms to ready, its app alone ${bareMs.toFixed(0)} ms`)
  print(`CPU of ours where the place costs nothing: ${stillCpuMs.toFixed(1)} ms`)
  return judgeWorkspaces(costs)
}

async function ways(): Promise<void> {
  const found = await workspaceWays({ rounds: Math.min(pairing.rounds, 3), seconds: pairing.seconds })
  keep('workspace-ways', found)
  for (const [name, { rate, direct, addedMs }] of Object.entries(found))
    print(
      `${name} through the proxy: ${(rate / direct).toFixed(2)} of ${direct.toFixed(0)} a second past it, ${addedMs.toFixed(2)} ms more each`,
    )
}

async function soaked(): Promise<Verdict[]> {
  const found = await soak(Number(values.minutes ?? 10))
  keep('soak', found)
  const { first, last } = endsOf(found.samples)
  print(`\nmemory at ${found.perSecond.toFixed(0)} requests a second: ${first} MB, then ${last} MB`)
  return judgeSoak(found)
}

async function grown(): Promise<Verdict[]> {
  const tokens = Number(values.tokens ?? (values.quick ? 100_000 : 1_000_000))
  const found = await growth({ tokens, pairing, keep: values.keep }, (row) => {
    keep('growth', row)
    print(`${row.what}: CPU ratio ${row.ratioCpu.toFixed(2)}, rate ${row.ratio.toFixed(2)}`)
  })
  for (const start of found.starts) keep('growth-start', start)
  if (found.cleanup) keep('cleanup', found.cleanup)
  keep('lookup', { ...found.lookup })
  const cells = found.starts.map(({ what, ...rest }) => [what, ...Object.values(rest).map((one) => one.toFixed(0))])
  print(`\n${table(['start with many', 'few: ms', 'many: ms', 'few: MB', 'many: MB'], cells)}`)
  if (found.cleanup) print(`cleaning up: ${found.cleanup.perSecond.toFixed(0)} rows a second`)
  return judgeGrowth(found)
}

stayOnCore(1)
print(
  `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${canPin ? 'pinned' : 'not pinned'}`,
)
const verdicts = names.length > 0 ? await flows() : []
if (dialectNames.length > 0) verdicts.push(...(await dialects()))
if (redisNames.length > 0) verdicts.push(...(await withRedis()))
if (wanted.includes('memory') && hasProc) {
  const found = await memory(pairing)
  keep('memory', found)
  verdicts.push(...judgeMemory(found))
}
if (wanted.includes('access')) verdicts.push(...(await access()))
if (wanted.includes('start')) verdicts.push(...(await starts()))
const all = wanted.includes('workspaces')
if (all || wanted.includes('workspace-spawn')) verdicts.push(...(await workspaces()))
if (all || wanted.includes('workspace-ways')) await ways()
if (wanted.includes('calm')) {
  const found = await calm({ seconds: pairing.seconds * 5, width: pairing.width, expired: 100_000 })
  keep('calm', found)
  print(
    `\nat ${found.perSecond.toFixed(0)} sign-ins a second: ${found.p50.toFixed(0)} ms each, p99 ${found.p99.toFixed(0)} ms`,
  )
  verdicts.push(...judgeCalm(found))
}
if (wanted.includes('soak')) verdicts.push(...(await soaked()))
if (wanted.includes('processes')) {
  const found = await processes(pairing)
  keep('processes', found)
  verdicts.push(...judgeProcesses(found))
}
if (wanted.includes('growth')) verdicts.push(...(await grown()))
if (wanted.includes('statements')) verdicts.push(...(await statements()))
const missed = verdicts.filter(({ holds }) => !holds)
print('')
for (const { claim, holds } of verdicts) print(`${holds ? 'holds ' : 'MISSED'}  ${claim}`)
print(`\n${verdicts.length - missed.length} hold, ${missed.length} missed; every number is in ${file}`)
process.exitCode = missed.length === 0 ? 0 : 1

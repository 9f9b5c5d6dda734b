/** How many statements an operation costs at the database: exact, in a Labgate that counts them. @module */
import { once } from 'node:events'
import { join } from 'node:path'
import { createDriver, fill } from './drive.ts'
import { mostCommits, mostStatements } from './floors.ts'
import { median } from './measure.ts'
import type { Verdict } from './report.ts'
import type { ScenarioName } from './scenarios.ts'
import type { Server, Site } from './servers.ts'

/** Statements of one operation, by their first word. */
export type Statements = Readonly<Record<string, number>>

const times = 20

/** What must hold of them: `begin`, `commit` and `pragma` do no work, `immediate` begins a transaction that writes. */
export function judgeStatements(counted: ReadonlyMap<ScenarioName, Statements>): Verdict[] {
  return [...counted].flatMap(([name, { select = 0, insert = 0, update = 0, delete: gone = 0, immediate = 0 }]) => {
    const work = select + insert + update + gone
    const [most, commits] = [mostStatements[name], mostCommits[name]]
    return [
      ...(most === undefined
        ? []
        : [{ claim: `${name}: at most ${most} statements (${work.toFixed(1)})`, holds: work <= most }]),
      ...(commits === undefined
        ? []
        : [
            {
              claim: `${name}: at most ${commits} transactions (${immediate.toFixed(1)})`,
              holds: immediate <= commits,
            },
          ]),
    ]
  })
}

/** Counts for each scenario, one operation after another, so that no two share a commit. */
export async function countStatements(
  site: Site,
  names: readonly ScenarioName[],
): Promise<ReadonlyMap<ScenarioName, Statements>> {
  const server = await site.start({ node: ['--import', join(import.meta.dirname, 'count-statements.ts')] })
  try {
    await fill(server)
    const counted = new Map<ScenarioName, Statements>()
    for (const name of names) counted.set(name, await countOne(server, name))
    return counted
  } finally {
    await server.stop()
  }
}

async function countOne(server: Server, name: ScenarioName): Promise<Statements> {
  const driver = createDriver(server, name, 1)
  await driver.exactly(1)
  await ask(server)
  const each: Record<string, number>[] = []
  while (each.length < times) {
    await driver.exactly(1)
    each.push(await ask(server))
  }
  await driver.close()
  const words = new Set(each.flatMap((counts) => Object.keys(counts)))
  // The middle one: what the house does now and then by itself belongs to none of them.
  return Object.fromEntries([...words].map((word) => [word, median(each.map((counts) => counts[word] ?? 0))]))
}

async function ask({ process }: Server): Promise<Record<string, number>> {
  process.send('counts')
  const [counts] = await once(process, 'message')
  return counts
}

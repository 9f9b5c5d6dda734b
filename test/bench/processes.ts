/**
 * What a second process costs: the same sign-ins at one Labgate on a PostgreSQL, and at two on the same one without sticky
 * sessions, each request at the other than the one before it. By turns; CPU of the Labgates alone, PostgreSQL's is its own.
 * @module
 */
import { newDatabase } from '../support/storage-postgres.ts'
import { byTurns, createDriver, fill, type Pairing, type Round } from './drive.ts'
import { mostSecondProcess } from './floors.ts'
import { median } from './measure.ts'
import type { Verdict } from './report.ts'
import { freePort, makeSite, type Server } from './servers.ts'

/** Microseconds of the Labgates' CPU for one code flow. */
export interface ProcessRow {
  readonly oneUs: number
  readonly twoUs: number
  /** How many times as much two need. */
  readonly ratio: number
  /** Requests of one flow. */
  readonly requests: number
}

/** What must hold of it. */
export function judgeProcesses({ oneUs, twoUs, ratio }: ProcessRow): Verdict[] {
  const reached = `${ratio.toFixed(2)} x, ${twoUs.toFixed(0)} us against ${oneUs.toFixed(0)} us`
  const claim = `two processes on PostgreSQL, no sticky sessions: at most ${mostSecondProcess} x the CPU of one for a code flow (${reached})`
  return [{ claim, holds: ratio <= mostSecondProcess }]
}

/** What runs for the first time costs several times as much: each must have walked as much as the one that is alone. */
async function warmed(both: Server, { seconds, width }: Pairing): Promise<void> {
  const driver = createDriver(both, 'code', width)
  for (let flows = 0; flows < warmFlows; ) flows += (await driver.load(seconds)).perSecond * seconds
  await driver.close()
}

const warmFlows = 1500

/** Measures it. Both stay on one core: what two cores give together is not what this asks. */
export async function processes(pairing: Pairing): Promise<ProcessRow> {
  const database = { url: await newDatabase(), connections: 20 }
  const site = await makeSite(() => ({ database }))
  const one = await site.start()
  const beside = await site.start({ port: await freePort() })
  try {
    // A look at whether it works warms nothing.
    if (pairing.warmSeconds > 0) await fill(one)
    const both = { ...one, beside }
    if (pairing.warmSeconds > 0) await warmed(both, pairing)
    const rounds = await byTurns([both, { ...one, name: 'raw' }], 'code', pairing)
    const of = (name: 'labgate' | 'raw', part: keyof Round) => median((rounds.get(name) ?? []).map((all) => all[part]))
    const [oneUs, twoUs] = [of('raw', 'cpuUs'), of('labgate', 'cpuUs')]
    return { oneUs, twoUs, ratio: twoUs / oneUs, requests: of('labgate', 'requests') }
  } finally {
    await beside.stop()
    await one.stop()
    await site.remove()
  }
}

/**
 * What a second process costs: the same sign-ins at one Labgate on a PostgreSQL; at two on the same one without sticky sessions, each
 * request at the other than the one before it; and at two that share nothing, each on a database of its own. Each process has as many
 * sign-ins at once. By turns; CPU of the Labgates alone, PostgreSQL's is its own.
 *
 * Two that share nothing are what two are compared with. Processes that take turns on one core lose each other's caches, whatever they are:
 * on one processor that costs nothing that can be seen, on another a quarter. What they cost because they share is the rest.
 * @module
 */
import { newDatabase } from '../support/storage-postgres.ts'
import { createDriver, fill, type Pairing, type Round, together, turns } from './drive.ts'
import { mostSecondProcess } from './floors.ts'
import { quantile } from './measure.ts'
import type { Verdict } from './report.ts'
import { freePort, makeSite, type Server, type Site, type Starting } from './servers.ts'

/** Microseconds of the Labgates' CPU for one code flow. */
export interface ProcessRow {
  readonly oneUs: number
  readonly twoUs: number
  /** At two that share nothing: what two on one core cost without anything that Labgate does. */
  readonly apartUs: number
  /** How many times as much two need that share. */
  readonly ratio: number
  /** How many times as much two need as one that has the core for itself. */
  readonly toOne: number
  /** Requests of one flow. */
  readonly requests: number
}

/** What must hold of it. */
export function judgeProcesses({ oneUs, twoUs, apartUs, ratio, toOne }: ProcessRow): Verdict[] {
  const us = (value: number) => `${value.toFixed(0)} us`
  const reached = `${ratio.toFixed(2)} x, ${us(twoUs)} against ${us(apartUs)}; one alone: ${us(oneUs)}, ${toOne.toFixed(2)} x`
  const claim = `two processes on one PostgreSQL, no sticky sessions: at most ${mostSecondProcess} x the CPU of two that share nothing for a code flow (${reached})`
  return [{ claim, holds: ratio <= mostSecondProcess }]
}

/** Measures it. All stay on one core: what two cores give together is not what this asks. */
export async function processes(pairing: Pairing): Promise<ProcessRow> {
  const sites = [await siteOfItsOwn(), await siteOfItsOwn()] as const
  const [shared, other] = sites
  const servers: Server[] = []
  const start = async (site: Site, starting?: Starting) => {
    const server = await site.start(starting)
    servers.push(server)
    return server
  }
  try {
    const one = await start(shared)
    const both = { ...one, beside: await start(shared, { port: await freePort() }) }
    const apart = await start(other)
    // A look at whether it works warms nothing.
    if (pairing.warmSeconds > 0) for (const server of [one, apart]) await fill(server)
    const driverOf = (server: Server) => createDriver(server, 'code', pairing.width)
    const drivers = { one: driverOf(one), two: driverOf(both), apart: together([driverOf(one), driverOf(apart)]) }
    // Some thousand sign-ins until V8 has compiled all that it will. Each second process has seen as many as the other, then and later.
    for (const driver of [drivers.two, drivers.apart]) await driver.load(pairing.warmSeconds * 8)
    const found = await turns(new Map(Object.entries(drivers)), pairing)
    // Of the quieter rounds: PostgreSQL has a core's worth of its own, so nobody can tell who else was at work, and others only add.
    const of = (way: keyof typeof drivers, part: keyof Round) =>
      quantile(
        (found.get(way) ?? []).map((round) => round[part]),
        0.25,
      )
    const [oneUs, twoUs, apartUs] = [of('one', 'cpuUs'), of('two', 'cpuUs'), of('apart', 'cpuUs')]
    return { oneUs, twoUs, apartUs, ratio: twoUs / apartUs, toOne: twoUs / oneUs, requests: of('two', 'requests') }
  } finally {
    for (const server of servers) await server.stop()
    for (const site of sites) await site.remove()
  }
}

async function siteOfItsOwn(): Promise<Site> {
  const database = { url: await newDatabase(), connections: 20 }
  return makeSite(() => ({ database }))
}

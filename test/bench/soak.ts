/** Whether memory comes to rest: a moderate mixture of everything for minutes, and how much the server keeps meanwhile. @module */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDriver, fill } from './drive.ts'
import { mostSoaked } from './floors.ts'
import { median, memoryOf } from './measure.ts'
import type { Verdict } from './report.ts'
import { type ScenarioName, scenarios } from './scenarios.ts'
import { makeSite, type Server } from './servers.ts'

/** Milliseconds that one of the drivers rests between its operations. */
const rests = { code: 200, 'code-consent': 200, sso: 100, refresh: 100, introspect: 20, userinfo: 20, cc: 50 } as const

/** Resident memory in the course of a soak, in MB. */
export interface Soak {
  readonly minutes: number
  /** One each second. */
  readonly samples: readonly number[]
  /** Requests a second. */
  readonly perSecond: number
}

/** Loads a server for so many minutes. */
export async function soak(minutes: number): Promise<Soak> {
  const site = await makeSite()
  const server = await site.start()
  try {
    await fill(server)
    const samples: number[] = []
    const timer = setInterval(() => samples.push(memoryOf(server.pid).rssMB), 1000)
    const names = Object.keys(rests) as (keyof typeof rests)[]
    const done = await Promise.all(names.map((name) => drive(server, name, minutes * 60)))
    clearInterval(timer)
    return { minutes, samples, perSecond: done.reduce((sum, one) => sum + one, 0) }
  } finally {
    await server.stop()
    await site.remove()
  }
}

/** For so many turns one and the same token is asked about: some minutes. */
const turnsOfToken = 5000

async function drive(server: Server, name: ScenarioName & keyof typeof rests, seconds: number): Promise<number> {
  const driver = createDriver(
    server,
    async (slot) => {
      // Longer than a token lives.
      if (slot.turn++ % turnsOfToken === 0) slot.token = undefined
      await scenarios[name](slot)
      await sleep(rests[name])
    },
    1,
  )
  const { perSecond, requests } = await driver.load(seconds)
  await driver.close()
  return perSecond * requests
}

/** Where it begins and where it ends: the second tenth, after warming up, and the last. */
export function endsOf(samples: readonly number[]): { readonly first: number; readonly last: number } {
  const tenth = Math.max(1, Math.floor(samples.length / 10))
  return { first: median(samples.slice(tenth, 2 * tenth)), last: median(samples.slice(-tenth)) }
}

/** What must hold of it. */
export function judgeSoak({ minutes, samples }: Pick<Soak, 'minutes' | 'samples'>): Verdict[] {
  const { first, last } = endsOf(samples)
  const claim = `memory after ${minutes} minutes: at most ${mostSoaked} times that of the beginning (${(last / first).toFixed(2)}: ${first} to ${last} MB)`
  return [{ claim, holds: last / first <= mostSoaked }]
}

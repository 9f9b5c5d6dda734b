/** What memory a Labgate takes: when it has started, and at most under sign-ins with consent and nothing else. @module */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDriver, fill, type Pairing } from './drive.ts'
import { mostPeakMB, mostReadyMB } from './floors.ts'
import { memoryOf } from './measure.ts'
import type { Verdict } from './report.ts'
import { makeSite } from './servers.ts'

/** Resident memory in MB. */
export interface Memory {
  readonly readyMB: number
  readonly peakMB: number
}

/** Milliseconds from the first answer until V8 has given back what the start left behind, which it does eight seconds after it collected that. */
const settledMs = 10_000

/** One of its own, by the command people use, in a place where one has been before: the first start makes database and compile cache. */
export async function memory({ rounds, seconds, warmSeconds, width }: Pairing): Promise<Memory> {
  const site = await makeSite()
  try {
    await (await site.start({ byCommand: true })).stop()
    const server = await site.start({ byCommand: true })
    try {
      if (readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8') !== '')
        throw new Error('the command handed over to another Node: run the bench by `npm run bench`')
      await sleep(settledMs)
      const { rssMB: readyMB } = memoryOf(server.pid)
      await fill(server)
      const driver = createDriver(server, 'code-consent', width)
      await driver.load(warmSeconds)
      for (let round = 0; round < rounds; round++) await driver.load(seconds)
      await driver.close()
      return { readyMB, peakMB: memoryOf(server.pid).peakMB }
    } finally {
      await server.stop()
    }
  } finally {
    await site.remove()
  }
}

/** What must hold of it. */
export function judgeMemory({ readyMB, peakMB }: Memory): Verdict[] {
  return [
    { claim: `memory when it has started: at most ${mostReadyMB} MB (${readyMB} MB)`, holds: readyMB <= mostReadyMB },
    {
      claim: `memory at the peak of sign-ins with consent: at most ${mostPeakMB} MB (${peakMB} MB)`,
      holds: peakMB <= mostPeakMB,
    },
  ]
}

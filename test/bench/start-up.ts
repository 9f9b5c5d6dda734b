/** How long a start takes, from spawn to the first 200 on discovery, and what memory it holds then. @module */
import { setTimeout as sleep } from 'node:timers/promises'
import { hasProc, median, memoryOf, quiet } from './measure.ts'
import { makeSite, type Server, startRaw } from './servers.ts'

/** Median of the starts of one kind. */
export interface StartUp {
  readonly what: string
  readonly ms: number
  readonly best: number
  readonly worst: number
  readonly rssMB: number
}

/** All kinds of start, `times` each. */
export async function startUps(times: number): Promise<StartUp[]> {
  const site = await makeSite()
  try {
    const first = await measure('labgate, first start (makes database and keys)', 1, () => site.start())
    return [
      first,
      await measure('labgate serve (core/main.ts)', times, () => site.start()),
      await measure('labgate serve (core/bin/labgate.js)', times, () => site.start({ byCommand: true })),
      await measure('raw oidc-provider', times, () => startRaw()),
    ]
  } finally {
    await site.remove()
  }
}

async function measure(what: string, times: number, start: () => Promise<Server>): Promise<StartUp> {
  const took: number[] = []
  let rssMB = 0
  for (let time = 0; time < times; time++) {
    await quiet({ tries: 8 })
    const server = await start()
    took.push(server.startMs)
    // Until what the start left behind is given back.
    await sleep(1000)
    rssMB = hasProc ? memoryOf(server.pid).rssMB : 0
    await server.stop()
  }
  return { what, ms: median(took), best: Math.min(...took), worst: Math.max(...took), rssMB }
}

/** How calm a Labgate stays at seven tenths of the most it can do: people come when they come, not when another is done. @module */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Line } from './browser.ts'
import { createDriver, fill } from './drive.ts'
import { mostLoopMs } from './floors.ts'
import { makeLargeSite, nothing } from './large-site.ts'
import { quantile } from './measure.ts'
import type { Verdict } from './report.ts'
import { type Slot, scenarios } from './scenarios.ts'
import type { Server } from './servers.ts'

/** Milliseconds. */
export interface Calm {
  /** Sign-ins a second that it was asked for. */
  readonly perSecond: number
  /** Of a sign-in, from the moment it was due. */
  readonly p50: number
  readonly p99: number
  /** How late the event loop of the server was. */
  readonly loop: { readonly p50: number; readonly p99: number; readonly worst: number }
}

/** What must hold of it. */
export function judgeCalm({ perSecond, loop }: Calm): Verdict[] {
  const claim = `at ${perSecond.toFixed(0)} sign-ins a second the event loop is at most ${mostLoopMs} ms late (p99): ${loop.p99.toFixed(1)}`
  return [{ claim, holds: loop.p99 <= mostLoopMs }]
}

/** Sign-ins at a constant rate while expired rows are deleted and the log is checkpointed. */
export async function calm(load: {
  readonly seconds: number
  readonly width: number
  /** Rows to clean up meanwhile. */
  readonly expired: number
}): Promise<Calm> {
  const { seconds, width, expired } = load
  const site = await makeLargeSite({ ...nothing, people: 100, tokens: 1000, expired })
  const server = await site.start({ node: ['--import', join(import.meta.dirname, 'loop-delay.ts')] })
  try {
    await fill(server)
    const driver = createDriver(server, 'code', width)
    await driver.load(Math.min(3, seconds))
    const { perSecond: peak } = await driver.load(Math.min(5, seconds))
    await driver.close()
    await asked(server)
    const took = await atRate(server, { perSecond: peak * 0.7, seconds })
    const loop = await asked(server)
    return { perSecond: peak * 0.7, p50: quantile(took, 0.5), p99: quantile(took, 0.99), loop }
  } finally {
    await server.stop()
    await site.remove()
  }
}

async function asked({ process: child }: Server): Promise<Calm['loop']> {
  child.send('tell')
  const [told] = await once(child, 'message')
  return told as Calm['loop']
}

async function atRate(
  server: Server,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<number[]> {
  const line = new Line(server.origin, 64)
  const took: number[] = []
  const under: Promise<void>[] = []
  const began = performance.now()
  for (let number = 0; number < perSecond * seconds; number++) {
    const due = began + (number * 1000) / perSecond
    await sleep(Math.max(0, due - performance.now()))
    const slot: Slot = { line, number: number % 256, turn: number >> 8 }
    under.push(scenarios.code(slot).then(() => void took.push(performance.now() - due)))
  }
  await Promise.all(under)
  line.close()
  return took
}

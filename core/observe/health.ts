/** How Labgate is, from how its parts are: down when a needed part is, degraded when any other is. @module */
import type { Log } from '@labgate/contract'

/** State of a part, and of the whole. */
export type HealthState = 'ok' | 'degraded' | 'down'

/** One part. */
export interface HealthPart {
  readonly name: string
  /** Without a needed part nothing works; without a useful one something is missing. */
  readonly weight: 'needed' | 'useful'
  /** Cheap: from memory. Throwing means not ok. */
  check(): Promise<{ readonly ok: boolean; readonly detail?: string }>
}

/** What `/readyz` shows: names and states. Reasons are in the log only. */
export interface HealthReport {
  readonly state: HealthState
  readonly parts: Readonly<Record<string, HealthState>>
}

/** The health of the whole. */
export interface Health {
  add(part: HealthPart): void
  report(): Promise<HealthReport>
  /** From now on the answer is down, so that no new requests are sent here while the last are finished. */
  drain(): void
}

const limitMs = 2000

interface Finding {
  readonly state: HealthState
  readonly detail?: unknown
}

/** Rejects after the limit; the timer does not hold the process. */
function late(): { promise: Promise<never>; stop(): void } {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  return { promise, stop: () => clearTimeout(timer) }
}

async function look(part: HealthPart): Promise<Finding> {
  const limit = late()
  const bad = part.weight === 'needed' ? 'down' : 'degraded'
  try {
    const { ok, detail } = await Promise.race([part.check(), limit.promise])
    return { state: ok ? 'ok' : bad, detail }
  } catch (error) {
    return { state: bad, detail: error }
  } finally {
    limit.stop()
  }
}

function worst(states: readonly HealthState[]): HealthState {
  if (states.includes('down')) return 'down'
  return states.includes('degraded') ? 'degraded' : 'ok'
}

/** Makes the health of the whole; a part's change of state is written to the log once. `others` are parts that come and go. */
export function createHealth({
  log,
  others = () => [],
}: {
  readonly log: Log
  readonly others?: () => readonly HealthPart[]
}): Health {
  const parts: HealthPart[] = []
  const last = new Map<string, HealthState>()
  let draining = false
  const note = (name: string, { state, detail }: Finding) => {
    if ((last.get(name) ?? 'ok') !== state) {
      if (state === 'ok') log.info({ part: name }, 'a part is well again')
      else log.warn({ part: name, state, detail }, 'a part is not well')
    }
    last.set(name, state)
    return [name, state] as const
  }
  return {
    add: (part) => void parts.push(part),
    drain: () => {
      draining = true
    },
    async report() {
      const entries = await Promise.all([...parts, ...others()].map(async (part) => note(part.name, await look(part))))
      const states = Object.fromEntries(entries)
      return { state: draining ? 'down' : worst(Object.values(states)), parts: states }
    },
  }
}

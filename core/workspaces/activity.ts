/** Whether an app does something for somebody. A kernel that computes is activity, looked at or not. @module */
import type { Endpoint } from '@labgate/contract'
import { type AppAnswer, askApp } from './ask.ts'
import type { ActivityProbe } from './model.ts'

/** How the app is asked. */
export interface ActivityAsk {
  readonly probe: ActivityProbe
  readonly endpoint: Endpoint
  readonly basePath: string
  readonly headers: Readonly<Record<string, string>>
  readonly now: Date
  readonly signal: AbortSignal
}

/** When it was last active; `undefined` when it does not say. Never throws: who cannot be asked is not idle. */
export async function lastActivity(ask: ActivityAsk): Promise<Date | undefined> {
  const { probe, basePath, endpoint, headers, signal } = ask
  const at = (path: string) =>
    askApp(endpoint, { path: `${basePath}${probe.path}${path}`, headers, timeoutMs: 5000, signal }).then(
      jsonOf,
      () => undefined,
    )
  const [status, kernels] = await Promise.all([at('status'), at('kernels')])
  if (Array.isArray(kernels) && kernels.some(isBusy)) return ask.now
  const last = (status as { last_activity?: unknown } | undefined)?.last_activity
  const time = typeof last === 'string' ? new Date(last) : undefined
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time
}

function isBusy(kernel: unknown): boolean {
  const { execution_state: state } = (kernel ?? {}) as { execution_state?: unknown }
  return state === 'busy' || state === 'starting'
}

function jsonOf({ status, body }: AppAnswer): unknown {
  if (status !== 200) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

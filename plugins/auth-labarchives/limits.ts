/** How often codes may be typed, and that a code brought by the browser counts once. Counters live in the store. @module */
import { createHash } from 'node:crypto'
import type { Context } from './config.ts'

const hourSeconds = 3600
/** Codes that may be typed in an hour, for one address and from one network address. */
const most = { perEmail: 10, perNetwork: 60 }

/** Seconds after which every budget is new. */
export const retryAfterSeconds = hourSeconds

/** Takes one try from both budgets; `false`: what was typed must not even be sent on. */
export async function mayGuess({ store }: Pick<Context, 'store'>, who: { email: string; network: string }) {
  const fromThere = await store.count(`from ${digest(who.network)}`, hourSeconds)
  return fromThere <= most.perNetwork && (await store.count(`at ${digest(who.email)}`, hourSeconds)) <= most.perEmail
}

/** `true` the first time a code is seen. It works for an hour at LabArchives, which does not say how often. */
export function isNew({ store }: Pick<Context, 'store'>, code: string): Promise<boolean> {
  return store.once(`code ${digest(code)}`, hourSeconds)
}

// Keys of a store may be readable where its values are sealed.
function digest(value: string): string {
  return createHash('sha256').update(value.toLowerCase()).digest('base64url')
}

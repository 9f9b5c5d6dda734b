/** How often mail may be asked for and codes may be tried. Counters live in the store: no restart and no new code resets them. @module */
import { createHash } from 'node:crypto'
import { networkOf } from '@labgate/contract'
import type { Context } from './config.ts'

const hourSeconds = 3600
const daySeconds = 86_400
// A code has 10^6 values: 30 tries a day on one address are right once in 90 years.
const guessesPerAddress = 30
const guessesPerMail = 2
// One network that asks without end must leave mails for the address's owner, who is mostly somewhere else.
const networksPerAddress = 3

/** Who asks, for counting. */
export interface Asker {
  readonly address: string
  readonly network: string
}

/** How much mail and how many tries there may be. */
export interface Limits {
  /** Takes one mail from every budget that has one left; `false`: none is sent. */
  mayMail(asker: Asker): Promise<boolean>
  /** Takes one try. `false`: what was typed must not even be looked at. */
  mayGuess(asker: Asker): Promise<boolean>
}

/** The budgets of one instance. The nearest is asked first, so that a limited network uses up nothing of its victims. */
export function limitsOf({ config, store }: Pick<Context, 'config' | 'store'>): Limits {
  const within = async (name: string, most: number, seconds: number) => (await store.count(name, seconds)) <= most
  return {
    mayMail: async ({ address, network }) =>
      (await within(`mails-from:${networkOf(network)}`, config.mailsPerHourNetwork, hourSeconds)) &&
      (await within(`mails-to:${hidden(address)}:${networkOf(network)}`, config.mailsPerHour, hourSeconds)) &&
      (await within(`mails-to:${hidden(address)}`, config.mailsPerHour * networksPerAddress, hourSeconds)) &&
      (await within('mails', config.mailsPerHourTotal, hourSeconds)),
    mayGuess: async ({ address, network }) =>
      (await within(`guesses-from:${networkOf(network)}`, config.mailsPerHourNetwork * guessesPerMail, hourSeconds)) &&
      (await within(`guesses-at:${hidden(address)}`, guessesPerAddress, daySeconds)),
  }
}

/** Seconds after which every hourly budget is new. */
export const retryAfterSeconds = hourSeconds

// Keys of a store may be readable where its values are sealed.
const hidden = (address: string) => createHash('sha256').update(address).digest('base64url')

/** Rate limits in this process's memory, by name and key. @module */
import { Fault } from '@labgate/contract'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { parseAddress } from './edge.ts'

/** At most `count` in `seconds`. */
export interface RateRule {
  readonly count: number
  readonly seconds: number
}

/** Counters by name. */
export interface Limits {
  /** Counts one; `rule` is needed unless the name was declared. @throws Fault ERR_RATE with `retryAfterSeconds` */
  take(name: string, key: string, rule?: RateRule): Promise<void>
}

/** The key of a network address: an IPv6 host owns its whole /64, so that is what is counted. */
export function addressKey(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) return address
  if (parsed.kind() === 'ipv4') return parsed.toString()
  const network = parsed.toByteArray().slice(0, 8)
  return `${Buffer.from(network).toString('hex')}::/64`
}

function faultOf(rejection: unknown, name: string): unknown {
  if (!(rejection instanceof RateLimiterRes)) return rejection
  return new Fault('ERR_RATE', 'Too many tries. Wait a little and try again.', {
    detail: { limit: name },
    retryAfterSeconds: Math.max(1, Math.ceil(rejection.msBeforeNext / 1000)),
  })
}

/** Makes limits; `rules` are those known by name. */
export function createLimits(rules: Readonly<Record<string, RateRule>> = {}): Limits {
  const limiters = new Map<string, RateLimiterMemory>()
  const limiterOf = (name: string, rule: RateRule | undefined) => {
    const known = limiters.get(name)
    if (known !== undefined) return known
    const chosen = rule ?? rules[name]
    if (chosen === undefined) throw new TypeError(`limit ${JSON.stringify(name)} has no rule`)
    const made = new RateLimiterMemory({ keyPrefix: '', points: chosen.count, duration: chosen.seconds })
    limiters.set(name, made)
    return made
  }
  return {
    async take(name, key, rule) {
      try {
        await limiterOf(name, rule).consume(key)
      } catch (rejection) {
        throw faultOf(rejection, name)
      }
    },
  }
}

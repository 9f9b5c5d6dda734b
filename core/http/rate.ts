/** Rate limits by name and key: in this process's memory, or in counters that several processes share. @module */
import { hash } from 'node:crypto'
import { Fault } from '@labgate/contract'
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { systemClock } from '../clock.ts'
import type { MakeLimiter } from '../storage/limiter.ts'
import { isPlainIpv4, parseAddress } from './edge.ts'

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
  // The edge has written it as everybody writes it.
  if (isPlainIpv4(address)) return address
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

/** Counts one use of a key. */
type Limiter = Pick<RateLimiterAbstract, 'consume'>

/**
 * The counters of one limit in this process. Without a timer and its closures for each, as `RateLimiterMemory` has them: every address
 * that came within a minute is kept for a minute. What is over goes with its generation, when somebody is counted.
 */
function createCounts({ count, seconds }: RateRule): Limiter {
  const length = seconds * 1000
  let young = new Map<string, { used: number; readonly until: number }>()
  let old = young
  const time = () => systemClock.now().getTime()
  let turned = time()
  return {
    async consume(key) {
      const now = time()
      if (Math.abs(now - turned) >= length) {
        old = young
        young = new Map()
        turned = now
      }
      const known = young.get(`${key}`) ?? old.get(`${key}`)
      // What ends later than it could was counted before the clock was set back: nobody waits for it to come there again.
      const counts = known !== undefined && known.until > now && known.until <= now + length
      const counted = counts ? known : { used: 0, until: now + length }
      if (counted !== known) young.set(`${key}`, counted)
      counted.used++
      const { used, until } = counted
      const told = new RateLimiterRes(Math.max(0, count - used), until - now, used, used === 1)
      if (used > count) throw told
      return told
    },
  }
}

/** Makes limits; `rules` are those known by name, `shared` makes counters beyond this process. */
export function createLimits(rules: Readonly<Record<string, RateRule>> = {}, shared?: MakeLimiter): Limits {
  const limiters = new Map<string, Limiter>()
  const limiterOf = (name: string, rule: RateRule | undefined) => {
    const known = limiters.get(name)
    if (known !== undefined) return known
    const chosen = rule ?? rules[name]
    if (chosen === undefined) throw new TypeError(`limit ${JSON.stringify(name)} has no rule`)
    const { count, seconds } = chosen
    const alone = () => new RateLimiterMemory({ keyPrefix: '', points: count, duration: seconds })
    const made = shared?.({ name, count, seconds, insurance: alone() }) ?? createCounts(chosen)
    limiters.set(name, made)
    return made
  }
  return {
    async take(name, key, rule) {
      try {
        // Beyond this process nobody needs to read whom it counts.
        await limiterOf(name, rule).consume(shared === undefined ? key : hash('sha256', key, 'base64url'))
      } catch (rejection) {
        throw faultOf(rejection, name)
      }
    },
  }
}

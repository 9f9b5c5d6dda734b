/** Counters of rate limits that several processes share. @module */
import type { RateLimiterAbstract } from 'rate-limiter-flexible'

/** What one limit allows, and what counts while the shared counters cannot be reached. */
export interface LimiterRule {
  readonly name: string
  readonly count: number
  readonly seconds: number
  readonly insurance: RateLimiterAbstract
}

/** Makes the counter of one limit. */
export type MakeLimiter = (rule: LimiterRule) => RateLimiterAbstract

/** What every instance may do besides its kind's work: start, stop, say how it is, and answer for a person's data. @module */
import type { AccountId, Json } from './values.ts'

/** How an instance is, now. */
export interface Health {
  readonly ok: boolean
  /** Why not, for the operator. */
  readonly detail?: string
}

/** One finding of `labgate doctor`. */
export interface Finding {
  readonly ok: boolean
  readonly what: string
  /** How to mend it. */
  readonly mend?: string
}

/** What an instance of any kind may do besides its kind’s work; all of it is optional. */
export interface Lifecycle {
  /** Opens what it needs. The signal aborts at the start's time limit. */
  start?(signal: AbortSignal): Promise<void>
  /** Closes what it opened; called twice, the second time does nothing. */
  stop?(): Promise<void>
  /** Cheap: from memory. */
  health?(): Promise<Health>
  /** For `doctor`: slow, talks to upstreams, says how to mend. */
  probe?(): AsyncIterable<Finding>
  /** Erases a person's data held by the plugin. */
  erase?(account: AccountId): Promise<void>
  /** A person's data held by the plugin. */
  export?(account: AccountId): AsyncIterable<Json>
}

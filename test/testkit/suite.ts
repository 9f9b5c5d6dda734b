/** What the author says of a sign-in so that the cases can drive it. @module */
import assert from 'node:assert/strict'
import type { Assertion, AuthPlugin, ConfigSchema } from '@labgate/contract'
import { authBench, type Bench } from './bench.ts'
import type { ManualClock } from './clock.ts'
import { doneOf, type Outcome, type Person, shown, type Way, walk } from './walk.ts'

/** One conformance case. */
export interface Case {
  /** A claim in the present tense. */
  readonly name: string
  run(): Promise<void>
}

/** Makes the world hostile before a sign-in; what it returns makes it good again. */
export type Arrange = (bench: Bench) => Promise<(() => void) | undefined> | (() => void) | undefined

/** The plugin, its config, and a person who can sign in. */
export interface AuthSuite<S extends ConfigSchema = ConfigSchema> extends Person {
  readonly plugin: AuthPlugin<S>
  /** As in the config file; a secret may be a text. */
  readonly config: unknown
  /** Reaches the test's upstream; a plugin that asks nobody needs none. */
  readonly fetch?: typeof globalThis.fetch
  /** For upstreams that look at the real time. */
  clock?(): ManualClock
  /**
   * How the upstream lies; needed by a plugin that makes requests. A text says why it cannot happen.
   * `wrongNonce`: another attempt's nonce; `otherIssuer`: a name that is not the upstream's;
   * `unverifiedEmail`: the address was not proven there.
   */
  readonly hostile?: Readonly<Partial<Record<'wrongNonce' | 'otherIssuer' | 'unverifiedEmail', Arrange | string>>>
  /** Further ways in which signing in must be refused. */
  readonly faults?: readonly { readonly name: string; readonly arrange: Arrange }[]
  /** Needed by a plugin that has `redeem`: fields that a good person's job sends, other ones every time. */
  readonly redeem?: {
    fields(): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
    /** Why the same fields may be sent twice. Without it, they are good once. */
    readonly repeatable?: string
  }
  /** Why the same reply may be given twice: a password may be typed again. Without it, a reply is good once. */
  readonly repeatable?: string
}

/** A fresh instance. */
export function benchOf(suite: AuthSuite, id = suite.plugin.name): Bench {
  const { plugin, config, fetch } = suite
  const clock = suite.clock?.()
  return authBench({ plugin, config, id, ...(fetch === undefined ? {} : { fetch }), ...(clock ? { clock } : {}) })
}

/** Signs a good person in. */
export async function signedIn(
  suite: AuthSuite,
  bench: Bench,
): Promise<{ way: Required<Way>; done: Assertion; last: NonNullable<Way['last']> | undefined }> {
  const way = await walk(bench, suite)
  const done = doneOf(way.outcome)
  assert.ok(done, `a good person must be able to sign in, but it ${shown(way.outcome)}`)
  return { way, done, last: way.last }
}

/** Fails when an outcome let somebody in, or was a bug instead of a refusal. */
export function assertRefused(outcome: Outcome, when: string): void {
  if ('broken' in outcome) assert.fail(`${when}: must refuse or throw a Fault, but it ${shown(outcome)}`)
  assert.equal(doneOf(outcome), undefined, `${when}: must not sign in`)
}

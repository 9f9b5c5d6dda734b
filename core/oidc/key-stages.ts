/**
 * The stages of a signing key, decided from its row and the clock alone, so that every process on a database comes to
 * the same: `next` is published and does not sign yet, `current` signs, `retired` is published as long as something that it
 * signed may live; then it is removed.
 * @module
 */

/** How long each stage lasts, in seconds. */
export interface KeyRules {
  /** Age at which `current` gives way; 0: only when somebody asks for it. */
  readonly rotateAfter: number
  readonly publishBefore: number
  readonly keep: number
}

/** A key as far as its stage goes. */
export interface StagedKey {
  readonly kid: string
  readonly alg: string
  readonly state: 'next' | 'current' | 'retired'
  readonly createdAt: Date
  /** Since when it is in this stage. */
  readonly since: Date
}

/** One thing to do to the rows. */
export type KeyStep =
  | { readonly do: 'make'; readonly alg: string; readonly state: 'next' | 'current' }
  | { readonly do: 'use'; readonly alg: string; readonly kid: string }
  | { readonly do: 'remove'; readonly alg: string; readonly kid: string }

/** What is due at an instant. Done once, nothing of it is due again. */
export function dueSteps(
  keys: readonly StagedKey[],
  now: Date,
  { rules, algorithms }: { readonly rules: KeyRules; readonly algorithms: readonly string[] },
): KeyStep[] {
  const old = keys.filter((key) => key.state === 'retired' && ageOf(key.since, now) >= rules.keep)
  return [
    ...algorithms.flatMap((alg) => stepsOf(alg, keys, { now, rules })),
    ...old.map(({ alg, kid }): KeyStep => ({ do: 'remove', alg, kid })),
  ]
}

function stepsOf(
  alg: string,
  keys: readonly StagedKey[],
  { now, rules }: { readonly now: Date; readonly rules: KeyRules },
): KeyStep[] {
  const own = keys.filter((key) => key.alg === alg)
  const current = own.find(({ state }) => state === 'current')
  const next = own.filter(({ state }) => state === 'next').toSorted((a, b) => a.since.getTime() - b.since.getTime())[0]
  if (current === undefined) return [next ? { do: 'use', alg, kid: next.kid } : { do: 'make', alg, state: 'current' }]
  if (next) return ageOf(next.since, now) >= rules.publishBefore ? [{ do: 'use', alg, kid: next.kid }] : []
  const isDue = rules.rotateAfter > 0 && ageOf(current.since, now) >= rules.rotateAfter - rules.publishBefore
  return isDue ? [{ do: 'make', alg, state: 'next' }] : []
}

function ageOf(since: Date, now: Date): number {
  return (now.getTime() - since.getTime()) / 1000
}

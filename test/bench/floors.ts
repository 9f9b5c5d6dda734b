/** What must hold, in one table. A floor that is missed is printed as missed; it is mended in the code, not here. @module */
import type { ScenarioName } from './scenarios.ts'

/** Least share of raw oidc-provider's speed in memory, per CPU second and in rate; Labgate commits to disk (FULL). */
export const leastRatio: Readonly<Record<ScenarioName, number>> = {
  code: 1.3,
  'code-consent': 0.75,
  sso: 0.65,
  refresh: 0.65,
  introspect: 0.8,
}

/** Most milliseconds from spawn to the first answer. */
export const mostStartMs = 2000

/** Most resident memory in MB: when it answers, and ever under load. */
export const mostReadyMB = 130
export const mostPeakMB = 260

/** How many times as much an answer of the access room may cost in the largest ledger as in the smallest. */
export const mostFlat = 2.5

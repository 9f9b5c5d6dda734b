/** What must hold, in one table. A floor that is missed is printed as missed; it is mended in the code, not here. @module */
import type { ScenarioName } from './scenarios.ts'

/** Least share of raw oidc-provider's speed in memory, per CPU second and in rate; Labgate commits to disk (FULL). */
export const leastRatio: Readonly<Record<ScenarioName, number>> = {
  code: 1.3,
  'code-consent': 0.75,
  sso: 0.65,
  refresh: 0.65,
  introspect: 0.8,
  userinfo: 0.8,
  cc: 0.5,
  'cc-jwt': 1.4,
  discovery: 2.5,
  jwks: 2.5,
}

/** Most statements of one operation at the database, those that begin and end transactions and looks for others' commits left out. */
export const mostStatements: Readonly<Partial<Record<ScenarioName, number>>> = {
  code: 16,
  sso: 8,
  refresh: 4,
  introspect: 2,
  userinfo: 2,
  cc: 1,
  'cc-jwt': 0,
  discovery: 0,
  jwks: 0,
}
/** Most statements of one operation on PostgreSQL, all of them: each is a way there and back. As many as there are. */
export const mostOnPostgres = {
  code: 25,
  'code-consent': 47,
  sso: 16,
  refresh: 7,
  introspect: 4,
  userinfo: 5,
  cc: 1,
} as const satisfies Partial<Record<ScenarioName, number>>
/** Most transactions of one operation. */
export const mostCommits: Readonly<Partial<Record<ScenarioName, number>>> = {
  refresh: 1,
  cc: 1,
  introspect: 0,
  userinfo: 0,
}

/** Least share of the speed of Koa's hello. */
export const leastOfKoa = {
  /** Who holds a token: two thousand in use, of one account with ten grants, and of as many accounts among many. */
  'user-cache-small': 0.5,
  'user-cache': 0.5,
  /** The same, everybody asked about for the first time. */
  'user-cache-cold': 0.15,
  'ngauth-token': 0.4,
  /** The decision and the cloud's credential are there. */
  'gcs-token': 0.2,
  /** Discovery and keys, by turns. */
  documents: 0.6,
} as const
export type DialectRowName = keyof typeof leastOfKoa

/** Most milliseconds of a grant to a group of ten thousand, and until every process answers by a change. */
export const mostGrantMs = 50
export const mostSeenMs = 1000
/** Most questions to the cloud for one person and bucket within ten minutes: a credential, its limits, a look at the bucket. */
export const mostCloudCalls = 3

/** Most milliseconds from spawn to the first answer. */
export const mostStartMs = 2000

/** Most resident memory in MB: when it has started, and ever under sign-ins with consent. */
export const mostReadyMB = 130
export const mostPeakMB = 260

/** How many times as much memory there may be after a soak as when it began. */
export const mostSoaked = 1.1

/** How many times as much an answer of the access room may cost in the largest ledger as in the smallest. */
export const mostFlat = 2.5
/** Microseconds that are no growth. */
export const cacheMissUs = 10

/** Most CPU milliseconds of ours: to start one workspace, and to look at a thousand that run. */
export const mostSpawnCpuMs = 20
export const mostLookCpuMs = 50
/** Starts under way at once; one more is asked to come back. */
export const startsAtOnce = 100

/** Least share of the speed of a small Labgate that one keeps: where any of all tokens or holders is read, where one is written; else. */
export const leastGrown = { reads: 0.7, writes: 0.5, rest: 0.9 } as const
/** Most milliseconds (p99) in which the store finds any of all tokens. */
export const mostLookupMs = 1
/** How many times as long such a one may take to start. */
export const mostGrownStart = 1.1
/** Milliseconds by which one plugin may make a start longer: its code has to be loaded, so that many are never free. */
export const mostPluginStartMs = 8
/** Most milliseconds for which a step of cleaning up holds the writer. */
export const mostCleanupMs = { p99: 20, ever: 50 } as const

/** How many times as much CPU two processes on one PostgreSQL may need for a code flow as two that share nothing. */
export const mostSecondProcess = 1.1

/** Most milliseconds by which the event loop is late (p99) at seven tenths of the most that it can do. */
export const mostLoopMs = 30

/** How many times as fast sign-ins are with short-lived records in a Redis as with PostgreSQL alone. */
export const leastWithRedis = 1.3

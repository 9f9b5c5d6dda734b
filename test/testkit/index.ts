/** @labgate/testkit: what the author of a Labgate plugin tests it with: a context in memory and the kind's conformance cases. @module */
export * from './attempt.ts'
export * from './auth.ts'
export * from './bench.ts'
export * from './clock.ts'
export * from './config.ts'
export * from './dialect.ts'
export * from './runner.ts'
export {
  inLab,
  launchOf,
  type RunnerLab,
  type RunnerSuite,
  requestOf,
  type Started,
  untilState,
} from './runner-bench.ts'
export * from './store.ts'
export type { Arrange, AuthSuite, Case } from './suite.ts'
export type { OpenStep, Person, Turn } from './walk.ts'

/** What every part of the runner works with. @module */
import type { Clock } from '@labgate/contract'
import type { RunnerDockerConfig } from './config.ts'
import type { Engine } from './engine.ts'

/** One engine, its config, and whose things are ours on it. */
export interface Ground {
  readonly engine: Engine
  readonly config: RunnerDockerConfig
  readonly installation: string
  readonly clock: Clock
}

/** What a check finds. @module */
import type { Path } from './problems.ts'

/** One finding; an error should stop a deployment, a warning should be thought about. */
export interface Finding {
  readonly level: 'error' | 'warning'
  readonly path: Path
  readonly part?: 'key' | 'value'
  readonly message: string
}

/** The process's environment, read here and handed on from here. @module */
import type { Env } from './secrets.ts'

/** The environment of this process. */
export function processEnv(): Env {
  return process.env
}

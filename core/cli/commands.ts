/** The table of commands: a line each, imported when it is asked for. @module */
import type { Command } from './command.ts'

/** Loads one command's file. */
export type Load = () => Promise<{ readonly command: Command }>

/** Commands by name, in the order of the help. */
export const commands: Readonly<Record<string, Load>> = {
  serve: () => import('./serve.ts'),
  check: () => import('./check.ts'),
  init: () => import('./init.ts'),
  'new plugin': () => import('./new-plugin.ts'),
  schemas: () => import('./schemas.ts'),
  version: () => import('./version.ts'),
}

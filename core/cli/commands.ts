/** The table of commands: a line each, imported when it is asked for. @module */
import type { Command } from './command.ts'

/** Loads one command's file. */
export type Load = () => Promise<{ readonly command: Command }>

/** Commands by name, in the order of the help. */
export const commands: Readonly<Record<string, Load>> = {
  serve: () => import('./serve.ts'),
  check: () => import('./check.ts'),
  doctor: () => import('./doctor.ts'),
  init: () => import('./init.ts'),
  'new plugin': () => import('./new-plugin.ts'),
  migrate: () => import('./migrate.ts'),
  'account list': async () => ({ command: (await import('./account.ts')).list }),
  'account show': async () => ({ command: (await import('./account.ts')).show }),
  'account activate': async () => ({ command: (await import('./account-change.ts')).activate }),
  'account deactivate': async () => ({ command: (await import('./account-change.ts')).deactivate }),
  'account role': async () => ({ command: (await import('./account-change.ts')).role }),
  'account sessions': async () => ({ command: (await import('./account-change.ts')).sessions }),
  'account sign-out': async () => ({ command: (await import('./account-change.ts')).signOut }),
  'client list': async () => ({ command: (await import('./client.ts')).list }),
  'client show': async () => ({ command: (await import('./client.ts')).show }),
  'client add': async () => ({ command: (await import('./client-change.ts')).add }),
  'client secret': async () => ({ command: (await import('./client-change.ts')).secret }),
  'client remove': async () => ({ command: (await import('./client-change.ts')).remove }),
  'keys list': async () => ({ command: (await import('./keys.ts')).list }),
  'keys rotate': async () => ({ command: (await import('./keys.ts')).rotate }),
  'keys new': async () => ({ command: (await import('./keys.ts')).fresh }),
  'keys reseal': async () => ({ command: (await import('./keys.ts')).resealAll }),
  schemas: () => import('./schemas.ts'),
  version: () => import('./version.ts'),
}

/** What all parts of the runner stand on. @module */
import { type Log, launchFault, type Random, type Store } from '@labgate/contract'
import type { Host } from './host.ts'
import type { RunnerSshConfig } from './settings.ts'

/** What all parts of the runner stand on. */
export interface Ground {
  readonly config: RunnerSshConfig
  readonly hosts: readonly Host[]
  readonly store: Store
  readonly random: Random
  readonly log: Log
  /** Host by instance of what this process has placed: a host that was asked before does not count it. */
  readonly placed: Map<string, string>
}

/** A host by its name. @throws Fault ERR_LAUNCH (unreachable) when the config has it no more */
export function hostNamed({ hosts }: Ground, name: string): Host {
  const host = hosts.find((one) => one.name === name)
  if (host) return host
  throw launchFault('unreachable', `${name} is not known here any more.`, {
    hint: 'An admin puts it back into the config, or removes the workspace by force.',
  })
}

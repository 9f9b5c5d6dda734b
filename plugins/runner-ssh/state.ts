/** What is kept of an instance, and what a host says of it. @module */
import { Fault, type Inspection, type Json } from '@labgate/contract'

/** What is kept of an instance. */
export interface State {
  readonly [name: string]: Json
  /** Name of the host. */
  readonly host: string
  readonly instance: string
  readonly account: string
  readonly storage: string
}

const word = (description: string) => ({ type: 'string', description }) as const

/** The form of the kept state. Process and port are kept on the host alone: what is true there is asked there. */
export const stateSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['host', 'instance', 'account', 'storage'],
  properties: {
    host: word('Name of the host in the config.'),
    instance: word('Id of the workspace.'),
    account: word('Whose it is.'),
    storage: word('Name of the person’s storage.'),
  },
} as const

/** The version of {@link State}. */
export const stateVersion = 1

/** Reads a kept state. @throws Fault ERR_PLUGIN for one that a later version wrote, or that is none */
export function migrate(old: Json, from: number): State {
  const { host, instance, account, storage } = (old ?? {}) as Readonly<Record<string, unknown>>
  const words = [host, instance, account, storage]
  if (from > stateVersion || !words.every((one): one is string => typeof one === 'string'))
    throw new Fault('ERR_PLUGIN', `runner-ssh: a kept state of version ${from} cannot be read`)
  // Checked above: all four are text.
  return { host, instance, account, storage } as State
}

/** An instance as its host tells of it. */
export interface Run {
  readonly instance: string
  readonly nonce: string
  readonly plan: string
  readonly account: string
  readonly storage: string
  readonly port: number | undefined
  readonly state: 'reserved' | 'running' | 'exited' | 'killed' | 'rebooted'
  readonly code: number | undefined
  /** Whether it was told to end; nothing is started in its folder any more. */
  readonly isEnded: boolean
}

/** Reads a line `run` of an answer. */
export function runOf(words: readonly string[]): Run {
  const [instance = '', nonce = '', plan = '', account = '', storage = '', port, state, code, ended] = words
  return {
    ...{ instance, nonce, plan, account, storage, port: numberOf(port) },
    // Printed by remote.sh, which knows no other.
    state: state as Run['state'],
    code: numberOf(code),
    isEnded: ended === 'ended',
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** What became of an instance. */
export function seen(run: Run | undefined): Inspection {
  if (run === undefined) return { state: 'missing' }
  const { state, code } = run
  if (state === 'running') return { state }
  if (state === 'reserved') return { state: 'exited', code: undefined, reason: 'it was not started' }
  if (state === 'killed') return { state: 'exited', code: undefined, reason: 'its processes are gone' }
  if (state === 'rebooted') return { state: 'exited', code: undefined, reason: 'the machine was started anew' }
  return { state: 'exited', code, reason: reasonOf(code) }
}

function reasonOf(code: number | undefined): string | undefined {
  if (code === 126 || code === 127) return 'its program could not be started'
  if (code === 137) return 'it was killed; it may have used more memory than there is'
  return code !== undefined && code > 128 ? `it was ended by signal ${code - 128}` : undefined
}

/** What is kept of a container, and what an engine says of it. @module */
import type { Found, Inspection, Json } from '@labgate/contract'
import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import { labels } from './plan.ts'

/** What is kept of a container. */
export interface State {
  readonly [name: string]: Json
  /** The engine's id. */
  readonly container: string
  readonly account: string
  readonly storage: string
  /** Where the app listens inside. */
  readonly port: number
}

/** The form of the kept state. */
export const stateSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['container', 'account', 'storage', 'port'],
  properties: {
    container: { type: 'string', description: 'The engine’s id of the container.' },
    account: { type: 'string', description: 'Whose it is.' },
    storage: { type: 'string', description: 'Name of the person’s storage.' },
    port: { type: 'integer', description: 'Where the app listens inside.' },
  },
} as const

// Podman calls some of them `stopped`.
const ended = ['exited', 'dead', 'stopped']

/** Whether a state of the engine is an end. */
export function hasEnded(status: string): boolean {
  return ended.includes(status)
}

/** What became of it, of an inspection. */
export function seen({ State: state }: Pick<ContainerInspectInfo, 'State'>): Inspection {
  if (state.Status === 'removing') return { state: 'missing' }
  if (!hasEnded(state.Status)) return { state: 'running' }
  return { state: 'exited', code: state.ExitCode, reason: reasonOf(state) }
}

function reasonOf({ OOMKilled, ExitCode, Error: words }: ContainerInspectInfo['State']): string | undefined {
  if (OOMKilled) return 'it used more memory than its size has'
  // Podman does not tell who killed it; somebody's stop is not looked at any more.
  if (ExitCode === 137) return 'it was killed, most likely because it used more memory than its size has'
  return words || undefined
}

/** A line of a list as something that was found. */
export function foundIn(line: ContainerInfo): Found<State> | undefined {
  const { [labels.instance]: instance, [labels.account]: account, [labels.storage]: storage } = line.Labels
  if (instance === undefined) return undefined
  const port = Number(line.Labels[labels.port] ?? 0)
  return { instance, account, state: { container: line.Id, account: account ?? '', storage: storage ?? '', port } }
}

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

/** What became of it, of an inspection. */
export function seen({ State: state }: Pick<ContainerInspectInfo, 'State'>): Inspection {
  if (state.Status !== 'exited' && state.Status !== 'dead') return { state: 'running' }
  // Podman does not say so: 137 without anybody's stop is the kernel's doing as a rule.
  const isOutOfMemory = state.OOMKilled || state.ExitCode === 137
  const reason = isOutOfMemory ? 'it used more memory than its size has' : state.Error || undefined
  return { state: 'exited', code: state.ExitCode, reason }
}

/** What became of it, of a line of a list: its words hold the code. */
export function listed({ State: state, Status: words }: Pick<ContainerInfo, 'State' | 'Status'>): Inspection {
  if (state !== 'exited' && state !== 'dead') return { state: 'running' }
  const code = Number(/\((\d+)\)/.exec(words)?.[1] ?? Number.NaN)
  const known = Number.isNaN(code) ? undefined : code
  return { state: 'exited', code: known, reason: known === 137 ? 'it used more memory than its size has' : undefined }
}

/** A line of a list as something that was found. */
export function foundIn(line: ContainerInfo): Found<State> | undefined {
  const instance = line.Labels[labels.instance]
  if (instance === undefined) return undefined
  const account = line.Labels[labels.account]
  const storage = line.Labels[labels.storage] ?? ''
  const port = line.Ports[0]?.PrivatePort ?? 0
  return { instance, account, state: { container: line.Id, account: account ?? '', storage, port } }
}

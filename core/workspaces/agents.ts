/** Connections to apps, kept open by workspace and by life: none of an earlier one is ever used again. @module */
import { Agent, type AgentOptions } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '@labgate/contract'
import type { Way } from './workspaces.ts'

/** Connections by workspace. */
export interface Agents {
  of(way: Way): Agent
  /** Ends those of workspaces that nobody came to lately. */
  sweep(): void
  close(): void
}

interface Kept {
  readonly life: string
  readonly agent: Agent
  usedAt: number
  /** The newest: a tunnel's way may change while the workspace lives on. */
  endpoint: Endpoint
}

const keepMs = 5 * 60_000
const options: AgentOptions = { keepAlive: true, keepAliveMsecs: 5000, maxFreeSockets: 16, scheduling: 'lifo' }

/** Makes them. */
export function createAgents(): Agents {
  const kept = new Map<string, Kept>()
  const drop = (id: string, one: Kept) => {
    kept.delete(id)
    one.agent.destroy()
  }
  return {
    of({ workspace: { id }, life: row, endpoint }) {
      const life = `${row} ${endpoint.kind === 'tunnel' ? '' : JSON.stringify(endpoint)}`
      const known = kept.get(id)
      if (known?.life === life) {
        known.usedAt = performance.now()
        known.endpoint = endpoint
        return known.agent
      }
      if (known) drop(id, known)
      const one: Kept = { life, agent: new Agent(options), usedAt: performance.now(), endpoint }
      if (endpoint.kind === 'tunnel') throughTunnel(one)
      kept.set(id, one)
      return one.agent
    },
    sweep() {
      const before = performance.now() - keepMs
      // What is under way is not cut off: an upload may take an hour.
      for (const [id, one] of kept)
        if (one.usedAt < before && Object.keys(one.agent.sockets).length === 0) drop(id, one)
    },
    close() {
      for (const [id, one] of kept) drop(id, one)
    },
  }
}

/** Opening a connection through a tunnel costs a round trip to its machine. */
function throughTunnel(one: Kept): void {
  one.agent.createConnection = ((_: unknown, done: (error: Error | null, stream?: Duplex) => void) => {
    const { endpoint } = one
    if (endpoint.kind !== 'tunnel') return undefined
    endpoint.open().then(
      (stream) => done(null, asSocket(stream as Duplex)),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    )
    return undefined
  }) as never
}

/** What Node's agent asks of a socket and a channel does not have. */
function asSocket(stream: Duplex): Duplex {
  const missing = Object.fromEntries(
    ['setKeepAlive', 'setNoDelay', 'setTimeout', 'ref', 'unref'].flatMap((name) =>
      name in stream ? [] : [[name, () => stream]],
    ),
  )
  return Object.assign(stream, missing)
}

/** The way to an app: a stream through the connection to its port, if it is still the app that listens there. @module */
import type { Duplex } from 'node:stream'
import { launchFault } from '@labgate/contract'
import { type Ground, hostNamed } from './ground.ts'
import { hostTrouble } from './host.ts'
import { runOf, type State } from './state.ts'

/** Opens streams to apps. */
export interface Tunnels {
  open(state: State): Promise<Duplex>
  /** What was known of an instance counts no more. */
  forget(instance: string): void
}

/** So long an answer of the host counts. An app that has ended in between leaves its port to whoever takes it. */
const freshMs = 5000

interface Known {
  readonly port: number
  readonly at: number
}

/** Makes the tunnels of a runner. */
export function tunnelsOf(ground: Ground): Tunnels {
  const known = new Map<string, Known>()
  const asked = new Map<string, Promise<number>>()
  const portOf = (state: State): Promise<number> => {
    const found = known.get(state.instance)
    if (found && performance.now() - found.at < freshMs) return Promise.resolve(found.port)
    const asking = asked.get(state.instance) ?? ask(ground, state, known).finally(() => asked.delete(state.instance))
    asked.set(state.instance, asking)
    return asking
  }
  return {
    forget: (instance) => void known.delete(instance),
    async open(state) {
      const host = hostNamed(ground, state.host)
      try {
        return await host.tunnel(await portOf(state))
      } catch (error) {
        known.delete(state.instance)
        throw hostTrouble(state.host, error)
      }
    },
  }
}

async function ask(ground: Ground, { host, instance }: State, known: Map<string, Known>): Promise<number> {
  const at = performance.now()
  const answer = await hostNamed(ground, host).ask([['one', instance]])
  const run = answer.lines('run').map(runOf)[0]
  if (run?.state !== 'running' || run.port === undefined)
    throw launchFault('crash', 'It does not run any more.', { hint: 'Start it again.', retryable: true })
  const listens = answer.line('listens')?.[0]
  // Somebody else's program would get what is meant for the app, and the app's token with it.
  if (listens === 'foreign')
    throw launchFault('port', 'Somebody else listens on its port.', { hint: 'Start it again.', retryable: true })
  if (listens === 'ours') known.set(instance, { port: run.port, at })
  else throw launchFault('unreachable', 'It does not listen yet.', { retryable: true })
  return run.port
}

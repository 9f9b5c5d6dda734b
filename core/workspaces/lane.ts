/** Hands a connection on to an app, byte by byte. @module */
import { connect, type Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import type { Endpoint } from '@labgate/contract'
import { within } from './bounded.ts'

/** Leads connections to one app. */
export interface Lane {
  /** Hands on until one of both ends it. Never throws. */
  join(client: Socket): void
}

/** What it takes. */
export interface LaneNeeds {
  /** Where the app is now. */
  endpoint(): Promise<Endpoint>
  /** Something came from outside. */
  onTraffic(): void
}

/** How long an endpoint counts without being asked for anew: whoever knocks often must not keep an engine busy. */
const endpointMs = 10_000
const reachSeconds = 15
/** Whoever says nothing at all, says nothing any more, or stays when the app has said goodbye. */
const firstMs = 30_000
const silentMs = 3_600_000
const lingerMs = 10_000

/** Makes one. */
export function createLane({ endpoint, onTraffic }: LaneNeeds): Lane {
  let known: { readonly asked: Promise<Endpoint>; readonly until: number } | undefined
  const where = (): Promise<Endpoint> => {
    if (known === undefined || known.until < performance.now())
      known = { asked: endpoint(), until: performance.now() + endpointMs }
    return known.asked
  }
  const lead = async (client: Socket): Promise<void> => {
    const reached = where().then(reach)
    try {
      const app = await within(reached, { seconds: reachSeconds })
      if (client.destroyed) return void app.destroy()
      hand(client, app, onTraffic)
    } catch {
      // Nobody is told why: whoever knocks is a stranger.
      known = undefined
      client.destroy()
      void reached.then(
        (late) => late.destroy(),
        () => undefined,
      )
    }
  }
  return {
    join(client) {
      client.setTimeout(firstMs, () => client.destroy())
      client.on('error', () => client.destroy())
      void lead(client)
    },
  }
}

function hand(client: Socket, app: Duplex, onTraffic: () => void): void {
  const end = (error: Error | null | undefined) => {
    if (!error) return
    client.destroy()
    app.destroy()
  }
  // One that breaks when all was said.
  app.on('error', () => app.destroy())
  pipeline(client, app, end)
  pipeline(app, client, end)
  client.once('data', () => client.setTimeout(silentMs))
  client.on('data', onTraffic)
  app.once('end', () => client.setTimeout(lingerMs))
}

async function reach(endpoint: Endpoint): Promise<Duplex> {
  // A channel as libraries give it reads and writes.
  if (endpoint.kind === 'tunnel') return (await endpoint.open()) as Duplex
  const { kind } = endpoint
  const to = kind === 'tcp' ? { host: endpoint.host, port: endpoint.port } : { path: endpoint.path }
  return new Promise((resolve, reject) => {
    const app = connect({ ...to, allowHalfOpen: true, noDelay: true })
    app.once('error', reject)
    app.once('connect', () => {
      app.off('error', reject)
      resolve(app)
    })
  })
}

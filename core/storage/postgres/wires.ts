/**
 * Connections for single statements, each a transaction of its own. What only reads waits for nobody: one connection carries
 * many questions at once (pipelining). What writes may wait for a row or for the disk, so that no connection carries two of
 * those.
 * @module
 */
import type pg from 'pg'
import { type Connection, clientConfig, type PostgresTarget } from './client.ts'
import { StatementClient } from './statement.ts'

export interface WireOptions {
  /** Most connections. */
  readonly count: number
  /** Most statements that one of them carries at once; what is more waits in line. */
  readonly atOnce: number
}

/** Statements on any of some connections, which are made when they are needed, and anew when one is lost. */
export interface Wires extends Connection {
  end(): Promise<void>
}

interface Wire {
  readonly client: pg.Client
  readonly ready: Promise<void>
  isReady: boolean
  /** Statements without an answer. */
  load: number
}

interface Asked {
  readonly config: pg.QueryConfig
  resolve(result: pg.QueryResult): void
  reject(error: Error): void
}

/** Makes them; none is connected before the first statement. */
export function createWires(target: PostgresTarget, { count, atOnce }: WireOptions): Wires {
  const wires = new Set<Wire>()
  const line: Asked[] = []
  let isOver = false

  const connect = (): Wire => {
    const wire = wireTo(target, (lost) => wires.delete(lost))
    wires.add(wire)
    return wire
  }
  /** The one with the least to do; another one while there may be more and all have something. */
  const free = (): Wire | undefined => {
    let best: Wire | undefined
    for (const wire of wires) if (wire.load < (best?.load ?? atOnce)) best = wire
    return best?.load !== 0 && wires.size < count ? connect() : best
  }
  const done = (wire: Wire) => {
    wire.load -= 1
    const next = line.shift()
    if (next !== undefined) ask(next)
  }
  /** Whoever stands in line would meet the same, one after another. */
  const refuse = (error: Error, asked: Asked) => {
    for (const each of [asked, ...line.splice(0)]) each.reject(error)
  }
  const ask = (asked: Asked): void => {
    const wire = free()
    if (wire === undefined) {
      line.push(asked)
      return
    }
    wire.load += 1
    const send = () =>
      wire.client.query(asked.config, (error, result) => {
        done(wire)
        if (error) asked.reject(error)
        else asked.resolve(result)
      })
    if (wire.isReady) send()
    else wire.ready.then(send, (error: Error) => refuse(error, asked))
  }
  const query = (config: pg.QueryConfig): Promise<pg.QueryResult> => {
    if (isOver) return Promise.reject(new Error('Connection terminated: the server is stopping'))
    return new Promise((resolve, reject) => ask({ config, resolve, reject }))
  }
  return {
    // Of the ways to call it, this is the one that is used.
    query: query as Connection['query'],
    async end() {
      isOver = true
      await Promise.all([...wires].map(({ client, ready }) => ready.then(() => client.end()).catch(() => undefined)))
    },
  }
}

function wireTo(target: PostgresTarget, forget: (lost: Wire) => void): Wire {
  const client = new StatementClient({ ...clientConfig(target), pipeline: true })
  const lost = () => forget(wire)
  client.on('error', lost).on('end', lost)
  const ready = client.connect().then(
    () => {
      wire.isReady = true
    },
    (error: unknown) => {
      lost()
      throw error
    },
  )
  const wire: Wire = { client, ready, isReady: false, load: 0 }
  return wire
}

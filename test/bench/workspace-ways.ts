/** The way to an app through the proxy against the way past it, by turns. @module */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../support/labgate.ts'
import { enter, signedIn } from '../support/workspace-visit.ts'
import { type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'
import type { HammerOrder, HammerRound } from './hammer.ts'
import { median, onCore } from './measure.ts'

/** Through the proxy over past it, in one run. */
export interface WorkspaceWays {
  readonly requests: Way
  readonly messages: Way
}

/** Rates with sixteen at once, and milliseconds that one alone takes longer. */
export interface Way {
  readonly rate: number
  readonly direct: number
  readonly addedMs: number
}

/** Measures both. */
export async function workspaceWays({ rounds, seconds }: { rounds: number; seconds: number }): Promise<WorkspaceWays> {
  const port = await freePort()
  const world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}` } }, { port })
  try {
    return await waysOf(world, { port, rounds, seconds })
  } finally {
    await world.stop()
  }
}

async function waysOf(
  world: WorkspaceWorld,
  { port, rounds, seconds }: { port: number; rounds: number; seconds: number },
): Promise<WorkspaceWays> {
  const room = world.site.labgate.rooms.get('workspaces')
  const carol = await signedIn(world, 'carol@example.org')
  const { id } = await world.ready(carol.account)
  const host = `${id}.localhost:${port}`
  const cookie = await enter(world, carol, { port, host })
  const way = await room.way(id, carol.account)
  if (way?.endpoint.kind !== 'tcp') throw new Error('there is no way')
  const through = { port, host, headers: { cookie, origin: `http://${host}` } }
  const past = { port: way.endpoint.port, host: `127.0.0.1:${way.endpoint.port}`, headers: { ...way.headers } }
  const compare = async (kind: HammerOrder['kind'], path: string): Promise<Way> => {
    const rates: number[] = []
    const directs: number[] = []
    const added: number[] = []
    for (let round = 0; round < rounds; round++) {
      const order = { kind, path, seconds }
      const [ours, theirs] = [
        await hammer({ ...order, ...through, width: 16 }),
        await hammer({ ...order, ...past, width: 16 }),
      ]
      const [one, other] = [
        await hammer({ ...order, ...through, width: 1 }),
        await hammer({ ...order, ...past, width: 1 }),
      ]
      rates.push(ours.perSecond)
      directs.push(theirs.perSecond)
      added.push(one.p50 - other.p50)
    }
    return { rate: median(rates), direct: median(directs), addedMs: median(added) }
  }
  return { requests: await compare('requests', '/api'), messages: await compare('messages', '/socket') }
}

async function hammer(order: HammerOrder): Promise<HammerRound> {
  const [program = '', ...args] = onCore(0, [
    process.execPath,
    join(import.meta.dirname, 'hammer.ts'),
    JSON.stringify(order),
  ])
  const { stdout } = await promisify(execFile)(program, args)
  return JSON.parse(stdout) as HammerRound
}

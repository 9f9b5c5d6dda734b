/** What workspaces cost: a start, a look at a thousand, and the way through the proxy against the way past it. @module */
import { execFile, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isFault } from '@labgate/contract'
import { freePort } from '../support/labgate.ts'
import { enter, signedIn } from '../support/workspace-visit.ts'
import { type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'
import type { HammerOrder, HammerRound } from './hammer.ts'
import { median, onCore } from './measure.ts'

/** Every number, milliseconds and ratios. */
export interface WorkspaceCosts {
  /** CPU of this process for one start, with a runner of processes. */
  readonly spawnCpuMs: number
  /** CPU of one look at so many that run. */
  readonly lookCpuMs: number
  readonly looked: number
  /** Of 101 asked for at once. */
  readonly accepted: number
  readonly refused: number
  /** From the wish to ready, and the app's own bare start. */
  readonly readyMs: number
  readonly bareMs: number
  /** Through the proxy over past it, in one run: rate with sixteen at once, and milliseconds one after the other. */
  readonly requests: Way
  readonly messages: Way
}

interface Way {
  readonly rate: number
  readonly direct: number
  readonly addedMs: number
}

const app = join(import.meta.dirname, '../support/workspace-app.js')

/** Measures all of it. */
export async function workspaceCosts({
  rounds,
  seconds,
}: {
  rounds: number
  seconds: number
}): Promise<WorkspaceCosts> {
  const port = await freePort()
  const world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}` } }, { port })
  try {
    const starts = await startsOf(world, rounds)
    const ways = await waysOf(world, { port, rounds, seconds })
    return { ...starts, ...ways, ...(await many(rounds)) }
  } finally {
    await world.stop()
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function startsOf(world: WorkspaceWorld, rounds: number) {
  const { alice, as } = world
  const room = world.site.labgate.rooms.get('workspaces')
  const one = async () => {
    const cpu = cpuMs()
    const start = performance.now()
    const { id } = await room.request(as(alice), { account: alice, profile: 'notebook' })
    const ready = Promise.withResolvers<void>()
    const leave = await room.watch(id, ({ kind }) => {
      if (kind === 'ready') ready.resolve()
    })
    await ready.promise
    leave()
    const took = { cpu: cpuMs() - cpu, ms: performance.now() - start }
    await room.stop(as(alice), id)
    await world.until(id, 'stopped')
    return took
  }
  await one()
  const took: { cpu: number; ms: number }[] = []
  const bare: number[] = []
  for (let round = 0; round < rounds * 4; round++) {
    took.push(await one())
    bare.push(await bareStart())
  }
  return {
    // What others do on the machine only ever adds.
    spawnCpuMs: Math.min(...took.map(({ cpu }) => cpu)),
    readyMs: median(took.map(({ ms }) => ms)),
    bareMs: median(bare),
  }
}

/** The same program without anything of ours, until it answers. */
async function bareStart(): Promise<number> {
  const port = await freePort()
  const start = performance.now()
  const child = spawn(process.execPath, [app, '127.0.0.1', String(port), '/', '/nowhere'], { stdio: 'ignore' })
  try {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/api`).catch(() => undefined)
      if (answer?.ok) return performance.now() - start
      await new Promise((done) => setTimeout(done, 2))
    }
  } finally {
    child.kill('SIGKILL')
  }
}

async function waysOf(
  world: WorkspaceWorld,
  { port, rounds, seconds }: { port: number; rounds: number; seconds: number },
): Promise<Pick<WorkspaceCosts, 'requests' | 'messages'>> {
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

/** A hundred starts at once and one more, then a thousand that run, where starting and running cost nothing. */
async function many(rounds: number): Promise<Pick<WorkspaceCosts, 'accepted' | 'refused' | 'looked' | 'lookCpuMs'>> {
  const still = createServer((_, res) => void res.end('ok'))
  await new Promise<void>((done) => void still.listen(0, '127.0.0.1', done))
  const world = await workspaceWorld({
    plugins: {
      still: {
        use: join(import.meta.dirname, 'runner-still.ts'),
        config: { port: (still.address() as AddressInfo).port },
      },
    },
    workspaces: { profiles: { app: { runner: 'still', command: ['x'], port: 1 } } },
  })
  const { alice, as } = world
  const room = world.site.labgate.rooms.get('workspaces')
  const start = (count: number) =>
    Promise.allSettled(Array.from({ length: count }, () => room.request(as(alice), { account: alice, profile: 'app' })))
  const calm = async () => {
    while ((await room.list({ limit: 1, states: ['reserved', 'starting'] })).total > 0)
      await new Promise((done) => setTimeout(done, 20))
  }
  try {
    const asked = await start(101)
    const accepted = asked.filter(({ status }) => status === 'fulfilled').length
    const refused = asked.filter(
      (one) => one.status === 'rejected' && isFault(one.reason) && one.reason.code === 'ERR_RATE',
    ).length
    await calm()
    await copyTo(world, 1000)
    const looked = (await room.list({ limit: 1, states: ['ready'] })).total
    const looks: number[] = []
    for (let look = 0; look <= rounds * 4; look++) {
      const before = cpuMs()
      await room.look()
      // The first warms up.
      if (look > 0) looks.push(((cpuMs() - before) * 1000) / looked)
    }
    return { accepted, refused, looked, lookCpuMs: Math.min(...looks) }
  } finally {
    await world.site.stop()
    still.close()
  }
}

/** Makes more of one that is ready: rows are all there is of them. */
async function copyTo({ site }: WorkspaceWorld, count: number): Promise<void> {
  await site.labgate.rooms.get('storage').transaction(async (em) => {
    const columns = (await em.execute<{ name: string }[]>('pragma table_info(workspace)')).map(({ name }) => name)
    const [own, ...rest] = columns
    await em.execute(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
       insert into workspace (${[own, ...rest].join(', ')})
       select 'w' || printf('%015d', i), ${rest.join(', ')} from n, (select * from workspace where state = 'ready' limit 1)`,
      [count - 100],
    )
  })
}

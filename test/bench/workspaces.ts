/** What workspaces cost: a start, a look at a thousand, a hundred at once, and a restart of Labgate with five thousand. @module */
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { isFault } from '@labgate/contract'
import Database from 'better-sqlite3'
import { freePort } from '../support/labgate.ts'
import { type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'
import { median, quiet } from './measure.ts'
import { makeSite } from './servers.ts'

/** Every number, milliseconds. */
export interface WorkspaceCosts {
  /** CPU of this process for one start, with a runner of processes. */
  readonly spawnCpuMs: number
  /** The same where the place itself costs nothing. */
  readonly stillCpuMs: number
  /** CPU of one look at so many that run. */
  readonly lookCpuMs: number
  readonly looked: number
  /** Of 101 asked for at once; refused: with 429 and a time to come back. */
  readonly accepted: number
  readonly refused: number
  /** From the wish to ready, and the app's own bare start. */
  readonly readyMs: number
  readonly bareMs: number
  /** From spawn to the first answer with so many that run. */
  readonly startMs: number
  /** The same with none. */
  readonly emptyStartMs: number
  readonly known: number
}

const app = join(import.meta.dirname, '../support/workspace-app.js')

/** Measures all of it. */
export async function workspaceCosts({ rounds }: { rounds: number }): Promise<WorkspaceCosts> {
  const world = await workspaceWorld()
  try {
    const starts = await startsOf(world, { profile: 'notebook', times: rounds * 4 })
    const bare: number[] = []
    for (let round = 0; round < rounds * 2; round++) bare.push(await bareStart())
    const [spawnCpuMs, readyMs] = [starts.cpuMs, starts.ms]
    return { spawnCpuMs, readyMs, bareMs: median(bare), ...(await many(rounds)), ...(await knownStart(5000)) }
  } finally {
    await world.stop()
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Starts one after the other; what others do on the machine only ever adds to the CPU. */
async function startsOf(
  world: WorkspaceWorld,
  { profile, times }: { profile: string; times: number },
): Promise<{ readonly cpuMs: number; readonly ms: number }> {
  const { alice, as } = world
  const room = world.site.labgate.rooms.get('workspaces')
  const one = async () => {
    const cpu = cpuMs()
    const start = performance.now()
    const { id } = await room.request(as(alice), { account: alice, profile })
    await new Promise<void>((resolve) => {
      void room.watch(id, ({ kind }) => kind === 'ready' && resolve())
      void room.find(id).then((found) => found?.state === 'ready' && resolve())
    })
    const took = { cpu: cpuMs() - cpu, ms: performance.now() - start }
    await room.stop(as(alice), id)
    await world.until(id, 'stopped')
    return took
  }
  for (let warm = 0; warm < 5; warm++) await one()
  const took: { cpu: number; ms: number }[] = []
  for (let time = 0; time < times; time++) took.push(await one())
  return { cpuMs: Math.min(...took.map(({ cpu }) => cpu)), ms: median(took.map(({ ms }) => ms)) }
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

/** A hundred starts at once and one more, then a thousand that run, where starting and running cost nothing. */
async function many(
  rounds: number,
): Promise<Pick<WorkspaceCosts, 'stillCpuMs' | 'accepted' | 'refused' | 'looked' | 'lookCpuMs'>> {
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
    const { cpuMs: stillCpuMs } = await startsOf(world, { profile: 'app', times: rounds * 4 })
    const asked = await start(101)
    const accepted = asked.filter(({ status }) => status === 'fulfilled').length
    const refused = asked.filter(
      (one) =>
        one.status === 'rejected' &&
        isFault(one.reason) &&
        one.reason.status === 429 &&
        one.reason.retryAfterSeconds !== undefined,
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
    return { stillCpuMs, accepted, refused, looked, lookCpuMs: Math.min(...looks) }
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

/** A server of its own, on a database where so many run. */
async function knownStart(known: number): Promise<Pick<WorkspaceCosts, 'startMs' | 'emptyStartMs' | 'known'>> {
  const site = await makeSite(({ port }) => ({
    plugins: {
      once: { use: join(import.meta.dirname, 'at-once') },
      still: { use: join(import.meta.dirname, 'runner-still.ts'), config: { port } },
    },
    workspaces: {
      origin: `http://*.localhost:${port}`,
      profiles: { app: { runner: 'still', command: ['x'], port: 1 } },
    },
  }))
  try {
    const start = async () => {
      await quiet({ tries: 8 })
      const server = await site.start()
      await server.stop()
      return server.startMs
    }
    // Makes database and keys.
    await start()
    const empty = [await start(), await start(), await start()]
    fillWith(join(site.folder, 'labgate.db'), known)
    const took = [await start(), await start(), await start()]
    return { startMs: median(took), emptyStartMs: median(empty), known }
  } finally {
    await site.remove()
  }
}

function fillWith(file: string, count: number): void {
  const database = new Database(file)
  // Nobody asks here whose they are.
  database.pragma('foreign_keys = off')
  database
    .prepare(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < @count)
       insert into workspace (id, account_id, profile, runner, size, memory_bytes, limits, state, runner_state,
         runner_state_version, created_at, started_at, ready_at, last_activity_at, lease_ends_at, lease_limit_at)
       select 'w' || printf('%015d', i), 'nobody', 'app', 'still', 'standard', 0, '{}', 'ready', '{"instance":"x"}',
         1, @now, @now, @now, @now, @end, @end from n`,
    )
    .run({ count, now: Date.now(), end: Date.now() + 86_400_000 })
  database.close()
}

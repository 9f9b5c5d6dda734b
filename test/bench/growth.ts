/** The same Labgate with little and with much behind it, by turns: start, memory, tokens, sign-ins, clients, plugins, cleaning up. @module */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDriver, type Pairing } from './drive.ts'
import { leastGrown, mostCleanupMs, mostGrownStart } from './floors.ts'
import { clientId, clientSecret, makeLargeSite, nothing, type Sizes, storageOf, tokenValue } from './large-site.ts'
import { hasProc, median, memoryOf, quantile, quiet } from './measure.ts'
import type { Verdict } from './report.ts'
import { clients, type Scenario, scenarios } from './scenarios.ts'
import type { Server, Site } from './servers.ts'

/** Small against large; ratios below one: the large one is slower. */
export interface GrowthRow {
  readonly what: string
  readonly sizes: Partial<Sizes>
  readonly ratio: number
  readonly ratioCpu: number
  readonly smallUs: number
  readonly largeUs: number
}

/** Starts of a small and of a large one, medians. */
export interface GrowthStart {
  readonly what: string
  readonly smallMs: number
  readonly largeMs: number
  readonly smallMB: number
  readonly largeMB: number
}

/** What was found. */
export interface Growth {
  readonly rows: readonly GrowthRow[]
  readonly starts: readonly GrowthStart[]
  readonly cleanup: {
    readonly rows: number
    readonly perSecond: number
    readonly p99Ms: number
    readonly worstMs: number
  }
}

/** What must hold of it. */
export function judgeGrowth({ rows, starts, cleanup }: Growth): Verdict[] {
  const share = (value: number) => value.toFixed(2)
  return [
    ...rows.map(({ what, ratio, ratioCpu }) => {
      const least = what.startsWith('introspect') ? leastGrown.tokens : leastGrown.rest
      const claim = `${what}: with much behind it at least ${least} as fast: CPU ${share(ratioCpu)}, rate ${share(ratio)}`
      return { claim, holds: ratioCpu >= least }
    }),
    ...starts.map(({ what, smallMs, largeMs }) => ({
      claim: `start with many ${what}: at most ${mostGrownStart} times as long: ${share(largeMs / smallMs)}`,
      holds: largeMs / smallMs <= mostGrownStart,
    })),
    {
      claim: `a step of cleaning up holds the writer at most ${mostCleanupMs.p99} ms (p99), never more than ${mostCleanupMs.ever}: ${share(cleanup.p99Ms)}, ${share(cleanup.worstMs)}`,
      holds: cleanup.p99Ms <= mostCleanupMs.p99 && cleanup.worstMs <= mostCleanupMs.ever,
    },
  ]
}

interface Kind {
  readonly what: string
  readonly small: Sizes
  readonly large: Sizes
  readonly scenarios: Readonly<Record<string, (sizes: Sizes) => Scenario>>
}

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

/** A resource server asks about any of all tokens. */
const introspectAny =
  ({ tokens }: Sizes): Scenario =>
  async ({ line }) => {
    const form = new URLSearchParams({ token: tokenValue(Math.floor(Math.random() * tokens)) })
    const { id, secret } = clients.first
    const { status, text } = await line.ask('/oidc/introspection', { method: 'POST', headers: basic(id, secret), form })
    if (status !== 200 || !text.includes('"active":true')) throw new Error(`introspection: ${status} ${text}`)
  }

/** Any of all clients of the database gets a token for itself. */
const clientCredentials =
  ({ clients: count }: Sizes): Scenario =>
  async ({ line }) => {
    const headers = basic(clientId(Math.floor(Math.random() * count)), clientSecret)
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    const { status, text } = await line.ask('/oidc/token', { method: 'POST', headers, form })
    if (status !== 200 || !text.includes('"access_token"')) throw new Error(`client_credentials: ${status} ${text}`)
  }

const signIn = (): Scenario => scenarios.code

/** The kinds of growth; `tokens` says how large the largest database is. */
function kinds(tokens: number): Kind[] {
  return [
    {
      what: 'people and tokens',
      small: { ...nothing, people: Math.min(1000, tokens / 10), tokens: Math.min(10_000, tokens) },
      large: { ...nothing, people: tokens / 10, tokens },
      scenarios: { introspect: introspectAny, code: signIn },
    },
    {
      what: 'clients',
      small: { ...nothing, clients: 10 },
      large: { ...nothing, clients: Math.min(100_000, tokens) },
      scenarios: { 'client-credentials': clientCredentials },
    },
    {
      what: 'plugins',
      small: { ...nothing, clients: 10 },
      large: { ...nothing, clients: 10, plugins: 50 },
      scenarios: { 'client-credentials': clientCredentials },
    },
  ]
}

/** Measures all; `tokens` living ones in the largest database (10,000,000 in the long form). */
export async function growth(
  { tokens, pairing, only, keep }: { tokens: number; pairing: Pairing; only?: string; keep?: string | undefined },
  heard: (row: GrowthRow) => void = () => undefined,
): Promise<Growth> {
  const rows: GrowthRow[] = []
  const starts: GrowthStart[] = []
  for (const kind of kinds(tokens).filter(({ what }) => only === undefined || what === only)) {
    const [small, large] = [await makeLargeSite(kind.small), await makeLargeSite(kind.large, keep)]
    try {
      starts.push(await startsOf(kind, { small, large, pairing }))
      for (const row of await rowsOf(kind, { small, large, pairing })) {
        heard(row)
        rows.push(row)
      }
    } finally {
      await small.remove()
      await large.remove()
    }
  }
  return { rows, starts, cleanup: await cleaningUp(Math.min(200_000, tokens)) }
}

interface Two {
  readonly small: Site
  readonly large: Site
}

async function startsOf({ what }: Kind, { small, large, pairing }: Two & { pairing: Pairing }): Promise<GrowthStart> {
  const took = { small: [] as number[], large: [] as number[] }
  const memory = { small: 0, large: 0 }
  for (let round = 0; round < pairing.rounds; round++)
    for (const [name, site] of Object.entries({ small, large }) as ['small' | 'large', Site][]) {
      await quiet({ tries: pairing.seconds < 1 ? 1 : 8 })
      const server = await site.start()
      took[name].push(server.startMs)
      await sleep(300)
      memory[name] = hasProc ? memoryOf(server.pid).rssMB : 0
      await server.stop()
    }
  return {
    what,
    ...{ smallMs: median(took.small), largeMs: median(took.large) },
    ...{ smallMB: memory.small, largeMB: memory.large },
  }
}

async function rowsOf(kind: Kind, { small, large, pairing }: Two & { pairing: Pairing }): Promise<GrowthRow[]> {
  const servers = { small: await small.start(), large: await large.start() }
  try {
    const rows: GrowthRow[] = []
    for (const [name, scenarioOf] of Object.entries(kind.scenarios)) {
      const found = await alternate(servers, { pairing, scenarioOf: (size) => scenarioOf(kind[size]) })
      const of = (size: 'small' | 'large', part: 'perSecond' | 'cpuUs') =>
        median(found[size].map((round) => round[part]))
      rows.push({
        what: `${name}: ${kind.what}`,
        sizes: kind.large,
        ratio: of('large', 'perSecond') / of('small', 'perSecond'),
        ratioCpu: of('small', 'cpuUs') / of('large', 'cpuUs'),
        ...{ smallUs: of('small', 'cpuUs'), largeUs: of('large', 'cpuUs') },
      })
    }
    return rows
  } finally {
    await servers.small.stop()
    await servers.large.stop()
  }
}

async function alternate(
  servers: Readonly<Record<'small' | 'large', Server>>,
  { pairing, scenarioOf }: { pairing: Pairing; scenarioOf: (size: 'small' | 'large') => Scenario },
) {
  const sizes = ['small', 'large'] as const
  const drivers = {
    small: createDriver(servers.small, scenarioOf('small'), pairing.width),
    large: createDriver(servers.large, scenarioOf('large'), pairing.width),
  }
  const rounds = { small: [] as Round[], large: [] as Round[] }
  for (const size of sizes) await drivers[size].load(pairing.warmSeconds)
  for (let round = 0; round < pairing.rounds; round++)
    for (const size of round % 2 === 0 ? sizes : sizes.toReversed()) {
      // A round that is too short to say anything waits for nobody.
      await quiet({ tries: pairing.seconds < 1 ? 1 : 20 })
      rounds[size].push(await drivers[size].load(pairing.seconds))
    }
  for (const size of sizes) await drivers[size].close()
  return rounds
}

type Round = Awaited<ReturnType<ReturnType<typeof createDriver>['load']>>

/** Everything expired goes, in steps; how long each holds the writer. */
async function cleaningUp(expired: number): Promise<Growth['cleanup']> {
  const site = await makeLargeSite({ ...nothing, people: 1000, tokens: 10_000, expired })
  const storage = await storageOf(site)
  try {
    const took: number[] = []
    const began = performance.now()
    for (;;) {
      const start = performance.now()
      if ((await storage.cleaner.step()) === 0) break
      took.push(performance.now() - start)
    }
    const seconds = (performance.now() - began) / 1000
    return { rows: expired, perSecond: expired / seconds, p99Ms: quantile(took, 0.99), worstMs: Math.max(...took) }
  } finally {
    await storage.close()
    await site.remove()
  }
}

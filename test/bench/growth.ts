/** The same Labgate with little and with much behind it, by turns: start, memory, tokens, sign-ins, clients, plugins, cleaning up. @module */
import { setTimeout as sleep } from 'node:timers/promises'
import { userCache } from './dialect-scenarios.ts'
import { makeDialectSite } from './dialect-site.ts'
import { createDriver, type Pairing, turns } from './drive.ts'
import { leastGrown, mostCleanupMs, mostGrownStart, mostLookupMs, mostPluginStartMs } from './floors.ts'
import { clientId, clientSecret, makeLargeSite, nothing, type Sizes, tokenValue } from './large-site.ts'
import { hasProc, median, memoryOf, quiet } from './measure.ts'
import type { Verdict } from './report.ts'
import { clients, type Scenario, scenarios } from './scenarios.ts'
import type { Server, Site } from './servers.ts'
import { type Cleanup, cleaningUp, type Lookup, lookupsIn } from './store-alone.ts'

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
  /** `undefined`: not asked. */
  readonly lookup?: Lookup | undefined
  /** Among as many tokens; `undefined`: not asked. */
  readonly cleanup?: Cleanup | undefined
}

/** What must hold of it. */
export function judgeGrowth({ rows, starts, lookup, cleanup }: Growth): Verdict[] {
  const share = (value: number) => value.toFixed(2)
  return [
    ...(lookup === undefined ? [] : [judgeLookup(lookup)]),
    ...rows.flatMap(({ what, ratio, ratioCpu }) => {
      const kind = kindOf(what)
      if (kind === undefined) return []
      const least = leastGrown[kind]
      const claim = `${what}: with much behind it at least ${least} as fast: CPU ${share(ratioCpu)}, rate ${share(ratio)}`
      return [{ claim, holds: ratioCpu >= least }]
    }),
    ...starts.map(judgeStart),
    ...(cleanup === undefined ? [] : [judgeCleanup(cleanup)]),
  ]
}

function judgeStart({ what, smallMs, largeMs }: GrowthStart): Verdict {
  if (what === 'plugins') {
    const eachMs = (largeMs - smallMs) / manyPlugins
    const claim = `start: a plugin makes it at most ${mostPluginStartMs} ms longer: ${eachMs.toFixed(1)}`
    return { claim, holds: eachMs <= mostPluginStartMs }
  }
  const times = largeMs / smallMs
  const claim = `start with many ${what}: at most ${mostGrownStart} times as long: ${times.toFixed(2)}`
  return { claim, holds: times <= mostGrownStart }
}

function judgeCleanup({ p99Ms, worstMs }: Cleanup): Verdict {
  const { p99, ever } = mostCleanupMs
  const took = `${p99Ms.toFixed(2)}, ${worstMs.toFixed(2)}`
  const claim = `a step of cleaning up holds the writer at most ${p99} ms (p99), never more than ${ever}: ${took}`
  return { claim, holds: p99Ms <= p99 && worstMs <= ever }
}

function judgeLookup({ tokens, p50Ms, p99Ms }: Lookup): Verdict {
  const took = `p99 ${p99Ms.toFixed(3)} ms, p50 ${p50Ms.toFixed(3)}`
  const claim = `the store finds any of ${tokens.toLocaleString('en')} tokens in at most ${mostLookupMs} ms (${took})`
  return { claim, holds: p99Ms <= mostLookupMs }
}

/** `undefined`: it is told and nothing more. */
function kindOf(what: string): keyof typeof leastGrown | undefined {
  if (what.startsWith(anyClient)) return undefined
  if (/^(?:introspect|user-cache)/.test(what)) return 'reads'
  return what.startsWith('insert') ? 'writes' : 'rest'
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

/** Any of so many clients of the database gets a token for itself. */
const clientCredentials =
  (count: number): Scenario =>
  async ({ line }) => {
    const headers = basic(clientId(Math.floor(Math.random() * count)), clientSecret)
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    const { status, text } = await line.ask('/oidc/token', { method: 'POST', headers, form })
    if (status !== 200 || !text.includes('"access_token"')) throw new Error(`client_credentials: ${status} ${text}`)
  }

const manyPlugins = 50
/** Clients that ask while there are so many others. */
const askingClients = 10
/** Where all of them ask: more than anybody remembers. */
const anyClient = 'any client'
const fewClients = () => clientCredentials(askingClients)
const signIn = (): Scenario => scenarios.code

/** The kinds of growth; `tokens` says how large the largest database is. */
function kinds(tokens: number): Kind[] {
  return [
    {
      what: 'people and tokens',
      small: { ...nothing, people: Math.min(1000, tokens / 10), tokens: Math.min(10_000, tokens) },
      large: { ...nothing, people: tokens / 10, tokens },
      // The grant for a client's own token is one durable insert.
      scenarios: { introspect: introspectAny, code: signIn, insert: () => scenarios.cc },
    },
    {
      what: 'clients',
      small: { ...nothing, clients: askingClients },
      large: { ...nothing, clients: Math.min(100_000, tokens) },
      scenarios: { 'client-credentials': fewClients, [anyClient]: ({ clients }) => clientCredentials(clients) },
    },
    {
      what: 'plugins',
      small: { ...nothing, clients: askingClients },
      large: { ...nothing, clients: askingClients, plugins: manyPlugins },
      scenarios: { 'client-credentials': fewClients },
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
  let lookup: Growth['lookup']
  let cleanup: Growth['cleanup']
  const hear = (row: GrowthRow) => {
    heard(row)
    rows.push(row)
  }
  for (const kind of kinds(tokens).filter(({ what }) => only === undefined || what === only)) {
    const [small, large] = [await makeLargeSite(kind.small), await makeLargeSite(kind.large, keep)]
    try {
      starts.push(await startsOf(kind, { small, large, pairing }))
      for (const row of await rowsOf(kind, { small, large, pairing })) hear(row)
      if (kind.large.tokens > 0) {
        lookup = await lookupsIn(large, kind.large.tokens)
        cleanup = await cleaningUp(large, { people: kind.large.people, expired: Math.min(200_000, tokens) })
      }
    } finally {
      await small.remove()
      await large.remove()
    }
  }
  if (only === undefined || only === holders) hear(await holdersRow(tokens, pairing))
  return { rows, starts, lookup, cleanup }
}

const holders = 'holders of grants'
/** Of fewer people some would still be remembered when their turn comes again. */
const leastCold = 25_000

/** Who holds a token, asked about people who were not asked about since long: of few, and of a tenth as many as there are tokens. */
async function holdersRow(tokens: number, pairing: Pairing): Promise<GrowthRow> {
  const least = Math.min(leastCold, tokens)
  const sizes = { small: least, large: Math.max(least, tokens / 10) }
  const undo: (() => Promise<void>)[] = []
  const start = async (people: number) => {
    const site = await makeDialectSite({ people, tokens: people })
    undo.unshift(() => site.remove())
    const server = await site.start()
    undo.unshift(() => server.stop())
    return { site, server }
  }
  try {
    const [small, large] = [await start(sizes.small), await start(sizes.large)]
    const servers = { small: small.server, large: large.server }
    const sites = { small: small.site, large: large.site }
    const found = await alternate(servers, { pairing, scenarioOf: (size) => userCache(sites[size], 'cold') })
    return rowOf({ what: `user-cache: ${holders}`, sizes: { people: sizes.large }, found })
  } finally {
    for (const one of undo) await one()
  }
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
      rows.push(rowOf({ what: `${name}: ${kind.what}`, sizes: kind.large, found }))
    }
    return rows
  } finally {
    await servers.small.stop()
    await servers.large.stop()
  }
}

function rowOf({ what, sizes, found }: Pick<GrowthRow, 'what' | 'sizes'> & { found: Found }): GrowthRow {
  const of = (size: keyof Found, part: 'perSecond' | 'cpuUs') => median(found[size].map((round) => round[part]))
  const [smallUs, largeUs] = [of('small', 'cpuUs'), of('large', 'cpuUs')]
  return {
    ...{ what, sizes, smallUs, largeUs },
    ratio: of('large', 'perSecond') / of('small', 'perSecond'),
    ratioCpu: smallUs / largeUs,
  }
}

async function alternate(
  servers: Readonly<Record<'small' | 'large', Server>>,
  { pairing, scenarioOf }: { pairing: Pairing; scenarioOf: (size: 'small' | 'large') => Scenario },
) {
  const driverOf = (size: 'small' | 'large') => createDriver(servers[size], scenarioOf(size), pairing.width)
  const rounds = await turns(new Map((['small', 'large'] as const).map((size) => [size, driverOf(size)])), pairing)
  return { small: rounds.get('small') ?? [], large: rounds.get('large') ?? [] }
}

type Found = Awaited<ReturnType<typeof alternate>>

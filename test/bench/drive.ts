/** Closed-loop load: so many operations at once, each begins when the one before it is over. @module */
import { Line, TurnLine } from './browser.ts'
import { costOf, median, quantile, quiet } from './measure.ts'
import { people, type Scenario, type ScenarioName, type Slot, scenarios } from './scenarios.ts'
import type { Server } from './servers.ts'

/** One round at one server. */
export interface Round {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Microseconds of the server's CPU for one operation. */
  readonly cpuUs: number
  /** Cores used by others meanwhile. */
  readonly foreign: number
  readonly requests: number
}

/** A driver at one server for one scenario: its connections, jars and tokens outlive a round. */
export interface Driver {
  readonly server: Server
  load(seconds: number): Promise<Round>
  /** Exactly so many operations, one after another. */
  exactly(count: number): Promise<void>
  close(): Promise<void>
}

/** Makes a driver with `width` operations at once. */
export function createDriver(server: Server, scenario: ScenarioName | Scenario, width: number): Driver {
  const { beside } = server
  const pids = beside ? [server.pid, beside.pid] : server.pid
  const slots: Slot[] = linesTo(server, width).map((line, number) => ({ line, number, turn: 0 }))
  const lines = new Set(slots.map(({ line }) => line))
  const requests = () => [...lines].reduce((sum, line) => sum + line.requests, 0)
  const one = typeof scenario === 'string' ? scenarios[scenario] : scenario
  const run = async (seconds: number) => {
    const took: number[] = []
    const end = performance.now() + seconds * 1000
    const loop = async (slot: Slot) => {
      do {
        const start = performance.now()
        await one(slot)
        took.push(performance.now() - start)
      } while (performance.now() < end)
    }
    await Promise.all(slots.map(loop))
    return took
  }
  return {
    server,
    async load(seconds) {
      const before = requests()
      const cost = await costOf(pids, () => run(seconds))
      const count = cost.value.length
      return {
        perSecond: count / cost.seconds,
        p50: median(cost.value),
        p99: quantile(cost.value, 0.99),
        cpuUs: (cost.cpu * 1e6) / count,
        foreign: cost.foreign,
        requests: (requests() - before) / count,
      }
    },
    async exactly(count) {
      const [slot] = slots
      for (let done = 0; slot && done < count; done++) await one(slot)
    },
    async close() {
      for (const line of lines) line.close()
    },
  }
}

/** One for each operation at once. */
function linesTo({ origin, beside }: Server, width: number): Line[] {
  if (beside === undefined) return new Array<Line>(width).fill(new Line(origin, width))
  // As many at once for each process: what is done for several together is not to be shared by fewer because there are more processes.
  return Array.from({ length: width * 2 }, (_, number) => new TurnLine(origin, beside.origin, number))
}

/** Everybody signs in once, so that what is measured are people who are known. */
export async function fill(server: Server): Promise<void> {
  const driver = createDriver(server, 'code', 1)
  await driver.exactly(people)
  await driver.close()
}

export interface Pairing {
  readonly rounds: number
  readonly seconds: number
  readonly warmSeconds: number
  readonly width: number
}

/** Measures all servers by turns. */
export async function byTurns(
  servers: readonly Server[],
  scenario: ScenarioName | ((server: Server) => Scenario),
  pairing: Pairing,
): Promise<Map<Server['name'], Round[]>> {
  const driverOf = (server: Server) =>
    createDriver(server, typeof scenario === 'string' ? scenario : scenario(server), pairing.width)
  return turns(new Map(servers.map((server) => [server.name, driverOf(server)])), pairing)
}

/** Measures by turns, the order rotated each round; a round that others disturbed is done once more. Closes the drivers. */
export async function turns<K>(
  drivers: ReadonlyMap<K, Pick<Driver, 'load' | 'close'>>,
  { rounds, seconds, warmSeconds }: Omit<Pairing, 'width'>,
): Promise<Map<K, Round[]>> {
  const lines = [...drivers].map(([key, driver]) => ({ key, driver, found: [] as Round[] }))
  for (let round = 0; round < rounds; round++) {
    const at = round % lines.length
    for (const { driver, found } of [...lines.slice(at), ...lines.slice(0, at)]) {
      // Each time: while others were measured V8 looked through its idle heap, and threw optimized code away with what it found
      // unused, which is back after some hundred operations.
      await driver.load(warmSeconds)
      // A round that is too short to say anything waits for nobody.
      await quiet({ tries: seconds < 1 ? 1 : 20 })
      const first = await driver.load(seconds)
      const better = first.foreign > 0.25 ? await driver.load(seconds) : first
      found.push(better.foreign < first.foreign ? better : first)
    }
  }
  for (const { driver } of lines) await driver.close()
  return new Map(lines.map(({ key, found }) => [key, found]))
}

/** Several drivers at once, as one: what they found in the middle, but for the rates, which add up. */
export function together(drivers: readonly Driver[]): Pick<Driver, 'load' | 'close'> {
  return {
    async load(seconds) {
      const all = await Promise.all(drivers.map((driver) => driver.load(seconds)))
      const of = (part: keyof Round) => median(all.map((one) => one[part]))
      const perSecond = all.reduce((sum, one) => sum + one.perSecond, 0)
      return {
        ...{ perSecond, p50: of('p50'), p99: of('p99'), cpuUs: of('cpuUs') },
        ...{ foreign: of('foreign'), requests: of('requests') },
      }
    },
    async close() {
      for (const driver of drivers) await driver.close()
    },
  }
}

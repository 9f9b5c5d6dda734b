/** A runner on a context in memory, and what the cases start with it. @module */
import { randomBytes } from 'node:crypto'
import { type ClientRequestArgs, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AppProfile,
  ConfigOf,
  ConfigSchema,
  Endpoint,
  Inspection,
  Json,
  Launch,
  LaunchRequest,
  Runner,
  RunnerPlugin,
} from '@labgate/contract'
import { type TestContext, testContext } from './bench.ts'

/** What the author of a runner says of it, so that the cases can drive it. */
export interface RunnerSuite<S extends ConfigSchema = ConfigSchema> {
  readonly plugin: RunnerPlugin<S>
  /** As in the config file; a secret may be a text. */
  readonly config: unknown
  /**
   * An app that runs `script` with a POSIX shell and then serves the file `$PAGE` at `/` until it is ended; the script
   * sees the person's only mount `home` as `$STORE`. Its placeholders are the runner's to fill.
   */
  app(script: string): AppProfile
  /** What there is of an instance, looked at without the runner: processes, containers, files. */
  remains(instance: string): Promise<readonly string[]>
  /** What others may read there of an instance that runs: arguments, environment, descriptions. */
  exposed(instance: string): Promise<string>
  /** Takes an instance away behind the runner's back. */
  vanish(instance: string): Promise<void>
  /** Makes the place unreachable; what it returns makes it well. */
  down(): Promise<() => Promise<void>>
  /** Makes launches hang in a phase; what it returns ends that. */
  readonly phases?: readonly { readonly name: string; arrange(): Promise<() => Promise<void> | void> }[]
  /** A kept state of each older version; needed as soon as `state.version` is not 1. */
  readonly oldStates?: readonly { readonly from: number; readonly state: Json }[]
  /** Exceeds a limit that is said to be enforced, and fails when nothing stops it; memory, CPU and pids have their own. */
  readonly exceeds?: Readonly<Partial<Record<'storage' | 'gpu' | 'network', (lab: RunnerLab) => Promise<void>>>>
  /** How long a launch may take until its page is there, in seconds. Default 15. */
  readonly patience?: number
}

/** A runner, and everything a case has started with it. */
export interface RunnerLab {
  readonly suite: RunnerSuite
  readonly bench: TestContext<ConfigOf<ConfigSchema>>
  readonly runner: Runner<Json>
  readonly installation: string
  /** The runner of another process with the same installation: nothing is remembered. */
  again(): Runner<Json>
  /** Starts an app and waits for nothing. */
  start(what?: Start): Promise<Started>
}

/** What is started. */
export interface Start {
  readonly script?: string
  readonly request?: Partial<LaunchRequest>
  readonly launch?: Partial<Launch<Json>>
  readonly runner?: Runner<Json>
}

/** What was started. */
export interface Started {
  readonly instance: string
  readonly state: Json
  /** What the app serves, as soon as it serves something. */
  page(): Promise<string>
  /** Waits until its page fits. @throws Error with the last page */
  pageLike(pattern: RegExp): Promise<string>
  inspect(): Promise<Inspection>
}

const quiet = new AbortController().signal

/** Runs a case's work, and takes away all it has started. */
export async function inLab(suite: RunnerSuite, work: (lab: RunnerLab) => Promise<void>): Promise<void> {
  const installation = randomBytes(10).toString('hex')
  const kept: { runner: Runner<Json>; state: Json }[] = []
  const lab = labOf(suite, { installation, kept })
  try {
    await work(lab)
  } finally {
    // A runner that cannot do it has its own case; the first failure is the one to be told.
    const failed = () => undefined
    for (const { runner, state } of kept) {
      await runner.terminate(state, { graceSeconds: 0 }).catch(failed)
      await runner.remove(state, { volumes: true }).catch(failed)
    }
    await lab.runner.stop?.()
  }
}

interface Ground {
  readonly installation: string
  readonly kept: { runner: Runner<Json>; state: Json }[]
}

function labOf(suite: RunnerSuite, { installation, kept }: Ground): RunnerLab {
  const { plugin, config } = suite
  const bench = testContext({ plugin, config })
  const create = (): Runner<Json> => {
    const made = plugin.create({ ...bench.context, installation })
    // What it says it has made counts even if the case never sees it.
    return {
      ...made,
      async launch(plan, launch) {
        const save = async (state: Json) => {
          kept.push({ runner: made, state })
          await launch.save(state)
        }
        return made.launch(plan, { ...launch, save })
      },
    }
  }
  const runner = create()
  return {
    ...{ suite, bench, runner, installation, again: create },
    async start({ script = 'echo here > $PAGE', request = {}, launch = {}, runner: other } = {}) {
      const by = other ?? runner
      const full = requestOf(request)
      const state = await by.launch(by.plan(full, suite.app(script)), launchOf(launch))
      kept.push({ runner: by, state })
      return startedOf(suite, { runner: by, state, instance: full.instance })
    },
  }
}

/** A request of its own, unless said otherwise. */
export function requestOf(changes: Partial<LaunchRequest> = {}): LaunchRequest {
  const id = randomBytes(6).toString('hex')
  const none = { memoryBytes: undefined, cpus: undefined, storageBytes: undefined, pids: undefined, gpus: undefined }
  return {
    ...{ instance: `i${id}`, account: `account-${id}`, storage: `s${id}`, basePath: `/w/${id}/` },
    ...{ limits: none, avoidHosts: [], ...changes },
  }
}

/** A launch that nobody breaks off. */
export function launchOf(changes: Partial<Launch<Json>> = {}): Launch<Json> {
  return { signal: quiet, secrets: {}, save: async () => undefined, progress: () => undefined, ...changes }
}

function startedOf(
  suite: RunnerSuite,
  { runner, state, instance }: { runner: Runner<Json>; state: Json; instance: string },
): Started {
  const pageLike = (pattern: RegExp) => pageOf({ suite, runner, state }, pattern)
  return {
    ...{ instance, state, pageLike, page: () => pageLike(/\S/) },
    inspect: () => runner.inspect(state, quiet),
  }
}

/** What the app of a state serves, as soon as it fits. @throws Error with the last page */
export async function pageOf(
  { suite, runner, state }: { readonly suite: RunnerSuite; readonly runner: Runner<Json>; readonly state: Json },
  pattern = /\S/,
): Promise<string> {
  let last = 'nothing'
  const look = async () => {
    try {
      last = await pageAt(await runner.endpoint(state))
    } catch (error) {
      last = String(error)
      return undefined
    }
    return pattern.test(last) ? last : undefined
  }
  return until(look, { seconds: suite.patience ?? 15, what: () => `a page like ${pattern}; the last one: ${last}` })
}

/** Waits until the app of a state is so. */
export async function untilState(
  runner: Runner<Json>,
  { state, wanted }: { readonly state: Json; readonly wanted: Inspection['state'] },
): Promise<Inspection> {
  let last = ''
  const look = async () => {
    const found = await runner.inspect(state, AbortSignal.timeout(10_000))
    last = JSON.stringify(found)
    return found.state === wanted ? found : undefined
  }
  return until(look, { seconds: 40, what: () => `${wanted}; it is ${last}` })
}

/** Asks again and again until there is an answer. @throws Error that says what was waited for */
export async function until<T>(
  look: () => Promise<T | undefined>,
  { seconds, what }: { readonly seconds: number; what(): string },
): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what()}`)
    await sleep(25)
  }
}

async function pageAt(endpoint: Endpoint): Promise<string> {
  const opened: Duplex = await connected(endpoint)
  // The stream is connected already; nothing else of a socket is asked for.
  const createConnection = (() => opened) as unknown as NonNullable<ClientRequestArgs['createConnection']>
  return new Promise((resolve, reject) => {
    const ask = httpRequest({ path: '/', headers: { host: 'localhost', connection: 'close' }, createConnection })
    ask.setTimeout(3000, () => ask.destroy(new Error('no answer')))
    ask.once('error', reject).once('response', async (answer) => {
      let body = ''
      try {
        for await (const part of answer) body += part
        if (answer.statusCode === 200) resolve(body)
        else reject(new Error(`status ${answer.statusCode}: ${body}`))
      } catch (error) {
        reject(error)
      } finally {
        opened.destroy()
      }
    })
    ask.end()
  })
}

async function connected(endpoint: Endpoint): Promise<Duplex> {
  if (endpoint.kind === 'tunnel') return (await endpoint.open()) as Duplex
  const socket =
    endpoint.kind === 'unix' ? connect(endpoint.path) : connect({ host: endpoint.host, port: endpoint.port })
  return new Promise((resolve, reject) => {
    socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject)))
  })
}

/** All that comes. */
export async function allOf<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}

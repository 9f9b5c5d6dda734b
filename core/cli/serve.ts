/** `labgate serve`: starts a Labgate, says where it is, and stops it in order when it is told to. @module */
import { placeOf } from '../config/database.ts'
import type { LoadedConfig } from '../config/load.ts'
import { settle } from '../observe/settle.ts'
import { boundYoungSpace } from '../observe/young-space.ts'
import type { Labgate } from '../server.ts'
import { type Args, type Command, configFile, configOption, type Io } from './command.ts'
import { paintFor } from './paint.ts'
import { type HangUps, hangUpSignals, stopSignals } from './stop-signals.ts'

/** Serves until SIGTERM or SIGINT. Standard output is the log; what is for a person goes to standard error. */
export const command: Command = {
  name: 'serve',
  summary: 'Start Labgate; SIGTERM or Ctrl-C stops it, SIGHUP reloads its config.',
  usage: [
    'serve [--config FILE]',
    'The log goes to standard output (or `log.file`), what is said to you to standard error.',
    'SIGTERM and SIGINT: no new requests, those under way have 10 seconds; a second one ends at once.',
    'SIGHUP, where no terminal is attached: reads the config file again, as `labgate reload` does.',
    'Exits with 0 after a stop, 1 when it cannot start.',
  ].join('\n'),
  options: { config: configOption },
  run,
}

async function run(args: Args, io: Io): Promise<number> {
  const look = boundYoungSpace(nodeOptions(io))
  const stop = stopSignals()
  const hangUps = hangUpSignals(io)
  const progress = tellProgress(io)
  try {
    const labgate = await build(configFile(args, io), { io, progress, look })
    try {
      await serve(labgate, { io, progress, path: configFile(args, io), hangUps, signal: stop.signal })
    } finally {
      await labgate.stop()
    }
    return 0
  } finally {
    progress.done()
    stop.release()
    hangUps.release()
  }
}

function nodeOptions({ env }: Io): string[] {
  return [...process.execArgv, env.NODE_OPTIONS ?? '']
}

interface Needs {
  readonly io: Io
  readonly progress: Progress
}

async function build(path: string, { io, progress, look }: Needs & { look(): void }): Promise<Labgate> {
  const { readConfig } = await import('../config/load.ts')
  const loaded = await readConfig(path, io)
  progress.waitsFor(() => `the database ${placeOf(loaded.config)} and the plugins to load`)
  look()
  const { createLabgate } = await import('../server.ts')
  look()
  const labgate = await createLabgate(loaded, { isTty: io.isTty })
  try {
    await judge(loaded, labgate, io)
    return labgate
  } catch (error) {
    await labgate.stop()
    throw error
  }
}

/** What `labgate check` calls an error is one here too; warnings are printed. */
async function judge(loaded: LoadedConfig, { registry }: Labgate, io: Io): Promise<void> {
  const { findProblems } = await import('../judge.ts')
  const { configFault, problemText } = await import('../config/problems.ts')
  const { errors, warnings } = findProblems(loaded, registry)
  for (const warning of warnings) io.stderr.write(`${paintFor(io)('yellow', 'warning')} ${problemText(warning)}\n`)
  if (errors.length > 0) throw configFault(errors)
}

const settleAfterMs = 100

interface Serving extends Needs {
  readonly path: string
  readonly hangUps: HangUps
  readonly signal: AbortSignal
}

async function serve(labgate: Labgate, { io, progress, path, hangUps, signal }: Serving): Promise<void> {
  progress.waitsFor(() => `${labgate.registry.starting() ?? 'its listeners'} to start`)
  const started = await labgate.start(signal).catch((error: unknown) => {
    // Told to stop, it breaks off; that is no failure.
    if (signal.aborted) return undefined
    throw error
  })
  progress.done()
  if (started === undefined) return
  const { listenForReloads } = await import('./reload-ways.ts')
  const ways = await listenForReloads(labgate, { io, path, hangUps })
  for (const line of readyLines(labgate, started)) io.stderr.write(`${line}\n`)
  // Whoever waited for the start is answered first.
  const settling = setTimeout(() => settle(nodeOptions(io)), settleAfterMs)
  await aborted(signal)
  clearTimeout(settling)
  ways.close()
  io.stderr.write('labgate: stopping; requests under way are finished (once more ends at once)\n')
}

type Started = Awaited<ReturnType<Labgate['start']>>

function readyLines({ issuer, rooms }: Labgate, { port, managementPort, firstAdminCode }: Started): string[] {
  const { listen, management } = rooms.get('config')
  const place = listen.socket ?? `${listen.host}:${port}`
  return [
    `labgate: ready at ${issuer} (listens on ${place})`,
    ...(managementPort === undefined ? [] : [`labgate: health and metrics on ${management.host}:${managementPort}`]),
    ...(firstAdminCode === undefined
      ? []
      : [`labgate: no admin yet: sign in, open ${issuer}/account/first-admin and enter ${firstAdminCode} (good once)`]),
  ]
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

interface Progress {
  waitsFor(what: () => string): void
  done(): void
}

const patienceMs = 3_000

/** Says every few seconds what a slow start waits for. */
function tellProgress(io: Io): Progress {
  let current = () => 'the config'
  const timer = setInterval(() => io.stderr.write(`labgate: still waiting for ${current()}\n`), patienceMs)
  return {
    waitsFor(what) {
      current = what
    },
    done: () => clearInterval(timer),
  }
}

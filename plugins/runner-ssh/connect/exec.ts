/** Commands on the host: an argument array goes in, exit code and bounded output come out. @module */
import type { Readable, Writable } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import { type Ground, type Limits, within } from './ground.ts'
import { commandLine } from './quote.ts'
import { oneLine, sshFault } from './trouble.ts'

/** How a command is started. */
export type SpawnOptions = Limits

/** How a command is run to its end. */
export interface ExecOptions extends Limits {
  /** Written to its standard input, which is then closed. */
  readonly stdin?: string | Uint8Array | undefined
  /** Largest output of each stream in bytes; default 1 MiB. More ends the command with `detail.trouble` `limit`. */
  readonly outputBytes?: number | undefined
}

/** How a command ended: `code` is absent when a signal ended it. */
export interface Exit {
  readonly code: number | undefined
  readonly signal: string | undefined
}

/** What became of a command. An exit code other than 0 is no error here. */
export interface ExecResult extends Exit {
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** A command that runs. */
export interface Running {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Rejects with `lost` when the connection ends first. Resolves once all output was read. */
  readonly exited: Promise<Exit>
  /** Closes the channel. A command that ignores the end of its streams goes on at the host. */
  close(): void
}

type Argv = { readonly argv: readonly string[] }
const megabyte = 1024 * 1024

/**
 * Starts a command.
 * @throws Fault ERR_INPUT (an argument with NUL), ERR_UPSTREAM, ERR_UPSTREAM_REFUSED
 */
export async function spawn(client: Client, ground: Ground, ask: Argv & SpawnOptions): Promise<Running> {
  const command = commandLine(ask.argv)
  let gone = false
  const opened = within<Running>(ground, ask, (resolve, reject) =>
    client.exec(command, (error, channel) => {
      if (error)
        return reject(
          sshFault(ground.at, 'refused', { message: `it ran no command (${oneLine(error.message)})`, cause: error }),
        )
      // Nobody waits for it any more.
      if (gone) channel.close()
      resolve(runningOf(channel, ground))
    }),
  )
  return opened.catch((error: unknown) => {
    gone = true
    throw error
  })
}

// At once, in the turn that brought the channel: the end of a short command comes in the same packet.
function runningOf(channel: ClientChannel, ground: Ground): Running {
  // Errors of the streams end in `exited`.
  for (const stream of [channel, channel.stderr]) stream.on('error', toldElsewhere)
  const exited = exitOf(channel, ground)
  exited.catch(toldElsewhere) // who does not ask for the end is not told of it
  return { stdin: channel, stdout: channel, stderr: channel.stderr, exited, close: () => channel.close() }
}

/**
 * Runs a command to its end.
 * @throws Fault as {@link spawn}, and of `timeout`, `limit`
 */
export async function execute(client: Client, ground: Ground, ask: Argv & ExecOptions): Promise<ExecResult> {
  const most = ask.outputBytes ?? megabyte
  const running = await spawn(client, ground, ask)
  const started = within<ExecResult>(ground, ask, (resolve, reject) => {
    const over = (): void =>
      reject(
        sshFault(ground.at, 'limit', { message: `the command printed more than ${most} bytes; it was broken off` }),
      )
    const stdout = gather(running.stdout, most, over)
    const stderr = gather(running.stderr, most, over)
    running.exited.then((exit) => resolve({ ...exit, stdout: stdout(), stderr: stderr() }), reject)
    running.stdin.end(ask.stdin ?? '')
  })
  return started.catch((error: unknown) => {
    running.close()
    throw error
  })
}

function gather(stream: Readable, most: number, over: () => void): () => Buffer {
  const parts: Buffer[] = []
  let size = 0
  stream.on('data', (part: Buffer) => {
    size += part.length
    if (size > most) over()
    else parts.push(part)
  })
  return () => Buffer.concat(parts)
}

function exitOf(channel: ClientChannel, { at, over }: Ground): Promise<Exit> {
  const { promise, resolve, reject } = Promise.withResolvers<Exit>()
  let exit: Exit | undefined
  channel.on('exit', (code: number | null, signal?: string) => {
    exit = { code: code ?? undefined, signal: signal ?? undefined }
  })
  // A channel whose output nobody reads does not close by itself.
  const lost = (): void => reject(over.reason)
  over.addEventListener('abort', lost, { once: true })
  channel.on('close', () => {
    over.removeEventListener('abort', lost)
    if (exit) resolve(exit)
    else reject(over.reason ?? sshFault(at, 'lost', { message: 'the command ended without an exit code' }))
  })
  return promise
}

function toldElsewhere(): void {
  // whoever waits hears of it by `exited`
}

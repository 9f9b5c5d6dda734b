/**
 * The way in which commands ask the process that serves: a socket in its data folder that only its own user may open. So
 * there is no password to keep, nothing on the network, and no process number that could be another's by now.
 * @module
 */
import { existsSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { Fault, type Log } from '@labgate/contract'
import type { ReloadAnswer } from '../reload.ts'

/** What can be asked. */
export type Ask = 'reload'

/** Longest path that a socket may have (sockaddr_un). */
const longestPath = 100
const longestAsk = 100
const longestAnswer = 1_000_000

/** Where the socket of a data folder is. */
function controlPath(data: string): string {
  return join(data, 'control.sock')
}

/** Opens the way in; without one (the path is too long, another process has it) SIGHUP still works, and the log says so. */
export async function openControl(
  needs: { readonly data: string; readonly log: Log },
  answer: (ask: Ask) => Promise<ReloadAnswer>,
): Promise<{ close(): void }> {
  const path = controlPath(needs.data)
  const why = await obstacle(path)
  if (why !== undefined) {
    needs.log.warn({ path }, `\`labgate reload\` does not reach this process: ${why}; SIGHUP does`)
    return { close: () => undefined }
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket, answer))
  server.on('error', (err) =>
    needs.log.warn({ err, path }, '`labgate reload` does not reach this process; SIGHUP does'),
  )
  // The socket is made with these rights: nobody else can open it even for a moment.
  const umask = process.umask(0o177)
  server.listen(path)
  process.umask(umask)
  server.unref()
  return {
    close() {
      server.close()
      rmSync(path, { force: true })
    },
  }
}

async function obstacle(path: string): Promise<string | undefined> {
  if (process.platform === 'win32') return 'there are no sockets with rights here'
  if (Buffer.byteLength(path) > longestPath) return 'the path of its socket is too long'
  if (!existsSync(path)) return undefined
  if (await answers(path)) return 'another process serves from this data folder'
  // A process that was killed left it behind.
  rmSync(path, { force: true })
  return undefined
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
}

async function serve(socket: Socket, answer: (ask: Ask) => Promise<ReloadAnswer>): Promise<void> {
  socket.on('error', () => socket.destroy())
  const ask = await textOf(socket, longestAsk).catch(() => '')
  if (ask.trim() !== 'reload') return void socket.end('{}')
  socket.end(JSON.stringify(await answer('reload')))
}

async function textOf(socket: Socket, longest: number): Promise<string> {
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (text.length > longest) throw new Error('too long')
  }
  return text
}

/**
 * Asks the process that serves from a data folder.
 * @throws Fault ERR_NOT_FOUND when none does, ERR_FORBIDDEN when it is another user's
 */
export async function askControl(data: string, ask: Ask): Promise<ReloadAnswer> {
  const path = controlPath(data)
  const socket = connect({ path, allowHalfOpen: true })
  try {
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    socket.end(ask)
    const given = JSON.parse(await textOf(socket, longestAnswer)) as Partial<ReloadAnswer>
    if (given.outcome === undefined) throw new Fault('ERR_CONFLICT', 'the running Labgate does not know this question')
    // It is the process that made it.
    return given as ReloadAnswer
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES')
      throw new Fault('ERR_FORBIDDEN', `${path}: only the user that Labgate runs as may ask it`, { cause: error })
    if (code === 'ENOENT' || code === 'ECONNREFUSED')
      throw new Fault('ERR_NOT_FOUND', `no Labgate serves from the data folder ${data}`, { cause: error })
    throw error
  } finally {
    socket.destroy()
  }
}

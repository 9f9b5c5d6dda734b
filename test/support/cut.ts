/** A way to a PostgreSQL that can be cut at the worst moment: a COMMIT is done there, and its answer never comes. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The way. */
export interface CutWay {
  /** The same database by it. */
  readonly url: string
  /**
   * The next COMMIT is done, and whoever sent it is cut off instead of answered; settles then. With `all`, so is everybody else,
   * and nobody comes through any more before it is mended.
   */
  cutNextCommit(who: 'one' | 'all'): Promise<void>
  mend(): void
  close(): Promise<void>
}

/** Makes one to a server on a socket, beside whom others go on. */
export async function cutWay(url: string): Promise<CutWay> {
  const [, before = '', encoded = ''] = /^(.*\?host=)([^&]+)$/.exec(url) ?? []
  const there = join(decodeURIComponent(encoded), '.s.PGSQL.5432')
  const folder = await mkdtemp(join(tmpdir(), 'labgate-cut-'))
  const sockets = new Set<Socket>()
  let armed: (() => void) | undefined
  let isClosed = false
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((here) => {
    if (isClosed) return void here.destroy()
    const far = connect(there)
    for (const socket of [here, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    let isCut: (() => void) | undefined
    here.on('data', (asked) => {
      if (armed !== undefined && asked.includes('COMMIT\0')) [isCut, armed] = [armed, undefined]
      far.write(asked)
    })
    let tail = Buffer.alloc(0)
    far.on('data', (said) => {
      if (isCut === undefined) return void here.write(said)
      // Its answers come in any pieces; the last one says that the COMMIT is done.
      tail = Buffer.concat([tail, said])
      if (!tail.includes('COMMIT\0')) return
      here.destroy()
      far.destroy()
      isCut()
    })
    here.on('close', () => far.destroy())
    far.on('close', () => here.destroy())
  })
  await new Promise<void>((listening) => server.listen(join(folder, '.s.PGSQL.5432'), listening))
  return {
    url: `${before}${encodeURIComponent(folder)}`,
    cutNextCommit: (who) =>
      new Promise((cut) => {
        armed = () => {
          isClosed = who === 'all'
          if (isClosed) cutAll()
          cut()
        }
      }),
    mend() {
      isClosed = false
    },
    async close() {
      cutAll()
      await new Promise((closed) => server.close(closed))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

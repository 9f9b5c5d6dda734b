/** A small server of this example: it listens on 127.0.0.1 and is closed again. @module */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'

/** Answers a request; when it throws, the answer is 500. */
export type Listener = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>

/** Something that was started. */
export interface Site {
  stop(): Promise<void>
}

/** Listens at a port of 127.0.0.1. @throws Error that names the port when it is taken */
export async function listen(port: number, what: string, listener: Listener): Promise<Site> {
  const server = createServer(async (req, res) => {
    try {
      await listener(req, res)
    } catch (error) {
      process.stderr.write(`${what}: ${error instanceof Error ? error.message : String(error)}\n`)
      if (res.headersSent) res.destroy()
      else res.writeHead(500).end()
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'another process listens there' : cause.message
      reject(new Error(`the ${what} cannot listen at 127.0.0.1:${port}: ${why}`, { cause }))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Whether anybody listens at a port of 127.0.0.1. */
export function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

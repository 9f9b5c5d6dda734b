/** The little that the servers of this example have in common: they listen on 127.0.0.1 and are closed again. @module */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** Answers a request; when it throws, the answer is 500. */
export type Listener = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>

/** A server that listens. */
export interface Site {
  stop(): Promise<void>
}

/** Listens where the address says. @throws Error that names the address when it is taken */
export async function listen(address: string, what: string, listener: Listener): Promise<Site> {
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
      reject(new Error(`the ${what} cannot listen at ${address}: ${why}`, { cause }))
    })
    server.listen(Number(new URL(address).port), '127.0.0.1', resolve)
  })
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

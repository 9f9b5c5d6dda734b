/** A wire between a runner and its engine, at which the engine can be killed in the middle of a request. @module */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Engine } from './engine.ts'
import { tempFolder } from './program.ts'

/** When the engine dies: before it hears of the request, or when it has done what was asked and nobody was told. */
export type Moment = 'before' | 'after'

/** A socket that leads to an engine. */
export interface Wire {
  readonly socket: string
  /**
   * At the next request like this (`POST /containers/create`) the engine is killed with SIGKILL; settles when it is dead. What comes
   * first is done while nobody has been answered yet.
   */
  cut(like: RegExp, moment: Moment, first?: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

interface Cut {
  readonly like: RegExp
  readonly moment: Moment
  readonly first: () => Promise<void>
  readonly done: () => void
}

/** Makes one. */
export async function wireTo(engine: Engine): Promise<Wire> {
  const folder = await tempFolder()
  const socket = join(folder.path, 'wire.sock')
  let next: Cut | undefined
  const server = createServer((req, res) => {
    const cut = next?.like.test(`${req.method} ${req.url}`) ? next : undefined
    if (cut === undefined) return forward(engine, req, res)
    next = undefined
    void cutAt(engine, { req, res, cut })
  })
  await new Promise<void>((done) => server.listen(socket, done))
  return {
    socket,
    cut: (like, moment, first = async () => undefined) =>
      new Promise((done) => {
        next = { like, moment, first, done }
      }),
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await folder.remove()
    },
  }
}

function asked({ socket }: Engine, { method, url, headers }: IncomingMessage) {
  return request({ socketPath: socket, method, path: url, headers, agent: false })
}

function forward(engine: Engine, req: IncomingMessage, res: ServerResponse): void {
  const to = asked(engine, req)
  to.on('error', () => res.destroy())
  res.on('close', () => to.destroy())
  to.on('response', (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.on('error', () => res.destroy()).pipe(res)
  })
  req.pipe(to)
}

async function cutAt(
  engine: Engine,
  { req, res, cut }: { readonly req: IncomingMessage; readonly res: ServerResponse; readonly cut: Cut },
): Promise<void> {
  const body = await buffer(req)
  if (cut.moment === 'after') {
    const to = asked(engine, req)
    const answered = new Promise<IncomingMessage>((done, failed) => to.on('response', done).on('error', failed))
    to.end(body)
    await buffer(await answered)
  }
  await cut.first()
  await engine.kill()
  res.destroy()
  cut.done()
}

/**
 * Plain HTTP/1.1 over connections that stay: the least that a driver needs. It has to be cheaper than the server it drives, else the server
 * waits for it, wakes for every single request, and that is what is measured; common clients take more than a document costs.
 * @module
 */
import { connect, type Socket } from 'node:net'

/** An answer with a length of its own. */
export interface Got {
  readonly status: number
  readonly location: string | undefined
  readonly cookies: readonly string[]
  readonly text: string
}

/** What is asked, each header in the case it is sent in. */
export interface Wish {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** Servers close connections that are idle for five seconds (Node's default); one that may be closing is not used again. */
const longestIdleMs = 4000

/** Connections to one server, no more than so many at once. */
export class Wires {
  readonly #host: string
  readonly #port: number
  readonly #most: number
  readonly #idle: Wire[] = []
  readonly #waiting: ((wire: Wire) => void)[] = []
  readonly #open = new Set<Wire>()

  constructor(origin: string, most: number) {
    const { hostname, port } = new URL(origin)
    this.#host = hostname
    this.#port = Number(port)
    this.#most = most
  }

  /** @throws Error when the connection breaks, or the answer has no length */
  async ask(wish: Wish): Promise<Got> {
    const wire = this.#free() ?? (await new Promise<Wire>((free) => this.#waiting.push(free)))
    try {
      return await wire.ask(wish)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#idle.push(wire)
      else next(this.#usable(wire) ? wire : this.#make())
    }
  }

  #free(): Wire | undefined {
    for (let wire = this.#idle.pop(); wire !== undefined; wire = this.#idle.pop()) if (this.#usable(wire)) return wire
    return this.#open.size < this.#most ? this.#make() : undefined
  }

  #usable(wire: Wire): boolean {
    if (wire.isFresh()) return true
    wire.close()
    this.#open.delete(wire)
    return false
  }

  #make(): Wire {
    const wire = new Wire(connect({ host: this.#host, port: this.#port, noDelay: true }), `${this.#host}:${this.#port}`)
    this.#open.add(wire)
    return wire
  }

  close(): void {
    for (const wire of this.#open) wire.close()
    this.#open.clear()
  }
}

interface Pending {
  readonly resolve: (got: Got) => void
  readonly reject: (error: Error) => void
}

class Wire {
  readonly #socket: Socket
  readonly #host: string
  #pending: Pending | undefined
  #came: Buffer | undefined
  #last = performance.now()

  constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.on('data', (part) => this.#take(part))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  isFresh(): boolean {
    return !this.#socket.destroyed && performance.now() - this.#last < longestIdleMs
  }

  ask({ method, path, headers, body }: Wish): Promise<Got> {
    let text = `${method} ${path} HTTP/1.1\r\nhost: ${headers.host ?? this.#host}\r\n`
    for (const name in headers) if (name !== 'host') text += `${name}: ${headers[name]}\r\n`
    if (body !== undefined) text += `content-length: ${Buffer.byteLength(body)}\r\n`
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
      this.#socket.write(`${text}\r\n${body ?? ''}`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(part: Buffer): void {
    const came = this.#came === undefined ? part : Buffer.concat([this.#came, part])
    this.#came = came
    const end = came.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = came.toString('latin1', 0, end)
    const status = Number(head.slice(9, 12))
    const length = status === 204 || status === 304 ? '0' : /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined) {
      this.#fail(new Error(`an answer without a length: ${head}`))
      return
    }
    if (came.length < end + 4 + Number(length)) return
    this.#came = undefined
    this.#last = performance.now()
    const pending = this.#pending
    this.#pending = undefined
    pending?.resolve({
      status,
      location: /\r\nlocation: ([^\r]*)/i.exec(head)?.[1],
      cookies: [...head.matchAll(/\r\nset-cookie: ([^\r]*)/gi)].map(([, value = '']) => value),
      text: came.toString('utf8', end + 4, end + 4 + Number(length)),
    })
  }

  #fail(error: Error): void {
    this.#socket.destroy()
    this.#pending?.reject(error)
    this.#pending = undefined
  }
}

/** The driver's browser: a jar of cookies over one keep-alive pool, as cheap as it can be while it still checks every answer. @module */
import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

/** One answer. */
export interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly text: string
}

export interface Asking {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: URLSearchParams
  readonly body?: string
}

/** Connections to one server, and how many requests went over them. */
export class Line {
  readonly origin: string
  readonly #pool: Pool
  requests = 0

  constructor(origin: string, connections: number) {
    this.origin = origin
    this.#pool = new Pool(origin, { connections, pipelining: 1, keepAliveTimeout: 60_000 })
  }

  async ask(path: string, asking: Asking = {}, jar?: Jar): Promise<Answer> {
    this.requests++
    const { method = 'GET', form } = asking
    const cookies = jar?.header(path)
    const headers = {
      ...(cookies ? { cookie: cookies } : {}),
      ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      ...asking.headers,
    }
    const body = form?.toString() ?? asking.body ?? null
    const { status, headers: got, text } = await answerOf(this.#pool, { method, path, headers, body })
    jar?.take(got['set-cookie'])
    return { status, location: typeof got.location === 'string' ? got.location : undefined, text }
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}

interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** By the pool's own handler: a body as a stream costs the driver more than the server needs for a document. */
function answerOf(pool: Pool, asking: Dispatcher.DispatchOptions): Promise<Got> {
  return new Promise((resolve, reject) => {
    let head: Omit<Got, 'text'> | undefined
    const parts: Buffer[] = []
    pool.dispatch(asking, {
      onRequestStart: () => undefined,
      onResponseStart(_, status, headers) {
        head = { status, headers }
      },
      onResponseData: (_, part) => void parts.push(part),
      onResponseEnd() {
        const [only = Buffer.alloc(0)] = parts
        const text = (parts.length > 1 ? Buffer.concat(parts) : only).toString()
        if (head === undefined) reject(new Error('an answer without a head'))
        else resolve({ ...head, text })
      },
      onResponseError: (_, error) => reject(error),
    })
  })
}

/** A browser of one site at two addresses: each request goes to the other one than that before it, and calls it by the first. */
export class TurnLine extends Line {
  readonly #other: Line
  #turn: number

  /** Begins at the first address, or with 1 at the other one. */
  constructor(origin: string, other: string, begin: number) {
    super(origin, 1)
    this.#other = new Line(other, 1)
    this.#turn = begin
  }

  override ask(path: string, asking: Asking = {}, jar?: Jar): Promise<Answer> {
    if (this.#turn++ % 2 === 0) return super.ask(path, asking, jar)
    this.requests++
    const headers = { ...asking.headers, host: new URL(this.origin).host }
    return this.#other.ask(path, { ...asking, headers }, jar)
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#other.close()
  }
}

/** Cookies of one browser at one host, by name and path. */
export class Jar {
  readonly #cookies = new Map<string, { readonly name: string; readonly value: string; readonly path: string }>()

  header(path: string): string {
    return [...this.#cookies.values()]
      .filter((cookie) => path.startsWith(cookie.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  take(header: string | string[] | undefined): void {
    for (const line of header === undefined ? [] : [header].flat()) {
      const [pair = ''] = line.split(';', 1)
      const at = pair.indexOf('=')
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
      const path = /; path=([^;]+)/i.exec(line)?.[1] ?? '/'
      if (value === '' || line.includes('01 Jan 1970')) this.#cookies.delete(`${path} ${name}`)
      else this.#cookies.set(`${path} ${name}`, { name, value, path })
    }
  }
}

/** The form of a page that a person would press the button of: where it goes and what it sends. */
export function mainForm(html: string): { readonly action: string; readonly fields: URLSearchParams } {
  const [, head = '', inside = ''] = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(html) ?? []
  const action = attribute(head, 'action')
  if (action === undefined) throw new Error(`no form in: ${html.slice(0, 300)}`)
  const fields = new URLSearchParams()
  for (const [, tag = ''] of inside.matchAll(/<input\b([^>]*)>/g)) {
    const name = attribute(tag, 'name')
    if (name !== undefined) fields.append(name, attribute(tag, 'value') ?? '')
  }
  return { action, fields }
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&')
}

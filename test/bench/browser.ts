/** The driver's browser: a jar of cookies over one keep-alive pool, as cheap as it can be while it still checks every answer. @module */
import { Wires } from './wires.ts'

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
  readonly #wires: Wires
  requests = 0

  constructor(origin: string, connections: number) {
    this.origin = origin
    this.#wires = new Wires(origin, connections)
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
    const body = form?.toString() ?? asking.body
    const { status, location, cookies: set, text } = await this.#wires.ask({ method, path, headers, body })
    jar?.take(set)
    return { status, location, text }
  }

  close(): void {
    this.#wires.close()
  }
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

  override close(): void {
    super.close()
    this.#other.close()
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

  take(headers: readonly string[]): void {
    for (const line of headers) {
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

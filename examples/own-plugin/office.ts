/** A badge office to try the plugin with: one page where a badge is chosen, one address where tickets are redeemed. @module */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as bodyOf } from 'node:stream/consumers'

const people = [
  { badge: '4711', name: 'Ada Example', email: 'ada@example.org', emailChecked: true },
  { badge: '4712', name: 'Grace Example', email: 'grace@example.org', emailChecked: false },
]

/** A running office. */
export interface Office {
  readonly origin: string
  close(): Promise<void>
}

/** Opens the office on this machine; port 0 is any free one. `key` is what it accepts. */
export async function openOffice(port: number, key: string): Promise<Office> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tickets = new Map<string, object>()
  server.on('request', (request, response) => {
    const url = new URL(request.url ?? '/', origin)
    if (url.pathname === '/tickets') return redeem({ request, response, tickets, key })
    if (url.pathname !== '/badge') return response.writeHead(404).end()
    return request.method === 'POST' ? sell({ request, response, url, tickets }) : ask(response)
  })
  return { origin, close: () => closed(server) }
}

function ask(response: ServerResponse): void {
  const buttons = people.map(({ badge, name }) => `<p><button name="badge" value="${badge}">${name}</button></p>`)
  const form = `<form method="post">${buttons.join('')}</form>`
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html><html lang="en"><title>Badge office</title><h1>Whose badge is this?</h1>${form}</html>`)
}

interface Sale {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly tickets: Map<string, object>
}

async function sell({ request, response, url, tickets }: Sale): Promise<void> {
  const chosen = new URLSearchParams(await bodyOf(request)).get('badge')
  const person = people.find(({ badge }) => badge === chosen)
  const back = url.searchParams.get('back') ?? ''
  if (person === undefined || !URL.canParse(back)) return void response.writeHead(400).end()
  const ticket = randomUUID()
  tickets.set(ticket, { ...person, office: url.origin, nonce: url.searchParams.get('nonce') })
  const to = new URL(back)
  to.search = new URLSearchParams({ ticket, state: url.searchParams.get('state') ?? '' }).toString()
  response.writeHead(303, { location: to.href }).end()
}

interface Counter extends Omit<Sale, 'url'> {
  readonly key: string
}

async function redeem({ request, response, tickets, key }: Counter): Promise<void> {
  if (request.headers.authorization !== `Key ${key}`) return void response.writeHead(401).end()
  const { ticket } = JSON.parse(await bodyOf(request)) as { ticket: string }
  const badge = tickets.get(ticket)
  tickets.delete(ticket)
  if (badge === undefined) return void response.writeHead(404).end()
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(badge))
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

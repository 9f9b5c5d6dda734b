/** The way into a workspace as a browser goes it, request by request, to whatever address its host is at. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { signInByEmail } from './labgate.ts'
import type { UserAgent } from './user-agent.ts'
import type { WorkspaceWorld } from './workspaces.ts'

/** Where the host of a workspace is asked. */
export interface Entry {
  readonly world: WorkspaceWorld
  /** A browser that reaches the issuer. */
  readonly agent: UserAgent
  readonly fetch?: typeof fetch
  readonly port: number
  /** Certificate to trust; absent: plain HTTP. */
  readonly ca?: string | undefined
}

/** What a host answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Somebody who has come into a workspace of theirs. */
export interface Entered {
  readonly id: string
  readonly account: string
  readonly host: string
  /** With the cookie of whoever came in. */
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** A WebSocket that is open. */
  socket(path: string): Promise<Socket>
}

/** Signs in, starts a workspace and goes in. */
export async function enterWorkspace(entry: Entry, email = 'carol@example.org'): Promise<Entered> {
  const { world, agent, port } = entry
  const { site } = world
  await signInByEmail(site, agent, { at: new URL('/account', site.issuer), email })
  const { get } = site.labgate.rooms
  const account = (await get('accounts').findByVerifiedEmail(email))?.id ?? assert.fail(email)
  const { id } = await get('workspaces').request(world.as(account), { account, profile: 'notebook' })
  await world.until(id, 'ready')
  const host = `${id}.localhost:${port}`
  const ask = (path: string, headers: Readonly<Record<string, string>>) => answerOf(entry, { host, path, headers })
  const first = await ask('/tree', { accept: 'text/html' })
  assert.equal(first.status, 303, first.body)
  const nonce = firstCookie(first)
  const cookie = agent.cookieHeader(new URL(site.issuer))
  const go = entry.fetch ?? fetch
  const issued = await go(String(first.headers.location), { redirect: 'manual', headers: { cookie } })
  const back = new URL(issued.headers.get('location') ?? assert.fail('no ticket'))
  assert.equal(back.host, host)
  const came = await ask(back.pathname + back.search, { cookie: nonce })
  assert.equal(came.status, 303, came.body)
  const own = firstCookie(came)
  return {
    ...{ id, account, host },
    ask: (path, headers = {}) => ask(path, { ...headers, cookie: own }),
    socket: (path) => socketOf(entry, { host, path, headers: { cookie: own } }),
  }
}

/** A frame of text as browsers send it; the mask is of zeros. At most 125 bytes. */
export function frame(words: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | words.length, 0, 0, 0, 0]), Buffer.from(words)])
}

interface Ask {
  readonly host: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

function begin({ port, ca }: Entry, { host, path, headers }: Ask) {
  const options: RequestOptions = { host: '127.0.0.1', port, path, headers: { ...headers, host } }
  const servername = host.split(':')[0] ?? ''
  // The name below localhost is on no resolver's list, so the address is given and the name told.
  // Only the test's own authority is trusted; Node takes no wildcard right below `localhost`, as browsers do.
  const trust = { ca, servername, checkServerIdentity: () => undefined }
  return ca === undefined ? plainRequest(options) : tlsRequest({ ...options, ...trust })
}

async function answerOf(entry: Entry, ask: Ask): Promise<Answer> {
  const asked = begin(entry, ask)
  asked.end()
  const [answer] = (await once(asked, 'response', { signal: AbortSignal.timeout(10_000) })) as [IncomingMessage]
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }
}

async function socketOf(entry: Entry, { host, path, headers }: Ask): Promise<Socket> {
  const origin = `${entry.ca === undefined ? 'http' : 'https'}://${host}`
  const asked = begin(entry, {
    ...{ host, path },
    headers: {
      ...{ ...headers, origin, connection: 'Upgrade', upgrade: 'websocket' },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    },
  })
  asked.end()
  const [, socket] = (await once(asked, 'upgrade', { signal: AbortSignal.timeout(10_000) })) as [unknown, Socket]
  return socket
}

function firstCookie({ headers }: Answer): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? assert.fail('no cookie')
}

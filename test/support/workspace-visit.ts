/** A browser's requests to the hosts of workspaces, spoken plainly, so that a test can say anything. @module */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import type { Socket } from 'node:net'
import { signInByEmail } from './labgate.ts'
import { UserAgent } from './user-agent.ts'
import type { WorkspaceWorld } from './workspaces.ts'

/** What is asked. Names below localhost are this machine, whatever its resolver knows. */
export interface Ask {
  readonly port: number
  readonly host: string
  readonly path: string
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** What was answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Asks once, on a connection of its own. */
export function ask({ port, host, path, method = 'GET', headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, agent: false, headers: { host, ...headers } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part) => {
          text += part
        })
        answer.on('error', reject)
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }))
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Opens a WebSocket; answers the status when it is refused. */
export function join({ port, host, path, headers = {} }: Ask): Promise<Socket | number> {
  const key = { 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
  return new Promise((resolve, reject) => {
    const asked = request({
      ...{ host: '127.0.0.1', port, path, agent: false },
      headers: { host, connection: 'Upgrade', upgrade: 'websocket', ...key, ...headers },
    })
    asked.on('upgrade', (_, socket: Socket) => resolve(socket.on('error', () => undefined)))
    asked.on('response', (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** A frame of text as browsers send it; the mask is of zeros. */
export function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

/** Somebody who has signed in at the issuer. */
export interface Person {
  readonly account: string
  readonly agent: UserAgent
}

/** Signs somebody in. */
export async function signedIn({ site }: WorkspaceWorld, email: string): Promise<Person> {
  const agent = new UserAgent()
  await signInByEmail(site, agent, { at: new URL('/account', site.issuer), email })
  const found = await site.labgate.rooms.get('accounts').findByVerifiedEmail(email)
  if (found === undefined) throw new Error(`${email} has no account`)
  return { account: found.id, agent }
}

/** The steps of coming in: the nonce's cookie, and the link with the ticket. */
export async function ticketFor(
  { site }: WorkspaceWorld,
  { agent }: Person,
  at: Pick<Ask, 'port' | 'host'> & { readonly path?: string },
): Promise<{ nonce: string; link: URL }> {
  const first = await ask({ ...at, path: at.path ?? '/', headers: { accept: 'text/html' } })
  const nonce = String(first.headers['set-cookie']).split(';')[0] ?? ''
  const cookie = agent.cookieHeader(new URL(site.issuer))
  const issued = await fetch(String(first.headers.location), { redirect: 'manual', headers: { cookie } })
  return { nonce, link: new URL(issued.headers.get('location') ?? '', site.issuer) }
}

/** Comes in; answers the cookie of the workspace's host. */
export async function enter(world: WorkspaceWorld, person: Person, at: Pick<Ask, 'port' | 'host'>): Promise<string> {
  const { nonce, link } = await ticketFor(world, person, at)
  const came = await ask({ ...at, path: link.pathname + link.search, headers: { cookie: nonce } })
  return String(came.headers['set-cookie']?.[0]).split(';')[0] ?? ''
}

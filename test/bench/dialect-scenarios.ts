/** What services and viewers ask of the dialects, each answer checked; and the hello of Koa that it is held against. @module */
import { messageOn } from '../support/neuroglancer.ts'
import { UserAgent } from '../support/user-agent.ts'
import { Line } from './browser.ts'
import { bucket, type DialectSite, viewer } from './dialect-site.ts'
import { type Scenario, type Slot, scenarios } from './scenarios.ts'
import type { Server } from './servers.ts'

/** How many tokens are in use in the warm rows. */
export const warmTokens = 2000

/** Koa's answer. */
export const hello: Scenario = async ({ line }) => {
  const { status, text } = await line.ask('/')
  if (status !== 200 || text !== '{"hello":"world"}') throw new Error(`hello: ${status} ${text}`)
}

/** Discovery and keys, by turns. */
export const documents: Scenario = (slot) => (slot.turn++ % 2 === 0 ? scenarios.discovery(slot) : scenarios.jwks(slot))

/** Who holds a token, one token after another; `many`: so many that none is remembered when its turn comes again. */
export function userCache({ tokens }: Pick<DialectSite, 'tokens'>, many: 'warm' | 'cold'): Scenario {
  const used = many === 'warm' ? tokens.slice(0, warmTokens) : tokens
  let turn = 0
  return async ({ line }) => {
    const token = used[turn++ % used.length]
    const answer = await line.ask('/auth/api/v1/user/cache', { headers: { authorization: `Bearer ${token}` } })
    if (answer.status !== 200 || !answer.text.includes('"d9":["view"]'))
      throw new Error(`user/cache: ${answer.status} ${answer.text.slice(0, 300)}`)
  }
}

/** A person signed in at ngauth. */
export interface Signed {
  readonly cookie: string
  readonly token: string
}

/** Signs one in by the popup. */
export async function signInAtNgauth(server: Server): Promise<Signed> {
  const origin = ngauthOf(server)
  const agent = new UserAgent()
  let page = await agent.open(`${origin}/login?origin=${encodeURIComponent(viewer)}`)
  const [form] = page.forms
  if (messageOn(page.text) === undefined && form !== undefined)
    page = await agent.submit(page, form, {}, form.buttons[0]?.action)
  const message = messageOn(page.text)
  if (message === undefined) throw new Error(`no sign-in at ngauth: ${page.status} ${page.text.slice(0, 400)}`)
  return {
    cookie: agent.cookieHeader(new URL(`${origin}/token`)),
    token: (message.data as { readonly token: string }).token,
  }
}

function ngauthOf({ origin }: Server): string {
  return origin.replace('localhost', '127.0.0.1')
}

/** A viewer asks for the person's token by their cookie. */
export function ngauthToken(server: Server, { cookie }: Signed): Scenario {
  const ask = asker(server)
  return async (slot) => {
    const { status, text } = await ask(slot, { path: '/token', headers: { cookie } })
    if (status !== 200 || text.split('.').length !== 3) throw new Error(`/token: ${status} ${text.slice(0, 300)}`)
  }
}

/** A viewer asks for the credential of a bucket that was asked for before. */
export function gcsToken(server: Server, { token }: Signed): Scenario {
  const ask = asker(server)
  const body = JSON.stringify({ token, bucket })
  const headers = { 'content-type': 'text/plain;charset=UTF-8' }
  return async (slot) => {
    const { status, text } = await ask(slot, { path: '/gcs_token', headers, body })
    if (status !== 200 || !text.startsWith('{"token":"ya29.'))
      throw new Error(`/gcs_token: ${status} ${text.slice(0, 300)}`)
  }
}

interface Ask {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Addresses of one slot, by turns: so many that nobody meets a limit that is meant for one. */
const addresses = 256

/** Asks as a page of another site does, from some thousand addresses by turns, as viewers do again and again. */
function asker(server: Server) {
  const line = new Line(ngauthOf(server), 16)
  return (slot: Slot, { path, headers, body }: Ask) => {
    // The driver counts those of its own line, which goes to another host.
    slot.line.requests += 1
    return line.ask(path, {
      method: 'POST',
      headers: {
        ...{ origin: viewer, 'sec-fetch-site': 'cross-site', ...headers },
        'x-forwarded-for': `10.${slot.number % 256}.0.${slot.turn++ % addresses}`,
      },
      ...(body === undefined ? {} : { body }),
    })
  }
}

/** What is measured: whole OpenID flows as a relying party and a browser walk them, each answer checked. @module */
import { createHash, randomBytes } from 'node:crypto'
import { type Answer, Jar, type Line, mainForm } from './browser.ts'

export const redirectUri = 'https://rp.example/cb'
export const clients = {
  /** Ours: no consent is asked where the server knows such clients. */
  first: { id: 'first', secret: 'first-secret-first-secret-first-0' },
  third: { id: 'third', secret: 'third-secret-third-secret-third-0' },
} as const
/** A resource server that takes JWTs. */
export const resource = 'https://data.example'
type ClientName = keyof typeof clients

/** How many different people sign in. */
export const people = 200

/** What one of the parallel drivers keeps between its operations. */
export interface Slot {
  readonly line: Line
  readonly number: number
  jar?: Jar
  token?: string | undefined
  turn: number
}

export type Scenario = (slot: Slot) => Promise<void>

/** Every scenario: one operation each. */
export const scenarios = {
  /** Login, and consent where it is asked; ID token and access token. */
  async code(slot) {
    await redeem(slot, await authorize(slot, new Jar(), { client: 'first', scope: 'openid email' }))
  },
  /** Login and consent by a form, for a client of others; a refresh token besides. */
  async 'code-consent'(slot) {
    await redeem(slot, await authorize(slot, new Jar(), { client: 'third', scope: offline }))
  },
  /** Somebody who is signed in already comes from another page. */
  async sso(slot) {
    slot.jar ??= new Jar()
    await redeem(slot, await authorize(slot, slot.jar, { client: 'first', scope: 'openid email' }))
  },
  /** Refresh with rotation. */
  async refresh(slot) {
    slot.token ??= (await redeem(slot, await authorize(slot, new Jar(), { client: 'third', scope: offline }))).refresh
    const grant = { grant_type: 'refresh_token', refresh_token: slot.token ?? '' }
    const next = tokensOf(await asClient(slot, 'third', { path: '/token', fields: grant })).refresh
    if (next === undefined || next === slot.token) throw new Error('the refresh token was not rotated')
    slot.token = next
  },
  /** A resource server asks about a living access token. */
  async introspect(slot) {
    slot.token ??= (
      await redeem(slot, await authorize(slot, new Jar(), { client: 'first', scope: 'openid email' }))
    ).access
    const answer = await asClient(slot, 'first', { path: '/introspection', fields: { token: slot.token ?? '' } })
    if (answer.status !== 200 || !answer.text.includes('"active":true')) throw wrong('introspection', answer)
  },
  /** Who holds this access token. */
  async userinfo(slot) {
    slot.token ??= (
      await redeem(slot, await authorize(slot, new Jar(), { client: 'first', scope: 'openid email' }))
    ).access
    const answer = await slot.line.ask('/oidc/userinfo', { headers: { authorization: `Bearer ${slot.token}` } })
    if (answer.status !== 200 || !answer.text.includes('"email":')) throw wrong('userinfo', answer)
  },
  /** A service asks for a token of its own. */
  async cc(slot) {
    await grantedToClient(slot, {})
  },
  /** The same as a JWT for a resource server: ES256 here, RS256 there. */
  async 'cc-jwt'(slot) {
    const token = await grantedToClient(slot, { resource, scope: 'read' })
    if (token.split('.').length !== 3) throw new Error(`no JWT: ${token}`)
  },
  async discovery(slot) {
    const answer = await slot.line.ask('/.well-known/openid-configuration')
    if (answer.status !== 200 || !answer.text.includes('"issuer":')) throw wrong('discovery', answer)
  },
  async jwks(slot) {
    const answer = await slot.line.ask('/oidc/jwks')
    if (answer.status !== 200 || !answer.text.includes('"keys":[')) throw wrong('jwks', answer)
  },
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios

const offline = 'openid email offline_access'

interface Wish {
  readonly client: ClientName
  readonly scope: string
}

interface Code extends Wish {
  readonly code: string
  readonly verifier: string
}

/** From the authorization request to the code at the relying party's door, whatever pages lie between. */
async function authorize(slot: Slot, jar: Jar, wish: Wish): Promise<Code> {
  const verifier = randomBytes(32).toString('base64url')
  const headers = { 'sec-fetch-site': 'same-origin', accept: 'text/html', 'x-forwarded-for': addressOf(slot) }
  let answer = await slot.line.ask(`/oidc/auth?${requestOf(slot, wish, verifier)}`, { headers }, jar)
  for (let hops = 0; hops < 12; hops++) {
    const { location } = answer
    if (answer.status === 200) {
      const { action, fields } = mainForm(answer.text)
      const post = { method: 'POST', headers: { ...headers, origin: slot.line.origin }, form: fields } as const
      answer = await slot.line.ask(pathOf(action), post, jar)
    } else if (location === undefined || answer.status < 302 || answer.status > 303) {
      throw wrong('authorization', answer)
    } else if (location.startsWith(redirectUri)) {
      const code = new URL(location).searchParams.get('code')
      if (code === null) throw wrong('callback', answer)
      return { ...wish, code, verifier }
    } else {
      answer = await slot.line.ask(pathOf(location), { headers }, jar)
    }
  }
  throw wrong('too many redirects', answer)
}

/** People share no address, so that nobody meets a limit meant for one. */
function addressOf(slot: Slot): string {
  const turn = slot.turn++
  return `10.${slot.number % 256}.${(turn >> 8) % 256}.${turn % 256}`
}

function requestOf(slot: Slot, { client, scope }: Wish, verifier: string): URLSearchParams {
  return new URLSearchParams({
    client_id: clients[client].id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state: 's',
    nonce: 'n',
    login_hint: `p${(slot.number * 37 + slot.turn) % people}`,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(scope === offline ? { prompt: 'consent' } : {}),
  })
}

async function redeem(slot: Slot, { client, code, verifier }: Code): Promise<Tokens> {
  const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  return tokensOf(await asClient(slot, client, { path: '/token', fields }))
}

function asClient(slot: Slot, client: ClientName, ask: { path: string; fields: Record<string, string> }) {
  const { id, secret } = clients[client]
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  const form = new URLSearchParams(ask.fields)
  return slot.line.ask(`/oidc${ask.path}`, { method: 'POST', headers: { authorization }, form })
}

async function grantedToClient(slot: Slot, more: Readonly<Record<string, string>>): Promise<string> {
  const fields = { grant_type: 'client_credentials', ...more }
  const answer = await asClient(slot, 'first', { path: '/token', fields })
  const token: unknown = answer.status === 200 ? JSON.parse(answer.text).access_token : undefined
  if (typeof token !== 'string') throw wrong('client credentials', answer)
  return token
}

interface Tokens {
  readonly access: string
  readonly refresh: string | undefined
}

function tokensOf(answer: Answer): Tokens {
  if (answer.status !== 200) throw wrong('token', answer)
  const { access_token: access, refresh_token: refresh, id_token: id } = JSON.parse(answer.text)
  if (typeof access !== 'string' || typeof id !== 'string') throw wrong('token', answer)
  return { access, refresh }
}

function pathOf(address: string): string {
  const { pathname, search } = new URL(address, 'http://server.example')
  return pathname + search
}

function wrong(what: string, { status, location = '', text }: Answer): Error {
  return new Error(`${what}: ${status} ${location} ${text.slice(0, 400)}`)
}

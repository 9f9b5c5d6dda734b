/**
 * A real OpenID Provider for tests, in memory, with accounts of its own and a script of misbehaviour: what it answers can be
 * delayed, broken or altered (ID tokens are signed anew, so that only the alteration is wrong).
 * @module
 */
import { createHmac, createPrivateKey, createSign, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Adapter, type AdapterPayload, type ClientMetadata, type Configuration, Provider } from 'oidc-provider'

type Claims = Record<string, unknown>

/** A person at the upstream: `sub` and the claims they have. */
export interface UpstreamUser {
  readonly sub: string
  readonly [claim: string]: unknown
}

/** The places where the upstream can be made to fail. */
export type Spot = 'discovery' | 'authorization' | 'token' | 'userinfo' | 'jwks' | 'revocation' | 'registration'

/** How it fails there. `hang` never answers, `drop` closes the connection. */
export type Failure = 'hang' | '500' | 'html' | 'huge' | 'drop' | 'refuse-client'

/** What goes wrong from now on; a test changes it at any time. */
export interface Faults {
  fail: Partial<Record<Spot, Failure>>
  /** Changes the claims of every ID token, which is then signed anew. */
  idToken?: (claims: Claims) => Claims
  /** Signs ID tokens with the client's secret instead of the upstream's key (RFC 7518 §3.2). */
  secret?: string
  /** Changes the whole answer of the token endpoint. */
  token?: (body: Claims) => Claims
  userinfo?: (claims: Claims) => Claims
  discovery?: (document: Claims) => Claims
  /** Changes the address that the browser is sent back to. */
  callback?: (url: URL) => URL
}

export interface UpstreamOptions {
  readonly users?: readonly UpstreamUser[]
  readonly clients?: readonly ClientMetadata[]
  readonly faults?: Partial<Faults>
  /** Self-registration (RFC 7591); a text is the initial access token that is asked for. */
  readonly registration?: boolean | string
  readonly settings?: Partial<Configuration>
  /** Calls itself by its origin with a slash behind it. */
  readonly slash?: boolean
  /** Where its endpoints are, if not at the places of the library. */
  readonly paths?: Partial<Record<Exclude<Spot, 'discovery'>, string>>
  /** Further pages of this upstream; `true` when it answered. */
  also?(request: IncomingMessage, response: ServerResponse): boolean
}

export interface Upstream {
  readonly issuer: string
  readonly faults: Faults
  /** Every request it got: method and path. */
  readonly requests: readonly string[]
  /** Walks a browser through the upstream's pages as `login` (`deny` turns the request down), until it leaves; where to? */
  signIn(to: URL, login?: string): Promise<URL>
  /** Replaces the signing keys; the old ones are gone at once. */
  rotateKeys(): void
  /** Forgets every client, code and token that was not configured. */
  forget(): void
  close(): Promise<void>
}

/** The client that tests use when they bring none. */
export const upstreamClient = {
  client_id: 'labgate',
  client_secret: 'upstream-test-value',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
} satisfies ClientMetadata

/** Starts an upstream on a free port of this machine. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const faults: Faults = { fail: {}, ...options.faults }
  const requests: string[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = options.slash ? `${origin}/` : origin
  const memory = new Map<string, AdapterPayload>()
  const users = new Map((options.users ?? []).map((user) => [user.sub, user]))
  let key = freshKey()
  const build = () => provider({ issuer, options, memory, users, key })
  let current = build()
  server.on('request', (request, response) => {
    requests.push(`${request.method} ${request.url?.split('?')[0]}`)
    if (options.also?.(request, response)) return
    serve({ request, response, provider: current, faults, key: () => key, users, spots: spotsOf(options) })
  })
  return {
    issuer,
    faults,
    requests,
    signIn: (to, login) => walk({ origin, to, login }),
    rotateKeys() {
      key = freshKey()
      current = build()
    },
    forget: () => memory.clear(),
    close: () => closeServer(server),
  }
}

interface SigningKey {
  readonly kid: string
  readonly secret: KeyObject
  readonly jwk: object
}

function freshKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomUUID()
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }
  return { kid, jwk, secret: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })) }
}

interface ProviderNeeds {
  readonly issuer: string
  readonly options: UpstreamOptions
  readonly memory: Map<string, AdapterPayload>
  readonly users: ReadonlyMap<string, UpstreamUser>
  readonly key: SigningKey
}

function provider({ issuer, options, memory, users, key }: ProviderNeeds): Provider {
  const registration = options.registration ?? false
  return new Provider(issuer, {
    clients: [...(options.clients ?? [])],
    adapter: (name: string) => memoryAdapter(name, memory),
    jwks: { keys: [key.jwk as never] },
    ...(options.paths === undefined ? {} : { routes: options.paths }),
    cookies: { keys: ['upstream-test'], names: { session: 'up', interaction: 'up_i', resume: 'up_r' } },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: {
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'picture', 'locale'],
      groups: ['groups', 'realm_access', 'https://example.org/roles'],
      acr: null,
      amr: null,
      auth_time: null,
    },
    ttl: { Interaction: 600, Grant: 3600, Session: 3600, AccessToken: 600, IdToken: 600, RefreshToken: 3600 },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: true },
      registration: {
        enabled: registration !== false,
        initialAccessToken: registration === true ? false : registration,
      },
    },
    interactions: { url: (_, interaction) => `/page/${interaction.uid}` },
    findAccount: (_, sub) => {
      const user = users.get(sub)
      return user === undefined ? undefined : { accountId: sub, claims: () => user }
    },
    loadExistingGrant: (ctx) => fullGrant(ctx.oidc as unknown as OidcPart),
    ...options.settings,
  } as Configuration)
}

interface OidcPart {
  readonly provider: Provider
  readonly client: { readonly clientId: string }
  readonly session: { readonly accountId: string }
  readonly params: { readonly scope: string }
}

async function fullGrant({ provider: { Grant }, client, session, params }: OidcPart) {
  const grant = new Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(params.scope)
  await grant.save()
  return grant
}

function memoryAdapter(name: string, memory: Map<string, AdapterPayload>): Adapter {
  const at = (id: string) => `${name}:${id}`
  const where = (test: (payload: AdapterPayload) => boolean) =>
    [...memory].find(([key, payload]) => key.startsWith(`${name}:`) && test(payload))?.[1]
  return {
    upsert: async (id, payload) => void memory.set(at(id), structuredClone(payload)),
    find: async (id) => structuredClone(memory.get(at(id))),
    findByUid: async (uid) => where((payload) => payload.uid === uid),
    findByUserCode: async (code) => where((payload) => payload.userCode === code),
    consume: async (id) => void Object.assign(memory.get(at(id)) ?? {}, { consumed: 1 }),
    destroy: async (id) => void memory.delete(at(id)),
    revokeByGrantId: async (grant) => {
      for (const [key, payload] of memory) if (payload.grantId === grant) memory.delete(key)
    },
  }
}

interface Serving {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly provider: Provider
  readonly faults: Faults
  readonly users: ReadonlyMap<string, UpstreamUser>
  readonly spots: Spots
  key(): SigningKey
}

const places: Readonly<Record<Spot, string>> = {
  discovery: '/.well-known/',
  revocation: '/token/revocation',
  token: '/token',
  userinfo: '/me',
  jwks: '/jwks',
  registration: '/reg',
  authorization: '/auth',
}

type Spots = readonly (readonly [path: string, spot: Spot])[]

/** Longest path first: one may begin like another. */
function spotsOf({ paths }: UpstreamOptions): Spots {
  const all = Object.entries({ ...places, ...paths }) as [Spot, string][]
  return all.map(([spot, path]) => [path, spot] as const).toSorted(([one], [other]) => other.length - one.length)
}

function serve(serving: Serving): void {
  const { request, response, faults, spots } = serving
  const path = request.url ?? '/'
  const spot = spots.find(([prefix]) => path.startsWith(prefix))?.[1]
  const failure = spot === undefined ? undefined : faults.fail[spot]
  if (failure !== undefined) failAs(failure, response)
  else if (path.startsWith('/page/')) page(serving).catch((error) => response.writeHead(500).end(String(error)))
  else {
    if (spot !== undefined) alter(serving, spot)
    serving.provider.callback()(request, response)
  }
}

function failAs(failure: Failure, response: ServerResponse): void {
  const html = { 'content-type': 'text/html' }
  const json = { 'content-type': 'application/json' }
  if (failure === 'hang') return
  if (failure === 'drop') return void response.destroy()
  if (failure === '500') return void response.writeHead(500, html).end('<h1>Internal Server Error</h1>')
  if (failure === 'html') return void response.writeHead(200, html).end('<h1>Welcome</h1>')
  if (failure === 'refuse-client') return void response.writeHead(401, json).end('{"error":"invalid_client"}')
  response.writeHead(200, json)
  response.write('{"filler":"')
  const filler = 'x'.repeat(65_536)
  const pour = () => {
    while (!response.destroyed && response.write(filler));
  }
  response.on('drain', pour)
  pour()
}

/** Lets the Provider answer, and changes the answer on its way out. */
function alter({ response, faults, key }: Serving, spot: Spot): void {
  const { idToken, userinfo, discovery, token, secret } = faults
  if (spot === 'userinfo' && userinfo) rewrite(response, userinfo)
  if (spot === 'discovery' && discovery) rewrite(response, discovery)
  if (spot === 'token' && token) rewrite(response, token)
  if (spot === 'token' && (idToken || secret)) {
    const change = { claims: idToken ?? ((claims: Claims) => claims), key: key(), secret }
    rewrite(response, (body) =>
      typeof body.id_token === 'string' ? { ...body, id_token: resign(body.id_token, change) } : body,
    )
  }
  if (spot === 'authorization' && faults.callback) redirect(response, faults.callback)
}

function rewrite(response: ServerResponse, change: (body: Claims) => Claims): void {
  const end = response.end.bind(response)
  response.end = ((chunk?: unknown) => {
    if (response.statusCode >= 400 || chunk === undefined) return end(chunk)
    const body = JSON.stringify(change(JSON.parse(String(chunk))))
    response.setHeader('content-length', Buffer.byteLength(body))
    return end(body)
  }) as typeof response.end
}

function redirect(response: ServerResponse, change: (url: URL) => URL): void {
  const end = response.end.bind(response)
  response.end = ((chunk?: unknown) => {
    const url = URL.parse(String(response.getHeader('location') ?? ''))
    if (url?.searchParams.has('state')) response.setHeader('location', change(url).href)
    return end(chunk)
  }) as typeof response.end
}

interface Change {
  claims(claims: Claims): Claims
  readonly key: SigningKey
  readonly secret: string | undefined
}

function resign(token: string, { claims: change, key, secret }: Change): string {
  const claims = change(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const head = secret === undefined ? { alg: 'RS256', kid: key.kid } : { alg: 'HS256' }
  const signed = `${part(head)}.${part(claims)}`
  if (secret !== undefined) return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.secret, 'base64url')}`
}

/** The sign-in page: a form for browsers; a `login_hint` that is a person signs in at once. */
async function page({ request, response, provider: op, users }: Serving): Promise<void> {
  const { params, prompt, session } = await op.interactionDetails(request, response)
  if (prompt.name === 'consent') {
    const asked = { client: { clientId: String(params.client_id) }, session: { accountId: session?.accountId ?? '' } }
    const grant = await fullGrant({ provider: op, ...asked, params: { scope: String(params.scope) } })
    return op.interactionFinished(request, response, { consent: { grantId: grant.jti } })
  }
  const login = request.method === 'POST' ? await postedLogin(request) : String(params.login_hint ?? '')
  if (login === 'deny') {
    const no = { error: 'access_denied', error_description: 'the person said no' }
    return op.interactionFinished(request, response, no)
  }
  if (users.has(login)) return op.interactionFinished(request, response, { login: { accountId: login } })
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(form([...users.keys()]))
}

async function postedLogin(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += chunk
  return new URLSearchParams(body).get('login') ?? ''
}

function form(logins: readonly string[]): string {
  const buttons = [...logins, 'deny'].map((one) => `<button name="login" value="${one}">${one}</button>`).join(' ')
  return `<!doctype html><html lang="en"><title>Test upstream</title><main><h1>Who are you?</h1><form method="post">${buttons}</form></main>`
}

async function walk(ask: { origin: string; to: URL; login: string | undefined }): Promise<URL> {
  const jar = new Map<string, string>()
  let url = new URL(ask.to)
  if (ask.login !== undefined) url.searchParams.set('login_hint', ask.login)
  for (let step = 0; step < 10; step++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const one of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null)
      throw new Error(`the upstream stopped at ${url} with ${response.status}: ${await response.text()}`)
    url = new URL(location, url)
    if (url.origin !== ask.origin) return url
  }
  throw new Error('the upstream redirects without end')
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

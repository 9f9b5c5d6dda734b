/**
 * The demo application: a relying party of Labgate that shows what it was told about the person, and by whom.
 * Authorization code flow with PKCE, refresh, RP-initiated and back-channel logout, all through openid-client. Never for real use.
 * @module
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import Koa, { type Context } from 'koa'
import * as client from 'openid-client'
import { page, pageHeaders, style } from './page.ts'
import { type Seen, seenPage, type Tokens, troublePage, welcomePage } from './relying-party-pages.ts'
import type { Site } from './university.ts'

export interface RelyingPartyOptions {
  readonly port?: number
  /** Labgate. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

interface Pending {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

interface Session {
  pending?: Pending
  tokens?: Tokens
  idToken?: client.IDToken
  userinfo?: client.UserInfoResponse
  notice?: string
}

interface Application {
  readonly options: RelyingPartyOptions
  readonly origin: string
  readonly sessions: Map<string, Session>
  config(): Promise<client.Configuration>
}

const cookie = 'demo_application'
const wantedScopes = ['openid', 'profile', 'email', 'groups', 'labgate:sources']

/** Starts the application on this machine. Labgate need not run yet: it is asked on the first sign-in. */
export async function startRelyingParty(options: RelyingPartyOptions): Promise<Site> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 8082, '127.0.0.1', resolve)
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const app: Application = { options, origin, sessions: new Map(), config: discoverer(options) }
  server.on('request', koa(app).callback())
  return {
    origin,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Discovers once; a failure is forgotten, so that Labgate may come later. */
function discoverer({ issuer, clientId, clientSecret }: RelyingPartyOptions): Application['config'] {
  let found: Promise<client.Configuration> | undefined
  return () => {
    // Plain http: everything here is on this machine.
    const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] }
    found ??= client.discovery(new URL(issuer), clientId, clientSecret, client.ClientSecretBasic(clientSecret), options)
    found.catch(() => {
      found = undefined
    })
    return found
  }
}

type Handle = (app: Application, ctx: Context) => Promise<void> | void

const routes: Readonly<Record<string, Handle>> = {
  'GET /': home,
  'GET /sign-in': signIn,
  'GET /callback': callback,
  'POST /refresh': refresh,
  'POST /sign-out': signOut,
  'POST /backchannel-logout': backchannelLogout,
  'GET /style.css': (_, ctx) => {
    ctx.type = 'css'
    ctx.body = style
  },
}

function koa(app: Application): Koa {
  const server = new Koa()
  server.silent = true
  server.use(async (ctx) => {
    const handle = routes[`${ctx.method} ${ctx.path}`]
    if (handle === undefined) return show(ctx, troublePage('There is no such page here.'))
    if (ctx.method === 'POST' && !isOwnForm(app, ctx)) return show(ctx, troublePage('That form was not one of ours.'))
    try {
      await handle(app, ctx)
    } catch (error) {
      ctx.status = 400
      show(ctx, troublePage(words(error)))
    }
  })
  return server
}

/** The back channel is called by Labgate, with a signed token; every other POST must come from our own pages. */
function isOwnForm({ origin }: Application, ctx: Context): boolean {
  return (
    ctx.path === '/backchannel-logout' || ctx.get('origin') === origin || ctx.get('sec-fetch-site') === 'same-origin'
  )
}

/** What a person can do something with; a demo for people who run servers, so the protocol's words are shown. */
function words(error: unknown): string {
  if (error instanceof client.AuthorizationResponseError) {
    return `Labgate answered ${error.error}${error.error_description ? `: ${error.error_description}` : ''}.`
  }
  if (error instanceof client.ResponseBodyError) return `Labgate answered ${error.error}.`
  return error instanceof Error ? `${error.message}.` : 'Something went wrong.'
}

function sessionOf({ sessions }: Application, ctx: Context): Session {
  const id = ctx.cookies.get(cookie)
  const known = id === undefined ? undefined : sessions.get(id)
  if (known !== undefined) return known
  const fresh: Session = {}
  const name = randomUUID()
  sessions.set(name, fresh)
  ctx.cookies.set(cookie, name, { httpOnly: true, sameSite: 'lax', overwrite: true })
  return fresh
}

function home(app: Application, ctx: Context): void {
  const session = sessionOf(app, ctx)
  const { notice, idToken, tokens, userinfo } = session
  delete session.notice
  const { issuer } = app.options
  if (idToken === undefined || tokens === undefined) {
    show(ctx, welcomePage({ notice, issuer }))
  } else {
    const seen: Seen = { notice, idToken, userinfo: userinfo ?? { sub: idToken.sub }, tokens, issuer }
    show(ctx, seenPage(seen))
  }
}

async function signIn(app: Application, ctx: Context): Promise<void> {
  const config = await app.config()
  const verifier = client.randomPKCECodeVerifier()
  const pending = { verifier, state: client.randomState(), nonce: client.randomNonce() }
  sessionOf(app, ctx).pending = pending
  const offered = config.serverMetadata().scopes_supported
  const { scopes, prompt } = wishOf(ctx)
  const scope = scopes.filter((one) => offered === undefined || offered.includes(one))
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: `${app.origin}/callback`,
    scope: scope.join(' '),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(prompt === undefined ? {} : { prompt }),
  })
  ctx.redirect(url.href)
}

const prompts = ['none', 'login', 'select_account']

/** `?prompt=none`, `login` and `select_account` to play with; `?keep` asks for a refresh token, which only consent gives. */
function wishOf(ctx: Context): { scopes: readonly string[]; prompt: string | undefined } {
  const query = new URLSearchParams(ctx.querystring)
  if (query.has('keep')) return { scopes: [...wantedScopes, 'offline_access'], prompt: 'consent' }
  return { scopes: wantedScopes, prompt: prompts.find((one) => one === query.get('prompt')) }
}

async function callback(app: Application, ctx: Context): Promise<void> {
  const session = sessionOf(app, ctx)
  const { pending } = session
  delete session.pending
  if (pending === undefined) throw new Error('This browser did not begin a sign-in here')
  const tokens = await client.authorizationCodeGrant(await app.config(), new URL(ctx.originalUrl, app.origin), {
    pkceCodeVerifier: pending.verifier,
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    idTokenExpected: true,
  })
  Object.assign(session, { tokens, idToken: tokens.claims() })
  await look(app, session)
  ctx.redirect('/')
}

async function look(app: Application, session: Session): Promise<void> {
  if (session.tokens === undefined || session.idToken === undefined) return
  session.userinfo = await client.fetchUserInfo(await app.config(), session.tokens.access_token, session.idToken.sub)
}

async function refresh(app: Application, ctx: Context): Promise<void> {
  const session = sessionOf(app, ctx)
  const token = session.tokens?.refresh_token
  if (token === undefined) throw new Error('There is no refresh token')
  const before = session.tokens
  const tokens = await client.refreshTokenGrant(await app.config(), token)
  session.tokens = { ...before, ...tokens }
  session.idToken = tokens.claims() ?? session.idToken!
  await look(app, session)
  session.notice = 'Refreshed: the tokens and claims below are new.'
  ctx.redirect('/')
}

async function signOut(app: Application, ctx: Context): Promise<void> {
  const session = sessionOf(app, ctx)
  const hint = session.tokens?.id_token
  clear(session, 'You are signed out.')
  const back = { post_logout_redirect_uri: `${app.origin}/`, ...(hint ? { id_token_hint: hint } : {}) }
  ctx.redirect(client.buildEndSessionUrl(await app.config(), back).href)
}

function clear(session: Session, notice: string): void {
  for (const key of ['tokens', 'idToken', 'userinfo'] as const) delete session[key]
  session.notice = notice
}

/** Labgate says that a session ended (OpenID Connect Back-Channel Logout §2.5). */
async function backchannelLogout(app: Application, ctx: Context): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  try {
    const { sub, sid } = await readLogoutToken(app, (await posted(ctx.req)).get('logout_token') ?? '')
    for (const session of app.sessions.values()) {
      const isMeant = sid === undefined ? session.idToken?.sub === sub : session.idToken?.sid === sid
      if (session.idToken !== undefined && isMeant) clear(session, 'Labgate told this application that you signed out.')
    }
    ctx.status = 200
    ctx.body = ''
  } catch {
    ctx.status = 400
    ctx.body = { error: 'invalid_request' }
  }
}

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

async function readLogoutToken(app: Application, token: string): Promise<JWTPayload> {
  const { jwks_uri: keys = '', issuer } = (await app.config()).serverMetadata()
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), {
    issuer,
    audience: app.options.clientId,
    maxTokenAge: '2m',
    clockTolerance: 30,
    requiredClaims: ['jti', 'events'],
  })
  const events = payload.events as Readonly<Record<string, unknown>>
  if (!Object.hasOwn(events, logoutEvent) || 'nonce' in payload) throw new Error('not a logout token')
  if (payload.sub === undefined && payload.sid === undefined) throw new Error('a logout token about nobody')
  return payload
}

async function posted(request: IncomingMessage): Promise<URLSearchParams> {
  let body = ''
  for await (const chunk of request) {
    body += chunk
    if (body.length > 20_000) break
  }
  return new URLSearchParams(body)
}

function show(ctx: Context, given: Omit<Parameters<typeof page>[0], 'site' | 'theme'>): void {
  ctx.set(pageHeaders)
  ctx.type = 'html'
  ctx.body = page({ ...given, site: 'Demo application', theme: 'application' })
}

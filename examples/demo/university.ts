/**
 * "Demo University": a self-contained OpenID Provider with three made-up people and no passwords, so that a fresh Labgate
 * has somebody to sign in. In memory; never for real use.
 * @module
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Context, Next } from 'koa'
import { type Configuration, Provider } from 'oidc-provider'
import { memoryAdapter } from './memory.ts'
import { page, pageHeaders, style } from './page.ts'
import { people } from './people.ts'
import { endPage, errorPage, peoplePage, signOutPage } from './university-pages.ts'

export interface UniversityOptions {
  readonly port?: number
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
}

export interface Site {
  readonly origin: string
  close(): Promise<void>
}

/** Starts the university on this machine; its issuer is its `origin`. */
export async function startUniversity(options: UniversityOptions): Promise<Site> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 8081, '127.0.0.1', resolve)
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(origin, configuration(options))
  provider.use((ctx, next) => ownPages(provider, { ctx, next }))
  server.on('request', provider.callback())
  return {
    origin,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function configuration(options: UniversityOptions): Configuration {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    adapter: memoryAdapter(),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' } as never] },
    // Cookies do not know ports: other names than Labgate's and the demo application's on the same host.
    cookies: { keys: [randomUUID()], names: { session: 'demo_uni', interaction: 'demo_uni_i', resume: 'demo_uni_r' } },
    clients: [
      {
        client_id: options.clientId,
        client_secret: options.clientSecret,
        redirect_uris: [...options.redirectUris],
        post_logout_redirect_uris: [...(options.postLogoutRedirectUris ?? [])],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: {
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, IdToken: 600, Interaction: 1800, Session: 28_800, Grant: 86_400, RefreshToken: 86_400 },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: true, ...signOutSources },
    },
    interactions: { url: (_, interaction) => `/people/${interaction.uid}` },
    findAccount: (_, sub) => {
      const known = people[sub]
      return known && { accountId: sub, claims: () => ({ sub, ...known.claims }) }
    },
    loadExistingGrant: wholeGrant,
    renderError: (ctx, out) => show(ctx, errorPage(String(out.error_description ?? out.error))),
  }
}

const signOutSources = {
  logoutSource: (ctx: Context, form: string) => show(ctx, signOutPage(form)),
  postLogoutSuccessSource: (ctx: Context) => show(ctx, endPage()),
}

/** Nobody is asked for consent: the university knows one application only. */
const wholeGrant: NonNullable<Configuration['loadExistingGrant']> = async ({ oidc }) => {
  const { client, session, provider } = oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(String(oidc.params?.scope ?? 'openid'))
  await grant.save()
  return grant
}

async function ownPages(provider: Provider, { ctx, next }: { ctx: Context; next: Next }): Promise<void> {
  if (ctx.path === '/style.css') {
    ctx.type = 'css'
    ctx.body = style
  } else if (ctx.path.startsWith('/people/')) await choose(provider, ctx)
  else if (ctx.path === '/') show(ctx, endPage())
  else await next()
}

async function choose(provider: Provider, ctx: Context): Promise<void> {
  const { params, prompt, session } = await provider.interactionDetails(ctx.req, ctx.res)
  if (prompt.name === 'consent') {
    const grant = new provider.Grant({ clientId: String(params.client_id), accountId: session?.accountId ?? '' })
    grant.addOIDCScope(String(params.scope))
    return finish(provider, { ctx, result: { consent: { grantId: await grant.save() } } })
  }
  const login = ctx.method === 'POST' ? await posted(ctx.req) : undefined
  if (login === '') return finish(provider, { ctx, result: { error: 'access_denied' } })
  if (login !== undefined && Object.hasOwn(people, login)) {
    return finish(provider, { ctx, result: { login: { accountId: login } } })
  }
  show(ctx, peoplePage(people))
}

type Result = Parameters<Provider['interactionResult']>[2]

async function finish(provider: Provider, { ctx, result }: { ctx: Context; result: Result }): Promise<void> {
  const to = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false })
  ctx.status = 303
  ctx.redirect(to)
}

/** The subject that was clicked; empty when the person went back. */
async function posted(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += chunk
    if (body.length > 1000) break
  }
  return new URLSearchParams(body).get('person') ?? ''
}

function show(ctx: Context, given: Omit<Parameters<typeof page>[0], 'site' | 'theme'>): void {
  ctx.set(pageHeaders)
  ctx.type = 'html'
  ctx.body = page({ ...given, site: 'Demo University', theme: 'university' })
}

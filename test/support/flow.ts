/**
 * A whole world for flow tests: an upstream provider, a Labgate that signs in through it (and by e-mail), and relying
 * parties of openid-client.
 * @module
 */
import * as client from 'openid-client'
import {
  authorizationRequest,
  callback,
  freePort,
  type Part,
  startLabgate,
  type TestLabgate,
  testClients,
} from './labgate.ts'
import { type Faults, startUpstream, type Upstream, type UpstreamUser, upstreamClient } from './upstream.ts'
import { type Page, UserAgent } from './user-agent.ts'

/** People at the upstream of {@link startWorld}. */
export const people: readonly UpstreamUser[] = [
  {
    sub: 'alice',
    name: 'Alice Liddell',
    preferred_username: 'alice',
    email: 'alice@example.org',
    email_verified: true,
  },
  { sub: 'bob', name: 'Bob Builder', preferred_username: 'bob', email: 'bob@example.org', email_verified: true },
  { sub: 'carol', name: 'Carol', preferred_username: 'alice', email: 'alice@example.org' },
  {
    sub: 'dora',
    name: 'Dora',
    preferred_username: 'dora',
    email: 'dora@example.net',
    email_verified: true,
    groups: ['staff'],
  },
]

export interface World {
  readonly site: TestLabgate
  readonly upstream: Upstream
  readonly faults: Faults
  /** The same world after a change of the config, on the same data. */
  restart(part: Part): Promise<World>
  close(): Promise<void>
}

/** How one instance of the upstream stands in the config. */
export function atUpstream(issuer: string, settings: Part = {}): Part {
  const { config = {}, ...rest } = settings as { config?: Part }
  return {
    use: '@labgate/auth-oidc',
    config: {
      issuer,
      clientId: upstreamClient.client_id,
      clientSecret: upstreamClient.client_secret,
      label: 'University',
      ...config,
    },
    ...rest,
  }
}

type PartOf = (upstream: string, issuer: string) => Part
type Options = NonNullable<Parameters<typeof startLabgate>[1]>

/** Starts upstream and Labgate; `ids` are the instances that the upstream knows the redirect URI of. */
export async function startWorld(
  given: {
    readonly part?: PartOf
    readonly options?: Options
    readonly users?: readonly UpstreamUser[]
    readonly ids?: readonly string[]
  } = {},
): Promise<World> {
  const port = given.options?.port ?? (await freePort())
  const issuer = `http://localhost:${port}`
  const redirect_uris = ['uni', ...(given.ids ?? [])].map((id) => `${issuer}/sign-in/${id}/callback`)
  const upstream = await startUpstream({
    users: given.users ?? people,
    clients: [{ ...upstreamClient, redirect_uris }],
  })
  const plugins = { uni: atUpstream(upstream.issuer), email: { use: '@labgate/auth-email' } }
  const start = (part: Part, more: Options): Promise<TestLabgate> =>
    startLabgate({ plugins, ...part }, { ...given.options, ...more, port })
  const worldOf = (site: TestLabgate): World => ({
    site,
    upstream,
    faults: upstream.faults,
    async restart(part) {
      await site.labgate.stop()
      return worldOf(await start(part, { folder: site.folder }))
    },
    async close() {
      await site.stop()
      await upstream.close()
    },
  })
  try {
    return worldOf(await start(given.part?.(upstream.issuer, issuer) ?? {}, {}))
  } catch (error) {
    await upstream.close()
    throw error
  }
}

/** A browser that stops at relying parties' doors. */
export function newBrowser(): UserAgent {
  return new UserAgent({ stopAt: ['http://127.0.0.1:9/', 'http://localhost:9/'] })
}

/** Signs in through the upstream, from an address (or a page already open) that leads to the chooser. */
export async function signInAs(agent: UserAgent, login: string, at: string | URL | Page): Promise<Page> {
  const start = typeof at === 'string' || at instanceof URL ? await agent.open(at) : at
  const page = hasButton(start, 'University') ? await agent.press(start, 'University') : start
  return hasButton(page, /^(alice|deny)$/) ? agent.press(page, new RegExp(`^${login}$`)) : page
}

/** Forgets who is signed in at the upstream. */
export function leaveUpstream(agent: UserAgent): void {
  agent.forget('up')
  agent.forget('up.sig')
}

export function hasButton(page: Page, text: string | RegExp): boolean {
  return page.forms.some(({ buttons }) =>
    buttons.some((button) => (typeof text === 'string' ? button.text.includes(text) : text.test(button.text))),
  )
}

/** The title of a page, without the site's name. */
export function titleOf(page: Page): string {
  return /<title>([^<]*?) · /.exec(page.text)?.[1] ?? ''
}

/** The visible text of a page. */
export function textOf(page: Page): string {
  return page.text
    .replace(/<(style|script|head)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ')
    .trim()
}

/** A relying party with settings of its own. */
export interface Party {
  readonly config: client.Configuration
  request(parameters?: Readonly<Record<string, string>>): Promise<{
    readonly url: URL
    readonly verifier: string
    redeem(back: URL): Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers>
  }>
  /** Signs in as a person of the upstream and redeems the code. */
  signIn(
    agent: UserAgent,
    login: string,
    parameters?: Readonly<Record<string, string>>,
  ): Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers>
  /** `prompt=none`: a code or an error (OpenID Connect Core §3.1.2.1). */
  silent(agent: UserAgent): Promise<{ code: string | null; error: string | null; back: URL }>
  userinfo(accessToken: string): Promise<Response>
  /** The raw token endpoint. */
  token(form: Readonly<Record<string, string>>): Promise<{ status: number; body: Record<string, unknown> }>
}

/** Discovers the issuer as client `id`; `secret: undefined` for a public one. */
export async function party(
  site: { readonly issuer: string },
  settings: { id: string; secret?: string | undefined } = { id: 'web', secret: testClients.web.secret },
): Promise<Party> {
  const { id, secret } = settings
  const auth = secret === undefined ? client.None() : client.ClientSecretBasic(secret)
  const metadata = secret === undefined ? {} : { client_secret: secret }
  const execute = [client.allowInsecureRequests]
  const config = await client.discovery(new URL(site.issuer), id, metadata, auth, { execute })
  const request: Party['request'] = (parameters = {}) => authorizationRequest(config, parameters)
  const basic = (): Record<string, string> =>
    secret === undefined ? {} : { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
  return {
    config,
    request,
    async signIn(agent, login, parameters) {
      const asked = await request(parameters)
      const page = await signInAs(agent, login, asked.url)
      if (!page.url.href.startsWith(callback)) throw new Error(`no way back from ${page.url}: ${textOf(page)}`)
      return asked.redeem(page.url)
    },
    async silent(agent) {
      const { url } = await request({ prompt: 'none' })
      const { url: back } = await agent.open(url)
      return { code: back.searchParams.get('code'), error: back.searchParams.get('error'), back }
    },
    userinfo: (token) =>
      fetch(new URL('/oidc/userinfo', site.issuer), { headers: { authorization: `Bearer ${token}` } }),
    async token(form) {
      const body = new URLSearchParams({ ...form, ...(secret === undefined ? { client_id: id } : {}) })
      const response = await fetch(new URL('/oidc/token', site.issuer), { method: 'POST', headers: basic(), body })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
  }
}

/** A clock that a test moves; it goes on by itself, too. */
export function movableClock() {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    advance(seconds: number) {
      ahead += seconds * 1000
    },
  }
}

/**
 * A dialect for tests that uses everything a dialect may: a scope with a claim, an extension grant, client metadata,
 * a member of the discovery document, routes under each kind of guard, a cookie of its own and errors of its own.
 * @module
 */
import {
  type AuthzAdapter,
  type AuthzContext,
  type ConfigOf,
  definePlugin,
  Fault,
  type Json,
  type RouteAsk,
  type RouteClaim,
  type RouteReply,
} from '@labgate/contract'

const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    greeting: { type: 'string', description: 'What it says to people.', default: 'Hello' },
  },
} as const

type Context = AuthzContext<ConfigOf<typeof configSchema>>

/** The grant that the probe adds (RFC 6749 §4.5). */
export const probeGrant = 'urn:labgate:probe:grant'

const token = { token: { cookies: ['probe_token'], query: ['probe_token'], scopes: ['probe'] } }

const claims: readonly RouteClaim[] = [
  { id: 'hello', method: 'GET', path: '/hello/:name', guard: 'public', cors: 'any' },
  { id: 'whoami', method: 'GET', path: '/whoami', guard: 'session' },
  { id: 'me', method: 'GET', path: '/api/me', guard: token },
  { id: 'echo', method: 'POST', path: '/api/echo', guard: token, bodyBytes: 16 },
  { id: 'cookies', method: 'GET', path: '/cookies', guard: 'public' },
  { id: 'bug', method: 'GET', path: '/bug', guard: 'public' },
  { id: 'who', method: 'GET', path: '/who', guard: 'public' },
  { id: 'whoPost', method: 'POST', path: '/who', guard: 'public' },
  { id: 'dataset', method: 'GET', path: '/datasets/:dataset', guard: 'session' },
  { id: 'act', method: 'POST', path: '/act', guard: 'session' },
  { id: 'remove', method: 'DELETE', path: '/things/:id', guard: 'session' },
  { id: 'any', method: 'GET', path: '/api/any', guard: { token: {} } },
  { id: 'key', method: 'GET', path: '/api/key', guard: { token: { header: 'x-probe-key', scheme: '' } } },
  {
    id: 'scheme',
    method: 'PUT',
    path: '/api/scheme',
    guard: { token: { scheme: 'Probe', scopes: ['probe', 'probe.write'] } },
  },
  { id: 'cookie', method: 'PATCH', path: '/api/cookie', guard: { token: { cookies: ['probe_token'] } } },
  { id: 'query', method: 'GET', path: '/api/query/*rest', guard: { token: { query: ['key', 'token'] } } },
]

export default definePlugin({
  kind: 'authz',
  name: 'probe',
  contract: 1,
  config: configSchema,
  text: { en: { scope: 'See your probe badge' } },
  routes: () => claims,
  create,
})

function create(context: Context): AuthzAdapter {
  const { config } = context
  return {
    handlers: {
      hello: async ({ params }) => ({ status: 200, body: `${config.greeting}, ${params.name}` }),
      whoami: async (ask) => ({ ...(await about(context, ask)), cookies: [seen] }),
      me: (ask) => about(context, ask),
      echo: async ({ body }) => ({ status: 200, body }),
      cookies: async ({ cookies, headers }) => ({
        status: 200,
        json: { cookies: cookies as Record<string, string>, header: headers.cookie ?? null },
      }),
      dataset: (ask) => look(context, ask),
      bug: () => Promise.reject(new Error('a bug of the probe')),
      ...Object.fromEntries(
        ['who', 'whoPost', 'act', 'remove', 'any', 'key', 'scheme', 'cookie', 'query'].map((id) => [id, nameOf]),
      ),
    },
    oidc: {
      scopes: { probe: { description: context.text('scope'), claims: ['probe_badge'] } },
      claims: async ({ account, scopes }) => (scopes.includes('probe') ? { probe_badge: badgeOf(account) } : {}),
      grantTypes: {
        [probeGrant]: {
          parameters: ['word'],
          handle: async ({ clientId, parameters }) =>
            parameters.word === 'sesame'
              ? { status: 200, json: { access_token: `probe-for-${clientId}`, token_type: 'Bearer' } }
              : { status: 400, json: { error: 'invalid_grant', error_description: 'the word is another one' } },
        },
      },
      discovery: { probe_endpoint: context.url('/api/me').href },
    },
    project: (principal, { revision }) => ({ name: principal.account.displayName, revision }),
    renderError: ({ status, code }) => ({ status, json: { probe_error: code } }),
  }
}

const seen = { name: 'probe_seen', value: 'yes', sameSite: 'lax', maxAgeSeconds: 60 } as const

async function about({ accounts }: Context, { principal, cookies }: RouteAsk): Promise<RouteReply> {
  if (principal === undefined) return { status: 500 }
  const { account, via, scopes } = principal
  const mayAct = await accounts.mayAct(account.id)
  const json: Json = { username: account.username, via, scopes, mayAct, seen: cookies.probe_seen ?? null }
  return { status: 200, json }
}

/** Lets see who may, and says which answer it gave when it does not. */
async function look({ access }: Context, { principal, params }: RouteAsk): Promise<RouteReply> {
  const { dataset = '' } = params
  const { allowed } = await access.decide({ account: principal?.account.id, dataset, verb: 'view', service: 'probe' })
  if (!allowed) throw new Fault('ERR_FORBIDDEN', 'You may not see it.', { detail: { dataset, verb: 'view' } })
  return { status: 200, json: { dataset } }
}

async function nameOf({ principal }: RouteAsk): Promise<RouteReply> {
  return { status: 200, json: { username: principal?.account.username ?? null, kind: principal?.kind ?? null } }
}

function badgeOf(account: string): string {
  return `badge-of-${account}`
}

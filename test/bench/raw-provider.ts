/**
 * What Labgate is measured against: oidc-provider as it is, its default adapter in memory, RS256, the least
 * interactions that work. Prints one line when it listens. `node raw-provider.ts <port>`
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { clients, redirectUri, resource } from './scenarios.ts'

const port = Number(process.argv[2])
// It warns that the adapter and the key of this set-up are not for production.
console.info = () => undefined
console.warn = () => undefined

const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
const provider = new Provider(`http://localhost:${port}`, {
  jwks: { keys: [{ ...jwk, use: 'sig', alg: 'RS256', kid: 'one' }] },
  clients: Object.values(clients).map(({ id, secret }) => ({
    client_id: id,
    client_secret: secret,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
  })),
  routes: {
    authorization: '/oidc/auth',
    token: '/oidc/token',
    introspection: '/oidc/introspection',
    jwks: '/oidc/jwks',
    userinfo: '/oidc/userinfo',
  },
  cookies: { keys: ['one-key-of-the-raw-provider', 'another-key-of-the-raw-provider'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
  }),
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: 900,
    AuthorizationCode: 60,
    IdToken: 3600,
    RefreshToken: 86_400,
    Interaction: 1800,
    Session: 86_400,
    Grant: 86_400,
  },
} as Configuration)

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next()
  const { uid, prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res)
  if (ctx.method === 'GET') {
    ctx.type = 'html'
    ctx.body = `<!doctype html><form method="post" action="/interaction/${uid}"><button>Go</button></form>`
    return
  }
  for await (const _ of ctx.req);
  const answer =
    prompt.name === 'login'
      ? { login: { accountId: String(params.login_hint) } }
      : { consent: { grantId: await consent(prompt.details, { session, params, grantId }) } }
  ctx.respond = false
  await provider.interactionFinished(ctx.req, ctx.res, answer, { mergeWithLastSubmission: prompt.name === 'consent' })
})

async function consent(
  { missingOIDCScope, missingOIDCClaims }: { missingOIDCScope?: string[]; missingOIDCClaims?: string[] },
  open: { session?: { accountId: string } | undefined; params: Record<string, unknown>; grantId?: string | undefined },
): Promise<string> {
  const fresh = () =>
    new provider.Grant({ accountId: open.session?.accountId as string, clientId: String(open.params.client_id) })
  const grant = (open.grantId === undefined ? undefined : await provider.Grant.find(open.grantId)) ?? fresh()
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims)
  return grant.save()
}

provider.on('server_error', (_: KoaContextWithOIDC, error: Error) => console.error(error))
provider.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'))
process.on('SIGTERM', () => process.exit(0))

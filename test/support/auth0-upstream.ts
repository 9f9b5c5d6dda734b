/**
 * An Auth0 tenant for tests: the issuer has its slash, claims stand in the ID token, roles under a namespace, and there are
 * both ways to sign out; the older one only goes back to registered addresses. Like the real one, it keeps `organization` and
 * `connection` as hints: who a person is there is a matter of the person.
 * @module
 */
import type { ServerResponse } from 'node:http'
import { startUpstream, type Upstream, type UpstreamUser } from './upstream.ts'

export const rolesClaim = 'https://example.org/roles'

/** The application registered at the stand-in. */
export const auth0Client = { client_id: 'auth0-test-client', client_secret: 'auth0-test-value-of-32-characters' }

/** Starts a tenant on a free port; `issuer` has the slash. */
export async function startAuth0(options: {
  readonly users: readonly UpstreamUser[]
  readonly redirectUris: readonly string[]
  readonly logoutUris?: readonly string[]
}): Promise<Upstream> {
  const paths = {
    authorization: '/authorize',
    token: '/oauth/token',
    revocation: '/oauth/revoke',
    userinfo: '/userinfo',
    jwks: '/.well-known/jwks.json',
  }
  return startUpstream({
    users: options.users,
    slash: true,
    paths,
    clients: [
      {
        ...auth0Client,
        redirect_uris: [...options.redirectUris],
        post_logout_redirect_uris: [...(options.logoutUris ?? [])],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    settings: {
      routes: { ...paths, end_session: '/oidc/logout' },
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      claims: {
        openid: ['sub', 'org_id', 'org_name', rolesClaim],
        email: ['email', 'email_verified'],
        profile: ['name', 'given_name', 'family_name', 'nickname', 'picture'],
        auth_time: null,
      },
      conformIdTokenClaims: false,
      pkce: { required: () => false },
    },
    also(request, response) {
      const url = new URL(request.url ?? '/', 'http://tenant.example')
      if (url.pathname !== '/v2/logout') return false
      olderLogout(response, { query: url.searchParams, allowed: options.logoutUris ?? [] })
      return true
    },
  })
}

function olderLogout(response: ServerResponse, ask: { query: URLSearchParams; allowed: readonly string[] }): void {
  const back = ask.query.get('returnTo') ?? ''
  const isKnown = ask.query.get('client_id') === auth0Client.client_id
  if (!isKnown || !ask.allowed.includes(back)) {
    return void response.writeHead(400).end('The "returnTo" querystring parameter is not defined as a valid URL')
  }
  response.writeHead(302, { location: back }).end()
}

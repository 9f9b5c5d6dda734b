/**
 * A Google for tests: endpoints at places of their own, claims in the ID token, `hd` for accounts of an organisation, no way to
 * sign out, and no `prompt=login`. The `hd` parameter is a hint that it does not keep, as anybody can take it out of the address.
 * @module
 */
import { type Faults, startUpstream, type Upstream, type UpstreamUser } from './upstream.ts'

export interface Google extends Upstream {
  /** The JSON document that the console would download. */
  readonly credentials: string
}

/** The application registered at the stand-in. */
export const googleClient = { client_id: '1.apps.googleusercontent.example', client_secret: 'google-test-value' }

/** Starts a Google on a free port. */
export async function startGoogle(options: {
  readonly users: readonly UpstreamUser[]
  readonly redirectUris: readonly string[]
}): Promise<Google> {
  const redirect_uris = [...options.redirectUris]
  const upstream = await startUpstream({
    users: options.users,
    clients: [{ ...googleClient, redirect_uris, token_endpoint_auth_method: 'client_secret_post' }],
    paths: {
      authorization: '/o/oauth2/v2/auth',
      token: '/token',
      revocation: '/revoke',
      userinfo: '/v1/userinfo',
      jwks: '/oauth2/v3/certs',
    },
    faults: { discovery: asGoogleDoes },
    settings: {
      scopes: ['openid', 'email', 'profile'],
      claims: {
        openid: ['sub', 'hd'],
        email: ['email', 'email_verified'],
        profile: ['name', 'given_name', 'family_name', 'picture', 'locale'],
      },
      conformIdTokenClaims: false,
      pkce: { required: () => false },
    },
    also(request, response) {
      const isRefused = /^\/o\/oauth2\/v2\/auth\?(.*&)?prompt=login/.test(request.url ?? '')
      // Every sign-in at the stand-in chooses the account; the library does not know the word.
      request.url = (request.url ?? '/').replace(/[?&]prompt=select_account\b/, (found) =>
        found[0] === '?' ? '?' : '',
      )
      if (isRefused) response.writeHead(400).end('Error 400: invalid_request, invalid parameter value for prompt')
      return isRefused
    },
  })
  const web = {
    ...googleClient,
    project_id: 'lab-sign-in',
    auth_uri: `${upstream.issuer}/o/oauth2/v2/auth`,
    token_uri: `${upstream.issuer}/token`,
    redirect_uris,
  }
  return { ...upstream, credentials: JSON.stringify({ web }) }
}

const asGoogleDoes: NonNullable<Faults['discovery']> = ({ end_session_endpoint: _, ...document }) => ({
  ...document,
  scopes_supported: ['openid', 'email', 'profile'],
})

/** The config of an instance in the words of the sign-in library. @module */
import type { AuthContext } from '@labgate/contract'
import type { OidcConfig } from './config.ts'
import type { Credentials, Endpoints, Registration, SignInNeeds } from './sign-in/index.ts'

/** What the sign-in library needs, from the instance's config and context. */
export function signInNeeds(context: AuthContext<OidcConfig>, redirectUri: URL): SignInNeeds {
  const { id, config, fetch, clock } = context
  const server = { issuer: config.issuer, openid: true, endpoints: endpointsOf(config) }
  const client = config.registration.enabled ? registrationOf(context, redirectUri) : credentialsOf(config)
  return { name: `auth-oidc "${id}"`, fetch, clock, server, client }
}

function endpointsOf(config: OidcConfig): Endpoints {
  const { authorizationEndpoint, tokenEndpoint, userinfoEndpoint, jwksUri } = config
  const { endSessionEndpoint, revocationEndpoint, registrationEndpoint } = config
  const all = { authorizationEndpoint, tokenEndpoint, userinfoEndpoint, jwksUri }
  const rest = { endSessionEndpoint, revocationEndpoint, registrationEndpoint }
  return Object.fromEntries(Object.entries({ ...all, ...rest }).filter((entry) => entry[1] !== undefined))
}

function credentialsOf({ clientId = '', clientSecret, clientAuth }: OidcConfig): Credentials {
  if (clientSecret === undefined) return { clientId, clientAuth: 'none' }
  return { clientId, clientSecret: clientSecret.reveal(), clientAuth }
}

function registrationOf(context: AuthContext<OidcConfig>, redirectUri: URL): Registration {
  const { config, store, siteName } = context
  const token = config.registration.initialAccessToken
  const metadata = {
    client_name: siteName,
    redirect_uris: [redirectUri.href],
    post_logout_redirect_uris: [new URL('/', redirectUri).href],
    response_types: ['code'],
    grant_types: ['authorization_code', ...(config.scopes.includes('offline_access') ? ['refresh_token'] : [])],
    token_endpoint_auth_method: config.clientAuth === 'post' ? 'client_secret_post' : 'client_secret_basic',
  }
  return { store, metadata, ...(token === undefined ? {} : { initialAccessToken: token.reveal() }) }
}

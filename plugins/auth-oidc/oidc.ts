/** The config of an instance in the words of the sign-in library, which does the rest. @module */
import type { AuthContext, AuthMethod } from '@labgate/contract'
import type { OidcConfig } from './config.ts'
import { type Credentials, factsOf, openIdMethod, type Registration, redirectUriOf } from './sign-in/index.ts'

/** Makes a sign-in by OpenID Connect. Pure: the first request goes out at `start` or at the first sign-in. */
export function oidcMethod(context: AuthContext<OidcConfig>): AuthMethod {
  const { config } = context
  const { issuer, icon, scopes, prompt, maxAge, logout, callbackPath } = config
  const { authorizationEndpoint, tokenEndpoint, userinfoEndpoint, jwksUri } = config
  const { endSessionEndpoint, revocationEndpoint, registrationEndpoint } = config
  return openIdMethod(context, {
    plugin: 'auth-oidc',
    name: config.label ?? new URL(issuer).host,
    icon,
    issuer,
    endpoints: {
      ...{ authorizationEndpoint, tokenEndpoint, userinfoEndpoint, jwksUri },
      ...{ endSessionEndpoint, revocationEndpoint, registrationEndpoint },
    },
    client: config.registration.enabled ? registrationOf(context) : credentialsOf(config),
    callbackPath,
    scopes,
    parameters: { ...config.parameters, acr_values: config.acrValues.join(' ') },
    prompt,
    maxAge,
    logout,
    judge: (documents) => ({ facts: factsOf(documents, config) }),
  })
}

function credentialsOf({ clientId = '', clientSecret, clientAuth }: OidcConfig): Credentials {
  if (clientSecret === undefined) return { clientId, clientAuth: 'none' }
  return { clientId, clientSecret: clientSecret.reveal(), clientAuth }
}

function registrationOf(context: AuthContext<OidcConfig>): Registration {
  const { config, store, siteName } = context
  const redirectUri = redirectUriOf(context, config)
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

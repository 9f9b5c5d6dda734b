/** Sign-in with any OpenID Connect provider: authorization code flow (OpenID Connect Core §3.1) with PKCE (RFC 7636). @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { oidcMethod } from './oidc.ts'
import { callbackPathsOf, signInText } from './sign-in/index.ts'

export default definePlugin({
  kind: 'auth',
  name: 'oidc',
  contract: 1,
  config: configSchema,
  text: signInText,
  callbackPaths: callbackPathsOf,
  create: oidcMethod,
})

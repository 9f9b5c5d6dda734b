/** Sign-in with any OpenID Connect provider: authorization code flow (OpenID Connect Core §3.1) with PKCE (RFC 7636). @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { oidcMethod } from './oidc.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'oidc',
  contract: 1,
  config: configSchema,
  text,
  callbackPaths: (config) => (config.callbackPath === undefined ? [] : [config.callbackPath]),
  create: oidcMethod,
})

/** Sign-in at an Auth0 tenant: OpenID Connect Core §3.1, organisations, an allow list, roles, and its two ways to sign out. @module */
import { callbackPathsOf } from '@labgate/auth-oidc/sign-in'
import { definePlugin } from '@labgate/contract'
import { auth0Method } from './auth0.ts'
import { configSchema } from './config.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'auth0',
  contract: 1,
  config: configSchema,
  text,
  callbackPaths: callbackPathsOf,
  create: auth0Method,
})

/** Sign-in with a Google account: OpenID Connect Core §3.1 at accounts.google.com, hosted domains by the `hd` claim. @module */
import { callbackPathsOf } from '@labgate/auth-oidc/sign-in'
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { googleMethod } from './google.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'google',
  contract: 1,
  config: configSchema,
  text,
  callbackPaths: callbackPathsOf,
  create: googleMethod,
})

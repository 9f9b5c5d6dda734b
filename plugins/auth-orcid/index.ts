/** Sign-in with an ORCID iD: OpenID Connect Core §3.1 at orcid.org or its sandbox, employment from the public record (API 3.0). @module */
import { callbackPathsOf } from '@labgate/auth-oidc/sign-in'
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { orcidMethod } from './orcid.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'orcid',
  contract: 1,
  config: configSchema,
  text,
  callbackPaths: callbackPathsOf,
  create: orcidMethod,
})

/** Sign-in with a GitHub account: OAuth 2.0 authorization code (RFC 6749 §4.1) with PKCE (RFC 7636), and GitHub's REST API. @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { githubMethod } from './github.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'github',
  contract: 1,
  config: configSchema,
  text,
  callbackPaths: (config) => (config.callbackPath === undefined ? [] : [config.callbackPath]),
  create: githubMethod,
})

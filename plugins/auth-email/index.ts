/** Sign-in with a link and a six-digit code sent by e-mail (a one-time password, RFC 8176 `otp`). @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { emailMethod } from './email.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'email',
  contract: 1,
  config: configSchema,
  text,
  create: emailMethod,
})

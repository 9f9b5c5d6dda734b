/** Sign-in with a LabArchives account: the signed `api_user_login` of the LabArchives ELN API, or a one-hour code typed by hand. @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { labArchivesMethod } from './labarchives.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'labarchives',
  contract: 1,
  config: configSchema,
  text,
  create: labArchivesMethod,
})

/**
 * ngauth, the protocol by which Neuroglancer reads private buckets of Google Cloud Storage: a popup to sign in, a token for
 * the person, and for each bucket a credential of Google that is limited to what they may see.
 * @module
 */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { ngauthAdapter } from './ngauth.ts'
import { ngauthRoutes } from './routes.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'authz',
  name: 'ngauth',
  contract: 1,
  config: configSchema,
  text,
  routes: ngauthRoutes,
  create: ngauthAdapter,
})

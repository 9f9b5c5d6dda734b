/** The adapter: handlers below both prefixes, the projection, errors in the dialect. @module */
import type { AuthzAdapter, Handler } from '@labgate/contract'
import { json, renderError, words } from './answers.ts'
import { withCleanAddress } from './browsers.ts'
import type { CaveContext } from './config.ts'
import { datasetHandlers } from './datasets.ts'
import { groupHandlers } from './groups.ts'
import { peopleHandlers } from './people.ts'
import { permissionHandlers } from './permissions.ts'
import { project } from './project.ts'
import { caveRoutes, isReadByCookie } from './routes.ts'
import { serviceHandlers } from './services.ts'
import { signInHandlers } from './sign-in.ts'
import { tableHandlers } from './tables.ts'
import { tokenHandlers } from './tokens.ts'
import { tosHandlers } from './tos.ts'
import { userHandlers } from './users.ts'

/** Makes the adapter. */
export function caveAdapter(context: CaveContext): AuthzAdapter {
  const { config } = context
  const all: Readonly<Record<string, Handler>> = {
    ...peopleHandlers(context),
    ...userHandlers(context),
    ...groupHandlers(context),
    ...datasetHandlers(context),
    ...permissionHandlers(context),
    ...tosHandlers(context),
    ...serviceHandlers(context),
    ...tableHandlers(context),
    ...tokenHandlers(context),
    ...signInHandlers(context),
    apps: async () => json(config.services.map((url, index) => ({ id: index + 1, url }))),
    version: async () => words(200, 'neuroglance_auth -- version 2.30.3 (Labgate)'),
  }
  const handlers = caveRoutes(config).map((claim) => {
    const { id } = claim
    const handler = all[id.slice(id.indexOf('.') + 1)]
    if (!handler) throw new TypeError(`no handler for ${id}`)
    return [id, isReadByCookie(claim) ? withCleanAddress(context, handler) : handler] as const
  })
  return {
    handlers: Object.fromEntries(handlers),
    project,
    renderError: (fault, ask) => renderError(context, fault, ask),
  }
}

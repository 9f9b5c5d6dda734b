/** The adapter: a handler for every route under each version, the projection, errors in the dialect. @module */
import { type AuthzAdapter, Fault, type Handler } from '@labgate/contract'
import { renderError } from './answers.ts'
import type { DatalabContext } from './config.ts'
import { groupHandlers } from './groups.ts'
import { infoHandlers } from './info.ts'
import { keyHandlers } from './keys.ts'
import { meHandlers } from './me.ts'
import { peopleHandlers } from './people.ts'
import { project } from './person.ts'
import { providersOf } from './providers.ts'
import { createRemotes } from './remotes/remotes.ts'
import { datalabRoutes } from './routes.ts'
import { signInHandlers } from './sign-in.ts'

/** Makes the adapter. Opens nothing. */
export function datalabAdapter(context: DatalabContext): AuthzAdapter {
  const providers = providersOf(context)
  const remotes = createRemotes(context, context.config.remotes)
  const all: Readonly<Record<string, Handler>> = {
    ...infoHandlers(context, providers),
    ...meHandlers(context, providers),
    ...keyHandlers(context),
    ...peopleHandlers(context),
    ...groupHandlers(context),
    ...signInHandlers(context, providers),
    ...remotes.handlers,
  }
  const handlers = datalabRoutes(context.config).map(({ id }) => {
    const handler = all[id.slice(id.lastIndexOf('.') + 1)]
    if (!handler) throw new TypeError(`no handler for ${id}`)
    return [id, handler] as const
  })
  return {
    handlers: Object.fromEntries(handlers),
    project,
    renderError: (fault, ask) => renderError(context, fault, ask),
    start: async () => {
      await rememberPrefix(context)
      await remotes.start?.()
    },
    stop: async () => remotes.stop?.(),
    ...(remotes.probe ? { probe: remotes.probe } : {}),
  }
}

/** As long as the installation lives. */
const forever = 100 * 366 * 86_400

/** Refcodes that were given begin with the prefix: another one would name nothing that exists. */
async function rememberPrefix({ id, config, store, log }: DatalabContext): Promise<void> {
  const { identifierPrefix: prefix, allowPrefixChange } = config
  const before = await store.get('prefix')
  if (typeof before === 'string' && before !== prefix && !allowPrefixChange)
    throw new Fault(
      'ERR_CONFIG',
      `plugins.${id}: identifierPrefix was ${before} and is ${prefix} now; refcodes do not follow. Put it back, or set allowPrefixChange: true`,
    )
  if (typeof before === 'string' && before !== prefix) log.warn({ before, prefix }, 'identifierPrefix was changed')
  await store.put('prefix', prefix, forever)
}

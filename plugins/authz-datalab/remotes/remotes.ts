/** The remote file systems of one instance: handlers, background work, and their end. @module */
import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type AuthzContext, Fault, type Finding, type Handler } from '@labgate/contract'
import { checkRemotes, type RemotesConfig } from './config.ts'
import { createCopies } from './copies.ts'
import { remoteHandlers } from './handlers.ts'
import { createListings, reasonOf } from './listings.ts'
import { keptFiles } from './store.ts'
import { systemsOf } from './systems.ts'

/** What the adapter of the dialect takes over. */
export interface Remotes {
  readonly handlers: Readonly<Record<string, Handler>>
  /** @throws Fault ERR_CONFIG when the cache folder cannot be used; a host that is down stops nothing */
  start?(): Promise<void>
  stop?(): Promise<void>
  /** For `doctor`: asks each file system for its root. */
  probe?(): AsyncIterable<Finding>
}

/**
 * Makes them. Opens nothing.
 * @throws Fault ERR_CONFIG: least age over greatest, a name twice, a host whose pins or key cannot be read
 */
export function createRemotes(context: AuthzContext, config: RemotesConfig | undefined): Remotes {
  if (!config) return withoutAny(context)
  checkRemotes(config, context.id)
  const { clock, id, log, random, store } = context
  const ending = new AbortController()
  const folder = join(config.cacheFolder, id)
  const systems = systemsOf(config, log)
  const listings = createListings({
    ...{ systems, clock, store, log, stopping: ending.signal, kept: keptFiles(join(folder, 'listings'), random) },
    ...{ maxAgeSeconds: config.maxAge, minAgeSeconds: config.minAge },
    limits: { entries: config.limits.entries, bytes: config.limits.treeBytes, seconds: config.listingTime },
  })
  const copies = createCopies({
    ...{ systems, clock, store, kept: keptFiles(join(folder, 'files'), random) },
    ...{ maxAgeSeconds: config.fileMaxAge, fileBytes: config.limits.fileBytes, cacheBytes: config.limits.cacheBytes },
  })
  let background: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const half = config.maxAge / 2
  const tend = async (): Promise<void> => {
    await listings.refresh(half)
    await copies.shrink().catch((error: unknown) => log.warn(reasonOf(error), 'old copies of files were not removed'))
  }
  return {
    handlers: remoteHandlers({ config, context, systems, listings, copies, stopping: ending.signal }),
    start: async () => {
      await usable(folder, id)
      if (!config.background) return
      // Not waited for: a host that is down must not keep the site from starting.
      background = tend()
      const again = (): void => {
        background = background.then(tend)
      }
      timer = setInterval(again, Math.max(1000, Math.min(half * 1000, 2 ** 31 - 1)))
      timer.unref()
    },
    stop: async () => {
      clearInterval(timer)
      ending.abort(new Fault('ERR_UPSTREAM', 'Labgate is stopping'))
      await Promise.all([...systems.values()].map(({ files }) => files.close()))
      await Promise.all([background, listings.settled()])
    },
    probe: () => probe(config, systems, ending.signal),
  }
}

function withoutAny(context: AuthzContext): Remotes {
  const ending = new AbortController()
  const nothing = (): Promise<never> => Promise.reject(new TypeError('there are no remote file systems'))
  return {
    handlers: remoteHandlers({
      ...{ config: undefined, context, systems: new Map(), stopping: ending.signal },
      listings: { tree: nothing, refresh: nothing, settled: nothing },
      copies: { get: nothing, shrink: nothing },
    }),
  }
}

async function usable(folder: string, id: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new Fault('ERR_CONFIG', `plugins.${id}: remotes.cacheFolder: ${folder} cannot be made or written to`, {
      cause,
    })
  }
}

async function* probe(
  { fileSystems }: RemotesConfig,
  systems: ReturnType<typeof systemsOf>,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  for (const { name, path, ssh } of fileSystems) {
    const what = `remote file system “${name}” (${ssh ? `${ssh.user}@${ssh.host}:` : ''}${path})`
    try {
      const facts = await systems.get(name)?.files.use(signal, (files) => files.facts([]))
      const ok = facts?.kind === 'folder'
      yield ok ? { ok, what } : { ok, what, mend: 'its path is no folder' }
    } catch (error) {
      yield { ok: false, what, mend: String(reasonOf(error).reason) }
    }
  }
}

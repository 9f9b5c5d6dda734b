/** Answers about remote file systems, in datalab's words. What somebody does not see is not there for them. @module */
import {
  type AuthzContext,
  Fault,
  type Handler,
  isFault,
  type Json,
  type Principal,
  type RouteAsk,
  type RouteReply,
} from '@labgate/contract'
import type { RemoteConfig, RemotesConfig } from './config.ts'
import type { Copies } from './copies.ts'
import { fileTroubleOf, wordsOf } from './files/file-system.ts'
import { type Path, parsePath, pathText, shown } from './files/path.ts'
import type { Listings } from './listings.ts'
import { pageOf } from './page.ts'
import { isSeen, seenBy } from './sight.ts'
import type { Systems } from './systems.ts'
import { nodeOf } from './tree.ts'

/** What the handlers need. */
export interface RemoteNeeds {
  readonly config: RemotesConfig | undefined
  readonly context: Pick<AuthzContext, 'access' | 'noteIssue'>
  readonly systems: Systems
  readonly listings: Listings
  readonly copies: Copies
  readonly stopping: AbortSignal
}

const pageLimit = { standard: 200, most: 1000 } as const

/** One handler a route, by its id. */
export function remoteHandlers(needs: RemoteNeeds): Readonly<Record<string, Handler>> {
  const list: Handler = (ask) => listAll(needs, ask)
  return {
    remotes: list,
    remotesOld: list,
    remote: (ask) => withRemote(needs, ask, (remote) => listOne(needs, ask, remote)),
    remoteList: (ask) => withRemote(needs, ask, (remote) => listFolder(needs, ask, remote)),
    remoteFile: (ask) => withRemote(needs, ask, (remote) => giveFile(needs, ask, remote)),
  }
}

async function listAll({ config, context, listings }: RemoteNeeds, ask: RouteAsk): Promise<RouteReply> {
  const invalidate = invalidateOf(ask)
  const seen = await seenBy(principalOf(ask), config?.fileSystems ?? [], context.access)
  // Side by side: one that does not answer keeps nobody waiting but itself.
  const data = await Promise.all(seen.map(({ name }) => listings.tree(name, invalidate)))
  const remotes = seen.map(metaOf)
  const oldest = data.map(({ last_updated }) => last_updated).toSorted()[0]
  if (oldest === undefined) return { status: 200, json: { meta: { remotes } } }
  return { status: 200, json: { meta: { remotes, oldest_cache_update: oldest }, data } }
}

async function listOne({ listings }: RemoteNeeds, ask: RouteAsk, remote: RemoteConfig): Promise<RouteReply> {
  const data = await listings.tree(remote.name, invalidateOf(ask))
  return { status: 200, json: { meta: { remote: metaOf(remote) }, data } }
}

async function listFolder(needs: RemoteNeeds, ask: RouteAsk, remote: RemoteConfig): Promise<RouteReply> {
  const path = pathOf(ask, '')
  const limit = limitOf(ask)
  const after = single(ask, 'after')
  const most = needs.config?.limits.folderEntries ?? 0
  const page = await inTime(needs, remote, (signal) =>
    needs.systems.get(remote.name)?.files.use(signal, (files) => pageOf(files, { path, after, limit, most })),
  )
  const last = page.entries.at(-1)?.name
  const text = pathText(path)
  return {
    status: 200,
    json: {
      status: 'success',
      data: page.entries.map((entry) => ({
        ...nodeOf(entry, path),
        path: [...path, entry.name].join('/').toWellFormed(),
      })),
      meta: {
        ...{ remote: metaOf(remote), path: text, truncated: page.truncated },
        next: page.more && last !== undefined ? last.toWellFormed() : null,
      },
    },
  }
}

async function giveFile(needs: RemoteNeeds, ask: RouteAsk, remote: RemoteConfig): Promise<RouteReply> {
  const path = pathOf(ask)
  const name = path.at(-1)
  if (name === undefined) throw new Fault('ERR_INPUT', 'The path must name a file.')
  const copy = await inTime(needs, remote, (signal) => needs.copies.get({ remote: remote.name, path, signal }))
  const { account } = principalOf(ask)
  const file = shown(pathText(path)).slice(0, 200)
  await needs.context.noteIssue({ account: account.id, ask, detail: { remote: remote.name, file } })
  return {
    status: 200,
    body: copy.bytes,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': dispositionOf(name),
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'private, no-store',
      'Last-Modified': copy.modified.toUTCString(),
    },
  }
}

/** RFC 6266 §4: saved, never shown, under a name that is the last step of the path and nothing else. */
export function dispositionOf(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._ -]/g, '_')
  const whole = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*!]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`
}

async function withRemote(
  { config, context }: RemoteNeeds,
  ask: RouteAsk,
  work: (remote: RemoteConfig) => Promise<RouteReply>,
): Promise<RouteReply> {
  const remote = config?.fileSystems.find(({ name }) => name === ask.params.name)
  if (!remote || !(await isSeen(principalOf(ask), remote, context.access))) return trouble(404, 'No such remote.')
  try {
    return await work(remote)
  } catch (error) {
    const kind = fileTroubleOf(error)
    if (kind === undefined || !isFault(error)) throw error
    return trouble(kind === 'timeout' ? 504 : error.status, wordsOf(error))
  }
}

async function inTime<T>(
  { config, stopping, systems }: RemoteNeeds,
  { name }: RemoteConfig,
  work: (signal: AbortSignal) => Promise<T> | undefined,
): Promise<T> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout((config?.listingTime ?? 1) * 1000)])
  const done = systems.has(name) ? work(signal) : undefined
  if (done === undefined) throw new TypeError(`no file system ${name}`)
  return done
}

const titles: Readonly<Record<number, string>> = { 404: 'Not Found', 502: 'Bad Gateway', 504: 'Gateway Timeout' }

function trouble(status: number, detail: string): RouteReply {
  return { status, json: { status: 'error', title: titles[status] ?? 'Error', detail } }
}

// datalab tells host and folder there; people need neither.
function metaOf({ name }: RemoteConfig): { readonly [key: string]: Json } {
  return { name, hostname: null, path: '/' }
}

function principalOf({ principal }: RouteAsk): Principal {
  if (!principal) throw new Fault('ERR_UNAUTHENTICATED', 'Remote directories need a sign-in or a key.')
  return principal
}

function invalidateOf(ask: RouteAsk): boolean | undefined {
  const value = single(ask, 'invalidate_cache')
  if (value !== undefined && value !== '0' && value !== '1')
    throw new Fault('ERR_INPUT', 'invalidate_cache must be 0 or 1')
  return value === undefined ? undefined : value === '1'
}

function limitOf(ask: RouteAsk): number {
  const text = single(ask, 'limit') ?? String(pageLimit.standard)
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > pageLimit.most)
    throw new Fault('ERR_INPUT', `limit must be a whole number from 1 to ${pageLimit.most}`)
  return limit
}

function pathOf(ask: RouteAsk, standard?: string): Path {
  const text = single(ask, 'path') ?? standard
  if (text === undefined) throw new Fault('ERR_INPUT', 'path is missing')
  return parsePath(text)
}

function single({ url }: RouteAsk, name: string): string | undefined {
  const values = url.searchParams.getAll(name)
  if (values.length > 1) throw new Fault('ERR_INPUT', `${name} must be given once`)
  return values[0]
}

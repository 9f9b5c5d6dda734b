/** Everything a person has stored for one app, as an archive that is never held whole. @module */
import { Readable } from 'node:stream'
import { Fault } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import { actorAt, type MyWorkspaces, workspacesBase } from './workspace-desk.ts'

/** The handler of the download; one at a time for each person. */
export function workspaceArchive(own: MyWorkspaces): (ctx: Ctx) => Promise<void> {
  const busy = new Set<string>()
  return async (ctx) => {
    const mine = await own.session(ctx)
    // A page of another site, or of somebody's notebook, could begin it over and over.
    if (/^(cross|same)-site$/.test(ctx.get('sec-fetch-site'))) return own.leave(ctx, mine, { to: workspacesBase })
    if (ctx.method === 'HEAD') return void ctx.set('Content-Type', 'application/x-tar')
    if (busy.has(mine.account)) throw new Fault('ERR_RATE', own.desk.text(ctx, 'workspaces.oneDownload'))
    busy.add(mine.account)
    const done = () => busy.delete(mine.account)
    try {
      const profile = ctx.params.profile ?? ''
      const parts = await own.workspaces.archive(actorAt(ctx, mine), { account: mine.account, profile })
      const body = await begun(parts)
      ctx.res.once('close', done)
      if (ctx.res.destroyed) done()
      ctx.set({
        'Content-Type': 'application/x-tar',
        // The room knows the profile, whose name is letters, digits and dashes.
        'Content-Disposition': `attachment; filename="storage-${profile.replaceAll(/[^\w-]/g, '')}.tar"`,
        'Content-Security-Policy': "default-src 'none'; sandbox",
      })
      ctx.body = body
    } catch (error) {
      done()
      throw error
    }
  }
}

/** The stream, when its first part is there: what fails at once is told as an error, not as a broken file. */
async function begun(parts: AsyncIterable<Uint8Array>): Promise<Readable> {
  const iterator = parts[Symbol.asyncIterator]()
  const first = await iterator.next()
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (let part = first; part.done !== true; part = await iterator.next()) yield part.value
    } finally {
      await iterator.return?.()
    }
  }
  return Readable.from(rest(), { objectMode: false })
}

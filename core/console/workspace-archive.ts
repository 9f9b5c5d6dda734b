/** Everything a person has stored for one app, as an archive that is never held whole. @module */
import { Fault, isFault } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import { answerHead, sendFile } from '../http/download.ts'
import { archiveType, nameOfArchive } from '../workspaces/storages.ts'
import { actorAt, type MyWorkspaces, workspacesBase } from './workspace-desk.ts'

/** The handler of the download; the room gives one at a time for each person. */
export function workspaceArchive(own: MyWorkspaces): (ctx: Ctx) => Promise<void> {
  return async (ctx) => {
    const mine = await own.session(ctx)
    // A page of another site, or of somebody's notebook, could begin it over and over.
    if (/^(cross|same)-site$/.test(ctx.get('sec-fetch-site'))) return own.leave(ctx, mine, { to: workspacesBase })
    if (ctx.method === 'HEAD') return answerHead(ctx, archiveType)
    const profile = ctx.params.profile ?? ''
    try {
      const parts = await own.workspaces.archive(actorAt(ctx, mine), { account: mine.account, profile })
      await sendFile(ctx, { name: nameOfArchive(profile), type: archiveType, parts })
    } catch (error) {
      if (isFault(error) && error.code === 'ERR_RATE')
        throw new Fault('ERR_RATE', own.desk.text(ctx, 'workspaces.oneDownload'))
      throw error
    }
  }
}

/** What the pages of a person’s workspaces share: whose they are, where they are opened, what is said next. @module */
import { Fault } from '@labgate/contract'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import { seeOther } from '../http/see-other.ts'
import type { Desk } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import type { Notice, Post } from '../pages/views.ts'
import type { WorkspacesRoom } from '../workspaces/create.ts'
import type { Workspace } from '../workspaces/model.ts'
import type { Say } from './workspace-words.ts'

/** What the pages stand on. */
export interface MyWorkspacesNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly workspaces: WorkspacesRoom
  /** Seconds before the end of a lease at which it is told. */
  readonly warningSeconds: number
  /** Whether every workspace has an origin of its own, so that others can be let into one. */
  readonly hasGuests: boolean
}

/** What the pages share. */
export interface MyWorkspaces extends MyWorkspacesNeeds {
  say(ctx: Ctx): Say
  session(ctx: Ctx): Promise<BrowserSession>
  /** A workspace of whoever asks; another’s is not there, admins’ own pages are in the console. @throws Fault ERR_NOT_FOUND */
  own(ctx: Ctx): Promise<{ mine: BrowserSession; workspace: Workspace }>
  post(ctx: Ctx, action: string): Post
  /** Where a workspace is opened, while it can be. */
  openAt(workspace: Workspace): string | undefined
  /** What was left to be said on the next page. */
  note(mine: BrowserSession): Promise<Notice | undefined>
  leave(ctx: Ctx, mine: BrowserSession, next: { to: string; said?: string }): Promise<void>
}

/** Where they are. */
export const workspacesBase = '/workspaces'
/** Forms of these pages. */
export const workspacesPurpose = 'workspaces'

/** Address of one workspace's page. */
export function workspacePath(id: string): string {
  return `${workspacesBase}/${encodeURIComponent(id)}`
}

/** Puts it together. */
export function createMyWorkspaces(needs: MyWorkspacesNeeds): MyWorkspaces {
  const { desk, workspaces } = needs
  const noteKey = ({ handle }: BrowserSession) => `workspaces:${handle}`
  const session = async (ctx: Ctx): Promise<BrowserSession> => {
    const found = await desk.cookie.of(ctx.req)
    if (!found) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
    return found
  }
  return {
    ...needs,
    session,
    say: (ctx) => (key, values) => desk.text(ctx, key, values),
    async own(ctx) {
      const mine = await session(ctx)
      const workspace = await workspaces.find(ctx.params.id ?? '')
      if (workspace?.account !== mine.account) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'workspaces.unknown'))
      return { mine, workspace }
    },
    post: (ctx, action) => ({ action, csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', workspacesPurpose) }),
    openAt(workspace) {
      const profile = workspaces.profile(workspace.profile)
      const { origin, basePath } = workspaces.addressOf(workspace.id)
      if (profile === undefined || origin === '' || !isUp(workspace)) return undefined
      return `${origin}${basePath}${profile.landing}`
    },
    async note(mine) {
      const kept = await desk.attempts.takeNote(noteKey(mine))
      return kept === undefined ? undefined : { tone: 'success', text: kept }
    },
    async leave(ctx, mine, { to, said }) {
      if (said !== undefined) await desk.attempts.leaveNote(noteKey(mine), said)
      seeOther(ctx, to)
    },
  }
}

/** Whether the proxy lets anybody in. */
export function isUp({ state, wanted }: Pick<Workspace, 'state' | 'wanted'>): boolean {
  return (state === 'ready' || state === 'idle') && wanted === 'running'
}

/** Who acts, from where. */
export function actorAt(ctx: Ctx, { account }: BrowserSession) {
  const { address, requestId } = ctx.state
  return { kind: 'account', account, address, requestId } as const
}

/** Whether the end of a lease is near enough to be told. */
export function endsSoon({ leaseEndsAt }: Workspace, { desk, warningSeconds }: MyWorkspacesNeeds): boolean {
  return leaseEndsAt.getTime() - desk.clock.now().getTime() <= warningSeconds * 1000
}

/** What was found without a record has no name. */
export function titleOf({ title, id }: Pick<Workspace, 'title' | 'id'>): string {
  return title === '' ? id : title
}

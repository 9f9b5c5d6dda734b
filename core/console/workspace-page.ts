/** The page of one workspace: how far it is, what happened, and what its owner can do with it. @module */
import { Fault, isFault } from '@labgate/contract'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import type { Notice } from '../pages/views.ts'
import type { TroubleView, WorkspacePageView, WorkspaceViews } from '../pages/views-workspaces.ts'
import { ended, type Workspace } from '../workspaces/model.ts'
import { typedIn } from './typed.ts'
import { actorAt, endsSoon, isUp, type MyWorkspaces, titleOf, workspacePath, workspacesBase } from './workspace-desk.ts'
import { newestEvents } from './workspace-lines.ts'
import { eventWords, limitWords, minuteOf, reasonWords } from './workspace-words.ts'

/** What a form did: where to go, what to say there, or what is shown here and never again. */
type Apply = (
  ctx: Ctx,
  at: At,
) => Promise<{ to?: string; said?: string; once?: WorkspaceViews['workspace-credential'] }>

interface At {
  readonly mine: BrowserSession
  readonly workspace: Workspace
}

/** A form on the page; it answers where to go and what to say there. */
interface PageForm {
  readonly path: string
  apply(ctx: Ctx): Promise<void>
}

/** How often a browser without scripts looks again, while something is under way. */
const refreshSeconds = 3

/** The page and its forms. */
export function workspacePage(own: MyWorkspaces): { show(ctx: Ctx): Promise<void>; forms: readonly PageForm[] } {
  const show = async (ctx: Ctx, at: At, notice?: Notice): Promise<void> =>
    own.desk.show(ctx, 'workspace', await viewOf(ctx, own, { ...at, notice }))
  const form = (path: string, apply: Apply): PageForm => ({
    path,
    async apply(ctx) {
      const at = await own.own(ctx)
      try {
        const { to = workspacePath(at.workspace.id), said, once } = await apply(ctx, at)
        if (once) return own.desk.show(ctx, 'workspace-credential', once)
        await own.leave(ctx, at.mine, { to, ...(said === undefined ? {} : { said }) })
      } catch (error) {
        if (!isFault(error) || !error.shown) throw error
        await show(ctx, await own.own(ctx), { tone: 'error', text: error.message })
        ctx.status = error.status
      }
    },
  })
  return {
    async show(ctx) {
      const mine = await own.session(ctx)
      const found = await own.workspaces.find(ctx.params.id ?? '')
      // The proxy sends guests here when it does not run: all that is theirs to know is that, and whose it is.
      if (found?.guests.includes(mine.account)) return tellGuest(ctx, own, { mine, workspace: found })
      await show(ctx, await own.own(ctx))
    },
    forms: formsOf(own, form),
  }
}

async function tellGuest(ctx: Ctx, own: MyWorkspaces, { mine, workspace }: At): Promise<void> {
  const { desk } = own
  // It runs again: it stands among what is shared with them.
  if (isUp(workspace)) return own.leave(ctx, mine, { to: workspacesBase })
  const owner = (await desk.accounts.find(workspace.account))?.displayName ?? ''
  const state = desk.text(ctx, `workspaces.states.${workspace.state}`)
  desk.show(ctx, 'message', {
    tone: 'info',
    title: desk.text(ctx, 'workspaces.notRunning', { title: titleOf(workspace), owner }),
    text: [desk.text(ctx, 'workspaces.notRunningText', { state })],
    link: { label: desk.text(ctx, 'workspaces.all'), href: workspacesBase },
  })
}

function formsOf({ desk, workspaces }: MyWorkspaces, form: (path: string, apply: Apply) => PageForm): PageForm[] {
  return [
    form('stop', async (ctx, { mine, workspace: { id } }) => {
      await workspaces.stop(actorAt(ctx, mine), id)
      return {}
    }),
    form('restart', async (ctx, { mine, workspace: { id } }) => {
      await workspaces.restart(actorAt(ctx, mine), id)
      return {}
    }),
    form('extend', async (ctx, { mine, workspace: { id } }) => {
      const { leaseEndsAt } = await workspaces.extend(actorAt(ctx, mine), id)
      return { said: desk.text(ctx, 'workspaces.extended', { until: minuteOf(leaseEndsAt) }) }
    }),
    form('reveal', async (ctx, { mine, workspace }) => {
      const { credential, ...way } = await workspaces.reveal(actorAt(ctx, mine), workspace.id)
      const title = desk.text(ctx, 'workspaces.direct.revealed', { title: titleOf(workspace) })
      return { once: { title, back: workspacePath(workspace.id), href: hrefOf(way), credential } }
    }),
    form('forget', async (ctx, { mine, workspace }) => {
      await workspaces.forget(actorAt(ctx, mine), workspace.id)
      return { to: workspacesBase, said: desk.text(ctx, 'workspaces.forgotten', { title: titleOf(workspace) }) }
    }),
    form('invite', async (ctx, { mine, workspace: { id } }) => {
      // By username alone: an address would tell whether somebody has an account here.
      const username = (typedIn(ctx).username ?? '').trim().toLowerCase().slice(0, 64)
      const guest = username === '' ? undefined : await desk.accounts.findByUsername(username)
      if (guest === undefined || guest.kind !== 'person')
        throw new Fault('ERR_INPUT', desk.text(ctx, 'workspaces.noSuchPerson', { username }))
      await workspaces.invite(actorAt(ctx, mine), id, guest.id)
      return { said: desk.text(ctx, 'workspaces.invited', { name: guest.displayName }) }
    }),
    form('uninvite', async (ctx, { mine, workspace: { id } }) => {
      await workspaces.uninvite(actorAt(ctx, mine), id, typedIn(ctx).guest ?? '')
      return { said: desk.text(ctx, 'workspaces.uninvited') }
    }),
  ]
}

async function viewOf(
  ctx: Ctx,
  own: MyWorkspaces,
  { mine, workspace, notice }: At & { notice: Notice | undefined },
): Promise<WorkspacePageView> {
  const { desk, workspaces } = own
  const { id, state, wanted, limits, image, createdAt, leaseEndsAt } = workspace
  const say = own.say(ctx)
  const events = await newestEvents(workspaces, id)
  const isOver = ended.includes(state)
  const isMoving =
    !isOver && (wanted !== 'running' || ['requested', 'reserved', 'starting', 'stopping'].includes(state))
  const soon = !isOver && wanted === 'running' && endsSoon(workspace, own)
  return {
    now: desk.clock.now(),
    message: notice ?? (await own.note(mine)),
    title: titleOf(workspace),
    app: workspaces.profile(workspace.profile)?.title ?? workspace.profile,
    ...{ state, image, size: workspace.size, since: createdAt },
    reason: isOver || wanted !== 'running' ? reasonWords(say, workspace) : undefined,
    limits: limitWords(say, limits, workspaces.capabilities(workspace.runner)),
    ...(isOver ? {} : { until: leaseEndsAt }),
    warning: soon ? desk.text(ctx, 'workspaces.endsSoon', { until: minuteOf(leaseEndsAt) }) : undefined,
    notice: isOver ? undefined : events.findLast(({ kind }) => kind === 'message')?.text,
    trouble: troubleOf(ctx, own, workspace),
    events: events.map((event) => ({
      ...{ number: event.number, at: event.at, kind: event.kind },
      text: eventWords(say, event),
    })),
    ...(isOver ? {} : { live: `${workspacePath(id)}/events?after=${events.at(-1)?.number ?? 0}` }),
    ...(isMoving ? { refresh: refreshSeconds } : {}),
    ...actionsOf(ctx, own, workspace),
    direct: directOf(ctx, own, workspace),
    guests: await guestsOf(ctx, own, workspace),
  }
}

function troubleOf(ctx: Ctx, own: MyWorkspaces, { id, trouble, state }: Workspace): TroubleView | undefined {
  if (trouble === undefined) return undefined
  const { message, hint, logs, retryable } = trouble
  const canRetry = retryable && state === 'failed'
  return { message, hint, logs, ...(canRetry ? { retry: own.post(ctx, `${workspacePath(id)}/restart`) } : {}) }
}

function actionsOf(ctx: Ctx, own: MyWorkspaces, workspace: Workspace): Partial<WorkspacePageView> {
  const { id, state, wanted, leaseEndsAt, leaseLimitAt } = workspace
  const at = workspacePath(id)
  const post = (path: string) => own.post(ctx, `${at}/${path}`)
  if (ended.includes(state)) {
    const isOffered = own.workspaces.profile(workspace.profile) !== undefined
    const isRetry = workspace.trouble?.retryable === true && state === 'failed'
    return { ...(isOffered && !isRetry ? { restart: post('restart') } : {}), forget: post('forget') }
  }
  if (wanted !== 'running' || state === 'stopping') return { logs: `${at}/logs` }
  return {
    open: own.openAt(workspace),
    logs: `${at}/logs`,
    stop: post('stop'),
    ...(isUp(workspace) ? { restart: post('restart') } : {}),
    ...(isUp(workspace) && leaseEndsAt < leaseLimitAt ? { extend: post('extend') } : {}),
  }
}

/** In clear: who wants more puts a proxy with a certificate before the range. */
function hrefOf({ address, path }: { readonly address: string; readonly path: string }): string {
  return `http://${address}${path}`
}

function directOf(ctx: Ctx, own: MyWorkspaces, { id, direct }: Workspace): WorkspacePageView['direct'] {
  if (direct?.address === undefined) return direct && {}
  const { address, path, shownAt } = direct
  const reveal = shownAt ? undefined : own.post(ctx, `${workspacePath(id)}/reveal`)
  return { href: hrefOf({ address, path }), shownAt, reveal }
}

async function guestsOf(
  ctx: Ctx,
  { desk, hasGuests, post }: MyWorkspaces,
  { id, guests, state }: Workspace,
): Promise<WorkspacePageView['guests']> {
  if (!hasGuests || (ended.includes(state) && guests.length === 0)) return undefined
  const at = workspacePath(id)
  const list = await Promise.all(
    guests.map(async (guest) => {
      const found = await desk.accounts.find(guest)
      return {
        name: found?.displayName ?? guest,
        username: found?.username ?? '',
        uninvite: { ...post(ctx, `${at}/uninvite`), fields: { guest } },
      }
    }),
  )
  const isOver = ended.includes(state) || state === 'stopping'
  return { list, ...(isOver ? {} : { invite: post(ctx, `${at}/invite`) }), typed: typedIn(ctx).username ?? '' }
}

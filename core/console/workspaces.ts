/** A person’s own workspaces: what they may start, what runs, and one page for each with its progress. @module */
import { isFault, type Limits } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice } from '../pages/views.ts'
import type { LaunchView, WorkspaceLineView } from '../pages/views-workspaces.ts'
import type { Standing } from '../workspaces/admission.ts'
import { ended, type LaunchOption, type Quota, type Workspace, type WorkspaceAsk } from '../workspaces/model.ts'
import { createEventStreams } from './event-stream.ts'
import { typedIn } from './typed.ts'
import { workspaceArchive } from './workspace-archive.ts'
import {
  actorAt,
  createMyWorkspaces,
  endsSoon,
  type MyWorkspaces,
  type MyWorkspacesNeeds,
  titleOf,
  workspacePath,
  workspacesBase,
  workspacesPurpose,
} from './workspace-desk.ts'
import { workspaceLive } from './workspace-live.ts'
import { workspacePage } from './workspace-page.ts'
import { limitWords, quotaName, type Say, takenParts, takenWords } from './workspace-words.ts'

const pageSize = 50
const nothing: Quota = { instances: undefined, memoryBytes: undefined, milliCpus: undefined }
/** Pages that one person may have open. */
const mostStreams = 20

/** Routes under `/workspaces`. */
export function myWorkspacesRoutes(needs: MyWorkspacesNeeds): Route[] {
  const { desk, door } = needs
  const own = createMyWorkspaces(needs)
  const csrf = { binding: (ctx: Ctx) => desk.cookie.idOf(ctx.req), purpose: workspacesPurpose }
  const rules = { guard: door.guard(), csrf, body: { type: 'form' } } as const
  const streams = createEventStreams({
    most: mostStreams,
    onTrouble: (error) => desk.log.error({ err: error }, 'the events of a workspace broke off'),
  })
  const page = workspacePage(own)
  return [
    { method: 'GET', path: workspacesBase, guard: door.guard(), handler: (ctx) => showAll(ctx, own) },
    { ...rules, method: 'POST', path: workspacesBase, handler: (ctx) => start(ctx, own) },
    // Before those with an id: a profile may be called as one of their parts.
    { method: 'GET', path: `${workspacesBase}/storage/:profile`, guard: door.guard(), handler: workspaceArchive(own) },
    { method: 'GET', path: `${workspacesBase}/:id`, guard: door.guard(), handler: (ctx) => page.show(ctx) },
    ...page.forms.map(
      ({ path, apply }): Route => ({
        ...rules,
        method: 'POST',
        path: `${workspacesBase}/:id/${path}`,
        handler: apply,
      }),
    ),
    ...workspaceLive(own, streams),
  ]
}

async function showAll(ctx: Ctx, own: MyWorkspaces, failed?: { notice: Notice; ask: WorkspaceAsk }): Promise<void> {
  const { desk, workspaces } = own
  const mine = await own.session(ctx)
  const now = desk.clock.now()
  const after = typeof ctx.query.after === 'string' ? ctx.query.after.slice(0, 100) : undefined
  const [list, sharedWith, options, standing] = await Promise.all([
    workspaces.list({ account: mine.account, limit: pageSize, after }),
    workspaces.sharedWith(mine.account),
    workspaces.options(mine.account),
    workspaces.standing(mine.account),
  ])
  desk.show(ctx, 'workspaces', {
    now,
    message: failed?.notice ?? (await own.note(mine)),
    mine: list.rows.map((one) => lineOf(one, own)),
    ...(list.next === undefined ? {} : { more: `${workspacesBase}?after=${encodeURIComponent(list.next)}` }),
    shared: await Promise.all(
      sharedWith.map(async (one) => ({
        title: titleOf(one),
        owner: (await desk.accounts.find(one.account))?.displayName ?? one.account,
        open: own.openAt(one) ?? workspacesBase,
      })),
    ),
    options: options.map((option) => launchView(ctx, own, { option, ask: failed?.ask, standing })),
    taken: takenWords(own.say(ctx), standing),
  })
}

function lineOf(one: Workspace, own: MyWorkspaces): WorkspaceLineView {
  const isOver = ended.includes(one.state)
  return {
    title: titleOf(one),
    href: workspacePath(one.id),
    app: own.workspaces.profile(one.profile)?.title ?? one.profile,
    state: one.state,
    since: one.createdAt,
    ...(isOver ? {} : { until: one.leaseEndsAt }),
    endsSoon: !isOver && endsSoon(one, own),
    open: own.openAt(one),
  }
}

function launchView(
  ctx: Ctx,
  own: MyWorkspaces,
  { option, ask, standing }: { option: LaunchOption; ask: WorkspaceAsk | undefined; standing: readonly Standing[] },
): LaunchView {
  const { profile, capabilities, closed, archives } = option
  const { name, title, description, sizes, images } = profile
  const typed =
    ask?.profile === name ? { title: ask.title ?? '', size: ask.size ?? '', image: ask.image ?? '' } : undefined
  return {
    profile: name,
    ...{ title, description, images, closed, typed },
    sizes: sizes.map((size) => ({
      name: size.name,
      title: size.title,
      limits: limitWords(own.say(ctx), size.limits, capabilities),
      full: fullWords(own, { say: own.say(ctx), standing, limits: size.limits }),
    })),
    post: { ...own.post(ctx, workspacesBase), fields: { profile: name } },
    ...(archives ? { storage: `${workspacesBase}/storage/${encodeURIComponent(name)}` } : {}),
  }
}

/** Which quota has no room for a size at the moment. */
function fullWords(
  { workspaces }: MyWorkspaces,
  { say, standing, limits }: { say: Say; standing: readonly Standing[]; limits: Limits },
): string | undefined {
  const full = workspaces.fullFor(standing, limits)
  if (full === undefined) return undefined
  const { line, what } = full
  if (what === 'unbounded') return say('workspaces.unbounded')
  const [part = ''] = takenParts(say, { ...nothing, [what]: line.quota[what] }, line.taken)
  return say('workspaces.noRoom', { whose: quotaName(say, line.scope), part })
}

async function start(ctx: Ctx, own: MyWorkspaces): Promise<void> {
  const mine = await own.session(ctx)
  const { profile = '', size, image, title } = typedIn(ctx)
  const ask: WorkspaceAsk = { account: mine.account, profile, size, image, title }
  try {
    const { id } = await own.workspaces.request(actorAt(ctx, mine), ask)
    await own.leave(ctx, mine, { to: workspacePath(id) })
  } catch (error) {
    // A place that is away (503) is no reason to lose what was typed.
    if (!isFault(error) || !error.shown) throw error
    await showAll(ctx, own, { notice: { tone: 'error', text: error.message }, ask })
    ctx.status = error.status
  }
}

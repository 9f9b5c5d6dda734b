/** One workspace in the console: everything that happened to it, and what an admin may do with it. @module */
import { Fault } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleWorkspaceView } from '../pages/views-console-workspaces.ts'
import { ended, type Workspace } from '../workspaces/model.ts'
import { byAdmin, type ConsoleWorkspacesNeeds, consoleWorkspaces, placeOf, workspacesRoom } from './admin-workspaces.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { gone } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { createWho } from './who.ts'
import { isUp, titleOf } from './workspace-desk.ts'
import { linesOf, newestEvents } from './workspace-lines.ts'
import { eventWords, limitWords, reasonWords } from './workspace-words.ts'

const tail = 200

/** The page of one, and its forms. */
export function adminWorkspaceRoutes(frame: ConsoleFrame, needs: ConsoleWorkspacesNeeds): Route[] {
  const { desk, workspaces } = needs
  const show = async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    const workspace = await found(ctx, needs)
    frame.show(ctx, 'console-workspace', {
      frame: await framed(frame, { ctx, visit, room: workspacesRoom, notice }),
      ...(await factsOf(ctx, needs, workspace)),
      guests: await guestsOf(ctx, frame, { workspace, needs }),
      ...actionsOf(ctx, frame, { workspace, needs }),
    })
  }
  type Apply = (visit: Visit, id: string, said: { readonly why: string; readonly ctx: Ctx }) => Promise<unknown>
  const on = (path: string, key: string, apply: Apply): Route =>
    frame.form(`${consoleWorkspaces}/:id/${path}`, {
      may: byAdmin,
      async apply(ctx, visit) {
        const { id } = await found(ctx, needs)
        await apply(visit, id, { why: (typedIn(ctx).why ?? '').trim().slice(0, 500), ctx })
        const to = path === 'forget' ? consoleWorkspaces : addressOf(id)
        return { to, said: desk.text(ctx, `console.ws.${key}`) }
      },
      again: show,
    })
  return [
    frame.page(`${consoleWorkspaces}/:id`, (ctx, visit) => show(ctx, visit), byAdmin),
    on('stop', 'isStopping', ({ actor }, id, { why }) => workspaces.stop(actor, id, { why })),
    on('restart', 'isRestarting', ({ actor }, id) => workspaces.restart(actor, id)),
    on('extend', 'isExtended', ({ actor }, id) => workspaces.extend(actor, id)),
    on('guests', 'isLetIn', async ({ actor }, id, { ctx }) =>
      workspaces.invite(actor, id, (await createWho(desk).find(ctx, typedIn(ctx).account ?? '')).id),
    ),
    on('guests/:guest/remove', 'isShutOut', ({ actor }, id, { ctx }) =>
      workspaces.uninvite(actor, id, ctx.params.guest ?? ''),
    ),
    on('forget', 'isForgotten', ({ actor }, id) => workspaces.forget(actor, id)),
    on('remove', 'isRemoving', async ({ actor }, id, { why }) => {
      if (why === '') throw new Fault('ERR_INPUT', 'Say why: it stands in the audit trail.')
      await workspaces.forceRemove(actor, id, why)
    }),
  ]
}

function addressOf(id: string): string {
  return `${consoleWorkspaces}/${encodeURIComponent(id)}`
}

async function found(ctx: Ctx, { desk, workspaces }: ConsoleWorkspacesNeeds): Promise<Workspace> {
  return (await workspaces.find(ctx.params.id ?? '')) ?? gone(ctx, desk)
}

async function factsOf(
  ctx: Ctx,
  { desk, workspaces }: ConsoleWorkspacesNeeds,
  workspace: Workspace,
): Promise<Omit<ConsoleWorkspaceView, 'frame' | 'guests'>> {
  const { id, state, wanted, size, image, createdAt, readyAt, lastActivityAt, leaseEndsAt, endedAt } = workspace
  const who = createWho(desk)
  const say = (key: string, values?: Readonly<Record<string, string>>) => desk.text(ctx, key, values)
  const isOver = ended.includes(state)
  const isAsked = ctx.query.logs === '1'
  const { trouble } = workspace
  return {
    ...{ id, state, wanted, size, image, readyAt, lastActivityAt, endedAt },
    title: titleOf(workspace),
    owner: await who.view(workspace.account),
    app: workspaces.profile(workspace.profile)?.title ?? workspace.profile,
    limits: limitWords(say, workspace.limits, workspaces.capabilities(workspace.runner)),
    place: placeOf(workspace),
    reason: reasonWords(say, workspace),
    direct: workspace.direct,
    since: createdAt,
    ...(isOver ? {} : { until: leaseEndsAt }),
    trouble: trouble && { message: trouble.message, hint: trouble.hint, logs: trouble.logs },
    events: (await newestEvents(workspaces, id)).map((event) => ({
      ...{ number: event.number, at: event.at, kind: event.kind },
      text: eventWords(say, event),
    })),
    ...(isAsked ? { logs: await linesOf(workspaces, workspace, { tail, say }) } : {}),
    ...(isAsked || isOver ? {} : { showLogs: `${addressOf(id)}?logs=1#logs` }),
  }
}

/** Who may enter, too. */
async function guestsOf(
  ctx: Ctx,
  frame: ConsoleFrame,
  { workspace, needs }: { workspace: Workspace; needs: ConsoleWorkspacesNeeds },
): Promise<ConsoleWorkspaceView['guests']> {
  const who = createWho(needs.desk)
  const at = `${addressOf(workspace.id)}/guests`
  return Promise.all(
    workspace.guests.map(async (guest) => ({
      ...(await who.view(guest)),
      remove: frame.post(ctx, `${at}/${encodeURIComponent(guest)}/remove`),
    })),
  )
}

function actionsOf(
  ctx: Ctx,
  frame: ConsoleFrame,
  { workspace, needs }: { workspace: Workspace; needs: ConsoleWorkspacesNeeds },
): Partial<ConsoleWorkspaceView> {
  const { id, state, wanted, leaseEndsAt, leaseLimitAt, profile } = workspace
  const post = (path: string) => frame.post(ctx, `${addressOf(id)}/${path}`)
  if (ended.includes(state)) {
    const isOffered = needs.workspaces.profile(profile) !== undefined
    return { ...(isOffered ? { restart: post('restart') } : {}), forget: post('forget') }
  }
  return {
    ...(wanted === 'running' ? { stop: post('stop') } : {}),
    ...(wanted === 'removed' ? {} : { remove: post('remove') }),
    ...(isUp(workspace) && leaseEndsAt < leaseLimitAt ? { extend: post('extend') } : {}),
    ...(isUp(workspace) ? { restart: post('restart') } : {}),
    ...(isUp(workspace) && needs.hasGuests ? { letIn: post('guests') } : {}),
  }
}

/** The console’s room for workspaces: all of them, places to run, and a word to their owners. For site admins. @module */
import { Fault } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleField } from '../pages/views-console.ts'
import type { WorkspacesRoom } from '../workspaces/create.ts'
import { ended, holding, type WorkspaceState } from '../workspaces/model.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { framed, typedIn } from './typed.ts'
import { createWho } from './who.ts'
import { titleOf } from './workspace-desk.ts'

/** What the room stands on. */
export interface ConsoleWorkspacesNeeds {
  readonly desk: Desk
  readonly workspaces: WorkspacesRoom
  /** Names of the profiles; none: there is no such room. */
  readonly profiles: readonly string[]
  /** Whether others than the owner can be let into one. */
  readonly hasGuests: boolean
}

/** Where the room is. */
export const consoleWorkspaces = '/console/workspaces'
/** Its name among the rooms. */
export const workspacesRoom = 'workspaces'
/** For whom it is. */
export const byAdmin = ({ admin }: Rights): boolean => admin

const states: readonly WorkspaceState[] = [...new Set([...holding, ...ended, 'orphaned' as const])]

/** The list, and what is done to many at once. */
export function adminWorkspacesRoutes(frame: ConsoleFrame, needs: ConsoleWorkspacesNeeds): Route[] {
  const { desk, workspaces } = needs
  const show = listPage(frame, needs)
  return [
    frame.page(consoleWorkspaces, (ctx, visit) => show(ctx, visit), byAdmin),
    frame.form(`${consoleWorkspaces}/drain`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const { place = '', state } = typedIn(ctx)
        const isKnown = workspaces.places().includes(place) || (await workspaces.drained()).includes(place)
        if (!isKnown) throw new Fault('ERR_INPUT', desk.text(ctx, 'console.ws.noPlace'))
        await workspaces.drain(actor, place, state === 'on' ? 'on' : 'off')
        return {
          to: consoleWorkspaces,
          said: desk.text(ctx, `console.ws.${state === 'on' ? 'drained' : 'opened'}`, { place }),
        }
      },
      back: () => consoleWorkspaces,
    }),
    frame.form(`${consoleWorkspaces}/message`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const { text = '', runner = '', profile = '', account = '' } = typedIn(ctx)
        const owner = account.trim() === '' ? undefined : (await createWho(desk).find(ctx, account)).id
        const to = { runner: filled(runner), profile: filled(profile), account: owner }
        const count = await workspaces.message(actor, to, text)
        return { to: consoleWorkspaces, said: desk.text(ctx, 'console.ws.told', { count: String(count) }) }
      },
      again: show,
    }),
  ]
}

const filled = (value: string) => (value === '' ? undefined : value)

function asked(ctx: Ctx, name: string): string {
  const value = ctx.query[name]
  return typeof value === 'string' ? value.trim().slice(0, 200) : ''
}

function listPage(frame: ConsoleFrame, needs: ConsoleWorkspacesNeeds) {
  const { desk, workspaces } = needs
  const who = createWho(desk)
  return async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    const [state, person] = [asked(ctx, 'state'), asked(ctx, 'account')]
    // Somebody who is not there has none.
    const account = person === '' ? undefined : ((await who.find(ctx, person).catch(() => undefined))?.id ?? 'nobody')
    const found = await workspaces.list({
      ...frame.asked(ctx),
      ...{ account, runner: filled(asked(ctx, 'runner')), profile: filled(asked(ctx, 'profile')) },
      states: state === '' ? undefined : statesOf(state),
    })
    const drained = await workspaces.drained()
    frame.show(ctx, 'console-workspaces', {
      frame: await framed(frame, { ctx, visit, room: workspacesRoom, notice }),
      filters: filtersOf(ctx, needs),
      paging: frame.paging(ctx, found, consoleWorkspaces),
      workspaces: await Promise.all(
        found.rows.map(async (one) => ({
          title: titleOf(one),
          href: `${consoleWorkspaces}/${encodeURIComponent(one.id)}`,
          owner: await who.view(one.account),
          app: workspaces.profile(one.profile)?.title ?? one.profile,
          ...{ size: one.size, state: one.state, since: one.createdAt },
          place: placeOf(one),
          ...(ended.includes(one.state) ? {} : { until: one.leaseEndsAt }),
        })),
      ),
      places: [...new Set([...workspaces.places(), ...drained])].map((place) => {
        const isDrained = drained.includes(place)
        const fields = { place, state: isDrained ? 'off' : 'on' }
        return { place, isDrained, turn: { ...frame.post(ctx, `${consoleWorkspaces}/drain`), fields } }
      }),
      message: { post: frame.post(ctx, `${consoleWorkspaces}/message`), fields: messageFields(ctx, needs) },
      isMessageOpen: notice !== undefined && ctx.path.endsWith('/message'),
    })
  }
}

/** Where a workspace is: its runner, and the machine of it. */
export function placeOf({ runner, host }: { runner: string; host: string | undefined }): string {
  return host === undefined ? runner : `${runner}/${host}`
}

function statesOf(word: string): readonly WorkspaceState[] {
  if (word === 'running') return holding
  return states.filter((state) => state === word)
}

function filtersOf(ctx: Ctx, needs: ConsoleWorkspacesNeeds): ConsoleField[] {
  const say = (key: string) => needs.desk.text(ctx, key)
  const any = { value: '', label: say('console.ws.any') }
  return [
    {
      ...{ type: 'select', id: 'state', name: 'state', label: say('console.ws.state'), value: asked(ctx, 'state') },
      options: [
        any,
        { value: 'running', label: say('console.ws.running') },
        ...states.map((state) => ({ value: state, label: say(`workspaces.states.${state}`) })),
      ],
    },
    choice({ name: 'runner', label: say('console.ws.runner'), value: asked(ctx, 'runner') }, any, runnersOf(needs)),
    choice({ name: 'profile', label: say('console.ws.app'), value: asked(ctx, 'profile') }, any, needs.profiles),
    {
      ...{ id: 'account', name: 'account', label: say('console.ws.person'), value: asked(ctx, 'account') },
      ...{ plain: true, maxLength: 200 },
    },
  ]
}

function runnersOf({ workspaces }: ConsoleWorkspacesNeeds): readonly string[] {
  return workspaces.places().filter((place) => !place.includes('/'))
}

function choice(
  { name, label, value, id = name }: { name: string; label: string; value: string; id?: string },
  any: { value: string; label: string },
  values: readonly string[],
): ConsoleField {
  const options = [any, ...values.map((one) => ({ value: one, label: one }))]
  return { type: 'select', id, name, label, value, options }
}

function messageFields(ctx: Ctx, needs: ConsoleWorkspacesNeeds): ConsoleField[] {
  const say = (key: string) => needs.desk.text(ctx, key)
  const typed = typedIn(ctx)
  const any = { value: '', label: say('console.ws.any') }
  const of = (name: string) => ({ id: `to-${name}`, name, value: typed[name] ?? '' })
  return [
    {
      ...{ type: 'area', id: 'text', name: 'text', label: say('console.ws.text'), hint: say('console.ws.textHint') },
      ...{ value: typed.text, rows: 3, required: true, maxLength: 1000 },
    },
    choice({ ...of('runner'), label: say('console.ws.runner') }, any, runnersOf(needs)),
    choice({ ...of('profile'), label: say('console.ws.app') }, any, needs.profiles),
    { ...of('account'), label: say('console.ws.person'), plain: true, maxLength: 200 },
  ]
}

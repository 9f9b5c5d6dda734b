/** Starting a workspace for somebody, in the console. For site admins. @module */
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleField } from '../pages/views-console.ts'
import { byAdmin, type ConsoleWorkspacesNeeds, consoleWorkspaces, workspacesRoom } from './admin-workspaces.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { framed, typedIn } from './typed.ts'
import { createWho } from './who.ts'

const at = `${consoleWorkspaces}/new`
/** An app and a size in one choice: sizes differ from app to app. */
const choiceOf = (profile: string, size: string) => JSON.stringify([profile, size])

/** The page, and its form. */
export function newWorkspaceRoutes(frame: ConsoleFrame, needs: ConsoleWorkspacesNeeds): Route[] {
  const { desk, workspaces } = needs
  const show = async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    frame.show(ctx, 'console-workspace-new', {
      frame: await framed(frame, { ctx, visit, room: workspacesRoom, notice }),
      form: { post: frame.post(ctx, at), fields: fieldsOf(ctx, needs) },
    })
  }
  return [
    frame.page(at, (ctx, visit) => show(ctx, visit), byAdmin),
    frame.form(at, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const { account = '', app = '', title = '' } = typedIn(ctx)
        const owner = await createWho(desk).find(ctx, account)
        const [profile = '', size = ''] = chosen(needs, app)
        const { id } = await workspaces.request(actor, {
          ...{ account: owner.id, profile },
          ...(size === '' ? {} : { size }),
          ...(title.trim() === '' ? {} : { title: title.trim() }),
        })
        return { to: `${consoleWorkspaces}/${encodeURIComponent(id)}`, said: desk.text(ctx, 'console.ws.isStarting') }
      },
      again: show,
    }),
  ]
}

function choices({ profiles, workspaces }: ConsoleWorkspacesNeeds) {
  return profiles.flatMap((name) => {
    const profile = workspaces.profile(name)
    if (profile === undefined) return []
    if (profile.sizes.length === 0) return [{ of: [name, ''] as const, label: profile.title }]
    return profile.sizes.map((size) => ({ of: [name, size.name] as const, label: `${profile.title} · ${size.title}` }))
  })
}

function chosen(needs: ConsoleWorkspacesNeeds, value: string): readonly string[] {
  return choices(needs).find(({ of: [profile, size] }) => choiceOf(profile, size) === value)?.of ?? []
}

function fieldsOf(ctx: Ctx, needs: ConsoleWorkspacesNeeds): ConsoleField[] {
  const say = (key: string) => needs.desk.text(ctx, key)
  const typed = typedIn(ctx)
  return [
    {
      ...{ id: 'account', name: 'account', label: say('console.ws.person'), hint: say('console.who.hint') },
      ...{ value: typed.account, required: true, maxLength: 320, plain: true },
    },
    {
      ...{ type: 'select', id: 'app', name: 'app', label: say('console.ws.app'), value: typed.app },
      options: choices(needs).map(({ of: [profile, size], label }) => ({ value: choiceOf(profile, size), label })),
    },
    {
      ...{ id: 'title', name: 'title', label: say('console.ws.called'), hint: say('console.ws.calledHint') },
      ...{ value: typed.title, maxLength: 100 },
    },
  ]
}

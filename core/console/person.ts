/** The console’s page of one person, and what an admin changes there: standing, ways in, sessions, groups. @module */
import { Fault } from '@labgate/contract'
import type { DirectoryEntry } from '../accounts/directory.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { accountHref, byAdmin, type PersonNeeds, peopleBase, personOf } from './person-needs.ts'
import { personView } from './person-view.ts'
import { gone } from './scope.ts'
import { framed, typedIn } from './typed.ts'

const roles = ['user', 'manager', 'admin'] as const

/** Shows the page of one person, as it is or as it comes again. */
export function showPerson(frame: ConsoleFrame, needs: PersonNeeds) {
  return async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    const person = await personOf(ctx, needs)
    frame.show(ctx, 'console-person', {
      frame: await framed(frame, { ctx, visit, room: 'people', notice }),
      ...(await personView(ctx, person, { frame, needs })),
    })
  }
}

/** What a form on the page of one person does; answers what to say. */
export type ApplyToPerson = (ctx: Ctx, visit: Visit, person: DirectoryEntry) => Promise<string>

/** A form on the page of one person; the page comes again when it failed. */
function personForm(frame: ConsoleFrame, needs: PersonNeeds) {
  const again = showPerson(frame, needs)
  return (path: string, apply: ApplyToPerson): Route =>
    frame.form(`${peopleBase}/:id/${path}`, {
      may: byAdmin,
      async apply(ctx, visit) {
        const person = await personOf(ctx, needs)
        return { to: accountHref(person), said: await apply(ctx, visit, person) }
      },
      again,
    })
}

/** `/console/people/:id` and its forms. */
export function personRoutes(frame: ConsoleFrame, needs: PersonNeeds): Route[] {
  const show = showPerson(frame, needs)
  return [
    frame.page(
      `${peopleBase}/:id`,
      async (ctx, visit) => {
        const found = await needs.directory.find(ctx.params.id ?? '')
        if (found?.kind !== 'service') return show(ctx, visit)
        seeOther(ctx, accountHref(found))
      },
      byAdmin,
    ),
    ...standingForms(frame, needs),
    ...wayInForms(frame, needs),
    ...groupForms(frame, needs),
  ]
}

function standingForms(frame: ConsoleFrame, needs: PersonNeeds): Route[] {
  const { desk, standing } = needs
  const on = personForm(frame, needs)
  return [
    on('state', async (ctx, { actor }, { id, state: now }) => {
      const state = typedIn(ctx).state === 'active' ? 'active' : 'deactivated'
      // Whoever waits is decided about in the room for that, where they are told.
      if (now === 'pending' && state === 'active')
        throw new Fault('ERR_CONFLICT', desk.text(ctx, 'console.person.waits'))
      await standing.setState(actor, id, state)
      return desk.text(ctx, state === 'active' ? 'console.person.isOn' : 'console.person.isOff')
    }),
    on('role', async (ctx, { actor }, { id }) => {
      const role = roles.find((one) => one === typedIn(ctx).role) ?? gone(ctx, desk)
      await standing.setRole(actor, id, role)
      return desk.text(ctx, 'console.person.roleSet')
    }),
  ]
}

function wayInForms(frame: ConsoleFrame, needs: PersonNeeds): Route[] {
  const { desk, keeping } = needs
  const on = personForm(frame, needs)
  return [
    on('identities/:identity/unlink', async (ctx, { actor }, { id }) => {
      const identity = await keeping.unlink(actor, id, ctx.params.identity ?? '')
      await needs.revokeUpstream(identity)
      const method = desk.methods.label(identity.instance, desk.locale(ctx))
      return desk.text(ctx, 'console.person.unlinked', { method })
    }),
    on('sessions/:handle/end', async (ctx, { actor }, { id }) => {
      await keeping.endSession(actor, id, ctx.params.handle ?? '')
      return desk.text(ctx, 'console.person.sessionEnded')
    }),
    on('sign-out', async (ctx, { actor }, { id }) => {
      await keeping.signOut(actor, id, needs.revokeAccount)
      return desk.text(ctx, 'console.person.signedOut')
    }),
  ]
}

function groupForms(frame: ConsoleFrame, needs: PersonNeeds): Route[] {
  const { desk, groups } = needs
  const on = personForm(frame, needs)
  return [
    on('groups', async (ctx, { actor }, { id }) => {
      const slug = (typedIn(ctx).group ?? '').trim()
      await groups.addMember(actor, slug, id)
      return desk.text(ctx, 'console.person.added', { name: slug })
    }),
    on('groups/:slug/remove', async (ctx, { actor }, { id }) => {
      await groups.removeMember(actor, ctx.params.slug ?? '', id)
      return desk.text(ctx, 'console.groups.removedMember')
    }),
  ]
}

/** The console’s room for people who wait to be let in. Only site admins decide. @module */
import type { Approval, WaitingPerson } from '../accounts/approval.ts'
import type { Groups } from '../accounts/groups.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Notice } from '../pages/views.ts'
import type { WaitingLine } from '../pages/views-console-accounts.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { chosenGroups, groupChoices } from './group-choice.ts'
import { accountHref, byAdmin } from './person-needs.ts'
import { factView } from './person-view.ts'
import { gone } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { whoOf } from './who.ts'

/** What the room stands on. */
export interface WaitingNeeds {
  readonly desk: Desk
  readonly approval: Approval
  readonly groups: Pick<Groups, 'list'>
}

const base = '/console/waiting'
const addressOf = (id: string) => `${base}/${encodeURIComponent(id)}`

/** Routes under `/console/waiting`. */
export function waitingRoutes(frame: ConsoleFrame, needs: WaitingNeeds): Route[] {
  const { desk, approval } = needs
  const show = waitingPages(frame, needs)
  const idOf = async (ctx: Ctx): Promise<string> =>
    (await approval.find(ctx.params.id ?? ''))?.account.id ?? gone(ctx, desk)
  return [
    frame.page(base, show.list, byAdmin),
    frame.page(`${base}/:id`, (ctx, visit) => show.one(ctx, visit), byAdmin),
    frame.form(`${base}/:id/approve`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const decision = { groups: chosenGroups(ctx), note: typedIn(ctx).note ?? '' }
        const { displayName } = await approval.approve(actor, await idOf(ctx), decision)
        return { to: base, said: desk.text(ctx, 'console.queue.approved', { name: displayName }) }
      },
      again: show.one,
    }),
    frame.form(`${base}/:id/turn-down`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const { displayName } = await approval.turnDown(actor, await idOf(ctx), { note: typedIn(ctx).note ?? '' })
        return { to: base, said: desk.text(ctx, 'console.queue.turnedDown', { name: displayName }) }
      },
      again: show.one,
    }),
  ]
}

function waitingPages(frame: ConsoleFrame, needs: WaitingNeeds) {
  const { desk, approval } = needs
  const lineOf = (ctx: Ctx, { account, since, signIns }: WaitingPerson): WaitingLine => ({
    who: whoOf(account),
    email: account.email,
    emailVerified: account.emailVerified,
    since,
    signIns: signIns.map(({ instance, subject, at, facts }) => ({
      method: desk.methods.label(instance, desk.locale(ctx)),
      subject,
      at,
      facts: facts.map(factView),
    })),
  })
  return {
    async list(ctx: Ctx, visit: Visit): Promise<void> {
      const found = await approval.waiting(frame.asked(ctx, 20))
      frame.show(ctx, 'console-waiting', {
        frame: await frame.frame(ctx, visit, 'waiting'),
        paging: frame.paging(ctx, found),
        people: found.rows.map((person) => ({
          ...lineOf(ctx, person),
          href: addressOf(person.account.id),
          approve: frame.post(ctx, `${addressOf(person.account.id)}/approve`),
        })),
      })
    },
    async one(ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> {
      const person = (await approval.find(ctx.params.id ?? '')) ?? gone(ctx, desk)
      const at = addressOf(person.account.id)
      frame.show(ctx, 'console-waiting-one', {
        frame: await framed(frame, { ctx, visit, room: 'waiting', notice }),
        person: lineOf(ctx, person),
        href: accountHref(person.account),
        groups: await groupChoices(ctx, visit, needs.groups),
        approve: frame.post(ctx, `${at}/approve`),
        turnDown: frame.post(ctx, `${at}/turn-down`),
        typed: typedIn(ctx),
      })
    },
  }
}

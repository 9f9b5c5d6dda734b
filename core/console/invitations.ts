/** The console’s room for invitations by mail: admins see all of them, managers of groups those they made. @module */
import { Fault } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { Groups } from '../accounts/groups.ts'
import type { AccountInvitation, InvitationState } from '../accounts/invitation.ts'
import type { AccountInvitations, Invited } from '../accounts/invitations.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Notice, Views } from '../pages/views.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { chosenGroups, groupChoices } from './group-choice.ts'
import { gone } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { createWho, type Who } from './who.ts'

/** What the room stands on. */
export interface InvitationsNeeds {
  readonly desk: Desk
  readonly invitations: AccountInvitations
  readonly groups: Pick<Groups, 'list'>
}

type Made = Views['console-invitations']['made']

const base = '/console/invitations'
const states: readonly InvitationState[] = ['open', 'accepted', 'over', 'ended']
const roles = ['user', 'manager', 'admin'] as const

/** Whether somebody may invite at all. */
export const mayInvite = ({ admin, groups }: Rights): boolean => admin || groups.length > 0

/** Routes under `/console/invitations`. */
export function invitationRoutes(frame: ConsoleFrame, needs: InvitationsNeeds): Route[] {
  const { desk, invitations } = needs
  const show = invitationPages(frame, needs)
  /** What was sent is said; the link of what was not is shown, this once. */
  const answer = async (ctx: Ctx, visit: Visit, { invitation: { email }, mailed, link }: Invited) => {
    if (mailed) return { to: base, said: desk.text(ctx, 'console.invite.sent', { email }) }
    await show.list(ctx, visit, { email, link })
    return 'answered' as const
  }
  const idOf = async (ctx: Ctx, { actor }: Visit): Promise<string> =>
    (await invitations.find(actor, ctx.params.id ?? ''))?.id ?? gone(ctx, desk)
  return [
    frame.page(base, (ctx, visit) => show.list(ctx, visit), mayInvite),
    frame.page(`${base}/new`, (ctx, visit) => show.makeNew(ctx, visit), mayInvite),
    frame.form(`${base}/new`, {
      may: mayInvite,
      async apply(ctx, visit) {
        const { email = '', note = '', role, days = '' } = typedIn(ctx)
        if (!/^\d{1,3}$/.test(days.trim())) throw new Fault('ERR_INPUT', desk.text(ctx, 'console.invite.badDays'))
        const made = await invitations.invite(visit.actor, {
          ...{ email, note, days: Number(days), groups: chosenGroups(ctx) },
          role: roles.find((one) => one === role) ?? 'user',
        })
        return answer(ctx, visit, made)
      },
      again: show.makeNew,
    }),
    frame.form(`${base}/:id/send`, {
      may: mayInvite,
      apply: async (ctx, visit) => answer(ctx, visit, await invitations.resend(visit.actor, await idOf(ctx, visit))),
      back: () => base,
    }),
    frame.form(`${base}/:id/end`, {
      may: mayInvite,
      async apply(ctx, visit) {
        const { email } = await invitations.end(visit.actor, await idOf(ctx, visit))
        return { to: base, said: desk.text(ctx, 'console.invite.ended', { email }) }
      },
      back: () => base,
    }),
  ]
}

function invitationPages(frame: ConsoleFrame, needs: InvitationsNeeds) {
  const { desk } = needs
  const who = createWho(desk)
  return {
    async list(ctx: Ctx, visit: Visit, made?: Made): Promise<void> {
      const state = states.find((one) => one === ctx.query.state)
      const found = await needs.invitations.list(visit.actor, { ...frame.asked(ctx), state })
      frame.show(ctx, 'console-invitations', {
        frame: await frame.frame(ctx, visit, 'invitations'),
        paging: frame.paging(ctx, found, base),
        state: state ?? '',
        invitations: await Promise.all(found.rows.map((one) => lineOf(ctx, one, { frame, who }))),
        made,
      })
    },
    async makeNew(ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> {
      frame.show(ctx, 'console-invitation-new', {
        frame: await framed(frame, { ctx, visit, room: 'invitations', notice }),
        post: frame.post(ctx, `${base}/new`),
        roles: visit.rights.admin ? roles : ['user'],
        groups: await groupChoices(ctx, visit, needs.groups),
        typed: typedIn(ctx),
      })
    },
  }
}

async function lineOf(ctx: Ctx, one: AccountInvitation, { frame, who }: { frame: ConsoleFrame; who: Who }) {
  const { id, email, role, groups, note, state, endsAt } = one
  const at = `${base}/${encodeURIComponent(id)}`
  const isUnused = state === 'open' || state === 'over'
  return {
    ...{ id, email, role, groups, note, state, endsAt, at: one.createdAt },
    by: await who.view(one.madeBy),
    ...(one.acceptedBy === undefined ? {} : { acceptedBy: await who.view(one.acceptedBy) }),
    ...(isUnused ? { resend: frame.post(ctx, `${at}/send`), end: frame.post(ctx, `${at}/end`) } : {}),
  }
}

/**
 * Invitations by mail: an address, a role, groups, and a link that works once. Only the digest of a link is kept. What an
 * invitation gives when its link is used stands in `invitation-use.ts`. Nothing here looks at whether an address is known.
 * @module
 */

import { type AccountRole, Fault, parseAddress } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { newId } from '../random.ts'
import { AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import { AccountInvitationEntity, type AccountInvitationRow } from '../storage/life-entities.ts'
import { type Actor, actorName, type PageAsk, type Paged, pageLimit } from './actor.ts'
import { changeable } from './group-members.ts'
import { type AccountInvitation, type InvitationNeeds, type InvitationState, invitationView } from './invitation.ts'
import { type InvitationUse, invitationUse, proofOf } from './invitation-use.ts'
import { checkedText } from './wording.ts'

/** Whom to invite to what. */
export interface NewAccountInvitation {
  readonly email: string
  /** Default `user`. More than `user` counts only for whoever proves the address. */
  readonly role?: AccountRole | undefined
  readonly groups?: readonly string[] | undefined
  /** Words to the invited person, at most 1,000 characters. */
  readonly note?: string | undefined
  /** 1 to 365; default 14. */
  readonly days?: number | undefined
}

/** An invitation with its new link. */
export interface Invited {
  readonly invitation: AccountInvitation
  /** Opens the invitation; kept nowhere. Show it only when the mail did not leave. */
  readonly link: string
  /** Whether the mail left. */
  readonly mailed: boolean
}

/** Which invitations to list. */
export interface InvitationAsk extends PageAsk {
  readonly state?: InvitationState | undefined
}

/** Every invitation by mail. Site admins see all; whoever else, those they made. */
export interface AccountInvitations extends InvitationUse {
  /** Newest first; `search` is part of the address. */
  list(actor: Actor, ask: InvitationAsk): Promise<Paged<AccountInvitation>>
  find(actor: Actor, id: string): Promise<AccountInvitation | undefined>
  /**
   * Invites, by a mail. Answers alike whether or not the address is known here.
   * @throws Fault ERR_INPUT, ERR_FORBIDDEN, ERR_NOT_FOUND (a group), ERR_CONFLICT (a group that others keep), ERR_RATE
   */
  invite(actor: Actor, invitation: NewAccountInvitation): Promise<Invited>
  /** Makes a new link in place of the old one, which leads nowhere from now on. @throws Fault as `invite`; ERR_CONFLICT when it was accepted or ended */
  resend(actor: Actor, id: string, options?: { readonly days?: number | undefined }): Promise<Invited>
  /** Its link leads nowhere from now on. @throws Fault ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_CONFLICT when it was accepted */
  end(actor: Actor, id: string): Promise<AccountInvitation>
}

const day = 86_400_000
/** What somebody who is no admin may invite in a day, so that nobody sends mail to the world from here. */
const mostADay = 100
const resendPause = 10 * 60_000

/** Makes them on a storage. */
export function createAccountInvitations(needs: InvitationNeeds): AccountInvitations {
  return { ...listing(needs), ...changes(needs), ...invitationUse(needs) }
}

function whereState(state: InvitationState | undefined, now: Date) {
  if (state === undefined) return {}
  if (state === 'accepted') return { acceptedAt: { $ne: null } }
  if (state === 'ended') return { acceptedAt: null, endedAt: { $ne: null } }
  return { acceptedAt: null, endedAt: null, endsAt: state === 'open' ? { $gt: now } : { $lte: now } }
}

function listing({ storage, clock }: InvitationNeeds): Pick<AccountInvitations, 'list' | 'find'> {
  const seenBy = async (actor: Actor) => ((await seesAll(storage.em(), actor)) ? {} : { madeBy: actorName(actor) })
  return {
    async list(actor, ask) {
      const [em, now, limit] = [storage.em(), clock.now(), pageLimit(ask)]
      const search = ask.search?.toLowerCase().replaceAll(/[%\\]/g, '')
      const where = {
        ...whereState(ask.state, now),
        ...(search ? { email: { $like: `%${search}%` } } : {}),
        ...(await seenBy(actor)),
      }
      const found = await em.find(
        AccountInvitationEntity,
        { $and: [where, afterOf(ask.after)] },
        { orderBy: { createdAt: 'desc', id: 'desc' }, limit: limit + 1 },
      )
      const rows = found.slice(0, limit)
      const last = rows.at(-1)
      return {
        rows: rows.map((row) => invitationView(row, now)),
        total: await em.count(AccountInvitationEntity, where),
        next: found.length > limit && last ? `${last.createdAt.getTime()}.${last.id}` : undefined,
      }
    },
    async find(actor, id) {
      const row = await storage.em().findOne(AccountInvitationEntity, { id, ...(await seenBy(actor)) })
      return row ? invitationView(row, clock.now()) : undefined
    },
  }
}

function afterOf(after: string | undefined) {
  const [, time, id] = /^(\d{1,15})\.([\w-]{1,40})$/.exec(after ?? '') ?? []
  if (time === undefined || id === undefined) return {}
  const createdAt = new Date(Number(time))
  return { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }] }
}

async function seesAll(em: Reads, actor: Actor): Promise<boolean> {
  if (actor.kind === 'system') return true
  return (await em.count(AccountEntity, { id: actor.account, role: 'admin', state: 'active' })) > 0
}

function changes(needs: InvitationNeeds): Pick<AccountInvitations, 'invite' | 'resend' | 'end'> {
  const { clock, random, change, letters } = needs
  const mailed = async (row: AccountInvitationRow, token: string): Promise<Invited> => {
    const invitation = invitationView(row, clock.now())
    const link = new URL(`/invited/${token}`, needs.issuer).href
    return { invitation, link, mailed: await letters.invited(invitation, link) }
  }
  return {
    async invite(actor, given) {
      const wanted = checked(given)
      const token = random.token()
      const row = await change(actor, { on: 'invitation', ...wanted }, async (em) => {
        await assertModest(em, actor, clock.now())
        for (const slug of wanted.groups) await changeable(em, actor, slug)
        const made = em.create(AccountInvitationEntity, {
          ...{ id: newId(random, 22), digest: proofOf(token), email: wanted.email, role: wanted.role },
          ...{ groups: wanted.groups, note: wanted.note, madeBy: actorName(actor), createdAt: clock.now() },
          endsAt: new Date(clock.now().getTime() + wanted.days * day),
          ...{ acceptedBy: null, acceptedAt: null, endedAt: null },
        })
        return { result: made, type: 'account.invited', target: { invitation: made.id }, ...became(made) }
      })
      return mailed(row, token)
    },
    async resend(actor, id, options = {}) {
      const days = checkedDays(options.days)
      const token = random.token()
      const row = await change(actor, leaveFor(actor, id), async (em) => {
        const found = await unused(em, id)
        await assertPatient(em, actor, { since: found.createdAt, now: clock.now() })
        const before = { endsAt: found.endsAt.toISOString() }
        found.digest = proofOf(token)
        found.createdAt = clock.now()
        found.endsAt = new Date(clock.now().getTime() + days * day)
        const after = { endsAt: found.endsAt.toISOString() }
        return { result: found, type: 'account.invitation-sent', target: { invitation: id }, before, after }
      })
      return mailed(row, token)
    },
    async end(actor, id) {
      const row = await change(actor, leaveFor(actor, id), async (em) => {
        const found = await em.findOne(AccountInvitationEntity, { id })
        if (found?.endedAt) return { unchanged: found }
        const open = await unused(em, id)
        open.endedAt = clock.now()
        const before = { role: open.role, groups: [...open.groups] }
        return { result: open, type: 'account.invitation-ended', target: { invitation: id }, before, after: undefined }
      })
      return invitationView(row, clock.now())
    },
  }
}

/** Of somebody else's invitation, who is no admin learns nothing, not even that it is there. */
function leaveFor(actor: Actor, id: string) {
  return async (em: EntityManager) => {
    const row = await em.findOne(AccountInvitationEntity, { id })
    if (!row || (row.madeBy !== actorName(actor) && !(await seesAll(em, actor)))) throw noSuch()
    return { on: 'invitation', role: row.role, groups: row.groups } as const
  }
}

async function unused(em: EntityManager, id: string): Promise<AccountInvitationRow> {
  const row = await em.findOne(AccountInvitationEntity, { id })
  if (!row) throw noSuch()
  if (row.acceptedAt) throw new Fault('ERR_CONFLICT', 'This invitation was accepted already.')
  if (row.endedAt) throw new Fault('ERR_CONFLICT', 'This invitation was withdrawn. Make a new one.')
  return row
}

const noSuch = () => new Fault('ERR_NOT_FOUND', 'There is no such invitation.')

/** No address and no words of people: the trail outlives both. */
function became({ role, groups, endsAt }: AccountInvitationRow) {
  return { before: undefined, after: { role, groups: [...groups], endsAt: endsAt.toISOString() } }
}

async function assertModest(em: EntityManager, actor: Actor, now: Date): Promise<void> {
  if (await seesAll(em, actor)) return
  const since = new Date(now.getTime() - day)
  const made = await em.count(AccountInvitationEntity, { madeBy: actorName(actor), createdAt: { $gt: since } })
  if (made >= mostADay) throw new Fault('ERR_RATE', `At most ${mostADay} invitations a day. Please go on tomorrow.`)
}

async function assertPatient(em: EntityManager, actor: Actor, { since, now }: { since: Date; now: Date }) {
  if (now.getTime() - since.getTime() >= resendPause || (await seesAll(em, actor))) return
  throw new Fault('ERR_RATE', 'This invitation was sent a few minutes ago. Please wait a little.')
}

const roles: readonly string[] = ['user', 'manager', 'admin'] satisfies AccountRole[]

function checked({ email, role = 'user', groups = [], note = '', days }: NewAccountInvitation) {
  const address = parseAddress(email.trim())
  if (!address) throw new Fault('ERR_INPUT', 'This is not one plain e-mail address.')
  if (!roles.includes(role)) throw new Fault('ERR_INPUT', 'A role is user, manager or admin.')
  if (groups.length > 50) throw new Fault('ERR_INPUT', 'An invitation leads into at most 50 groups.')
  if (note.length > 1000) throw new Fault('ERR_INPUT', 'A note has at most 1,000 characters.')
  const plain = { email: address.address.toLowerCase(), note: checkedText(note).trim() }
  return { ...plain, role, groups: [...new Set(groups)].toSorted(), days: checkedDays(days) }
}

function checkedDays(days = 14): number {
  if (!Number.isInteger(days) || days < 1 || days > 365)
    throw new Fault('ERR_INPUT', 'An invitation lasts 1 to 365 days.')
  return days
}

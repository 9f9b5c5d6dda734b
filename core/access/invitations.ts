/** Links that lead to terms and, once these are accepted, give a level on their dataset. @module */

import { createHash } from 'node:crypto'
import { type Clock, Fault, isFault, type Level, levels, type Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, actorName } from '../accounts/actor.ts'
import type { Change } from '../accounts/changes.ts'
import { newId } from '../random.ts'
import { AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import {
  GrantEntity,
  TermsInvitationEntity,
  type TermsInvitationRow,
  type TermsRow,
} from '../storage/ledger-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { type Acceptor, acceptIn } from './acceptances.ts'
import { formatSubject, type Invitation, type NewGrant, type Terms } from './model.ts'
import { invitationView, livingTerms, termsRow, termsView, textAsShown } from './terms-rows.ts'

/** A link that is to be made. */
export interface NewInvitation {
  readonly terms: string
  /** What is given besides; never `admin`. */
  readonly level?: Level | undefined
  readonly endsAt?: Date | undefined
  /** How many people may use it. */
  readonly seats?: number | undefined
}

/** Why a link leads nowhere. `gone`: nobody knows it. */
export type LinkOver = 'gone' | 'ended' | 'expired' | 'full' | 'retired'

/** Links to terms. */
export interface Invitations {
  /** Newest first. */
  invitations(terms: string): Promise<readonly Invitation[]>
  /** `token` goes into the link `/terms/invited/TOKEN` and is kept nowhere. @throws Fault ERR_INPUT, ERR_NOT_FOUND, ERR_FORBIDDEN */
  invite(actor: Actor, invitation: NewInvitation): Promise<{ readonly token: string; readonly invitation: Invitation }>
  endInvitation(actor: Actor, id: string): Promise<void>
  /** The living invitation of a link. */
  invitation(token: string): Promise<Invitation | undefined>
  /** Why a link leads nowhere; `undefined` while it leads somewhere. */
  whyOver(token: string): Promise<LinkOver | undefined>
  /**
   * Accepts the terms and gives what the invitation promised, in one step. Who has used the link gets nothing more by it.
   * @throws Fault as `TermsBook.accept`; ERR_NOT_FOUND when the link is over or full
   */
  acceptInvited(actor: Acceptor, accepted: { token: string; digest: string }): Promise<Terms>
}

/** What links take. */
export interface InvitationNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly change: Change
  /** Gives what an invitation promised. */
  readonly grants: { add(actor: Actor, grant: NewGrant): Promise<unknown> }
}

const words: Readonly<Record<LinkOver, string>> = {
  gone: 'This link is not known here. Check that it was copied whole.',
  ended: 'This link was withdrawn by those who made it. Ask them for a new one.',
  expired: 'This link is too old. Ask for a new one.',
  full: 'All places of this link are taken. Ask for a new one.',
  retired: 'The terms that this link leads to were withdrawn.',
}
const nowhere = (why: LinkOver) => new Fault('ERR_NOT_FOUND', words[why])

const digestOf = (token: string) => createHash('sha256').update(token).digest()

/** Makes the links on a storage. */
export function createInvitations(needs: InvitationNeeds): Invitations {
  const { storage, clock, change } = needs
  const state = async (em: Reads, token: string): Promise<{ row?: TermsInvitationRow; over?: LinkOver }> => {
    const row = await em.findOne(TermsInvitationEntity, { digest: digestOf(token) })
    if (!row) return { over: 'gone' }
    const over = (await termsRow(em, row.terms)).retiredAt === null ? overOf(row, clock.now()) : 'retired'
    return over === undefined ? { row } : { row, over }
  }
  return {
    async invitations(terms) {
      const rows = await storage.em().find(TermsInvitationEntity, { terms }, { orderBy: { createdAt: 'desc' } })
      return rows.map(invitationView)
    },
    invite: (actor, given) => invite(needs, actor, given),
    async endInvitation(actor, id) {
      const found = await storage.em().findOne(TermsInvitationEntity, { id })
      if (!found) throw new Fault('ERR_NOT_FOUND', 'There is no such invitation.')
      const { dataset } = await termsRow(storage.em(), found.terms)
      await change<void>(actor, { on: 'terms', dataset: dataset ?? undefined }, async (em) => {
        const row = await em.findOneOrFail(TermsInvitationEntity, { id })
        if (row.endedAt !== null) return { unchanged: undefined }
        row.endedAt = clock.now()
        const target = { terms: row.terms, invitation: id }
        return {
          result: undefined,
          type: 'terms.invitation-ended',
          target,
          before: { used: row.used },
          after: undefined,
        }
      })
    },
    async invitation(token) {
      const { row, over } = await state(storage.em(), token)
      return row && over === undefined ? invitationView(row) : undefined
    },
    whyOver: async (token) => (await state(storage.em(), token)).over,
    acceptInvited: (actor, { token, digest }) =>
      change(actor, undefined, async (em) => {
        const { row, over } = await state(em, token)
        if (!row) throw nowhere('gone')
        return use(em, needs, { actor, row, over, digest })
      }),
  }
}

function overOf(row: TermsInvitationRow, now: Date): LinkOver | undefined {
  if (row.endedAt !== null) return 'ended'
  if (row.endsAt && row.endsAt <= now) return 'expired'
  return typeof row.seats === 'number' && row.used >= row.seats ? 'full' : undefined
}

async function invite(needs: InvitationNeeds, actor: Actor, given: NewInvitation) {
  const { storage, clock, random, change } = needs
  const { dataset } = await termsRow(storage.em(), given.terms)
  const token = random.token()
  const invitation = await change<Invitation>(actor, { on: 'terms', dataset: dataset ?? undefined }, async (em) => {
    const terms = await livingTerms(em, given.terms)
    const at = clock.now()
    checkInvitation(given, { terms, at })
    if (given.level !== undefined) await askLeave(needs, actor, { dataset: terms.dataset ?? '', level: given.level })
    const row = em.create(TermsInvitationEntity, {
      id: newId(random, 12),
      digest: digestOf(token),
      terms: given.terms,
      level: given.level ?? null,
      madeBy: actorName(actor),
      createdAt: at,
      endsAt: given.endsAt ?? null,
      seats: given.seats ?? null,
      used: 0,
      endedAt: null,
    })
    const after = {
      level: given.level ?? null,
      endsAt: given.endsAt?.toISOString() ?? null,
      seats: given.seats ?? null,
    }
    const target = { terms: row.terms, invitation: row.id }
    return { result: invitationView(row), type: 'terms.invited', target, before: undefined, after }
  })
  return { token, invitation }
}

function checkInvitation(given: NewInvitation, { terms, at }: { terms: TermsRow; at: Date }): void {
  const { level, endsAt, seats } = given
  const refused = (message: string) => new Fault('ERR_INPUT', message)
  if (level !== undefined && !levels.includes(level)) throw refused('A level is view, edit or manage.')
  if (level === 'admin') throw refused('Admins of a dataset are named one by one, not by a link.')
  if (level !== undefined && terms.dataset === null)
    throw refused('These terms have no dataset that a level could be on.')
  if (endsAt !== undefined && !(endsAt > at)) throw refused('The end of an invitation lies in the future.')
  if (seats !== undefined && !(Number.isInteger(seats) && seats >= 1 && seats <= 100_000))
    throw refused('An invitation has 1 to 100000 places.')
}

/** Whoever invites gives access: they need leave for just that. */
async function askLeave(
  { change }: InvitationNeeds,
  actor: Actor,
  { dataset, level }: { dataset: string; level: Level },
): Promise<void> {
  const subject = formatSubject({ kind: 'account', account: 'invited' })
  const act = { on: 'grant', do: 'add', dataset, level, subject, withinGroup: undefined } as const
  await change<void>(actor, act, async () => ({ unchanged: undefined }))
}

interface Use {
  readonly actor: Acceptor
  readonly row: TermsInvitationRow
  readonly over: LinkOver | undefined
  readonly digest: string
}

async function use(em: EntityManager, needs: InvitationNeeds, { actor, row, over, digest }: Use) {
  const used = await usedBefore(em, actor, row)
  // Somebody who took a place finds the way in again; nobody else passes a link that is over.
  if (over !== undefined && !(used && over === 'full')) throw nowhere(over)
  const terms = await livingTerms(em, row.terms)
  const text = await textAsShown(em, terms.id, digest)
  const isNew = await acceptIn(em, actor, { terms: terms.id, number: text.number, digest, clock: needs.clock })
  const result = termsView(terms, text)
  const takes = row.level === null ? isNew && !used : !used
  if (takes) {
    row.used += 1
    await em.flush()
    if (row.level !== null) await give(em, needs, { account: actor.account, row, terms })
  }
  if (!isNew && !takes) return { unchanged: result }
  const target = { terms: terms.id, invitation: row.id }
  const after = { number: text.number, digest }
  return { result, type: 'terms.accepted' as const, account: actor.account, target, before: undefined, after }
}

/** By this ending a grant is known to come from a link: what an admin has ended must not come back by the same one. */
const mark = ({ id }: TermsInvitationRow) => `(link ${id})`

/** Whether somebody has what the link gives: by the link, or by a like grant of somebody's own hand. */
async function usedBefore(em: EntityManager, actor: Acceptor, row: TermsInvitationRow): Promise<boolean> {
  if (row.level === null) return false
  const { dataset, version } = await termsRow(em, row.terms)
  const subject = formatSubject({ kind: 'account', account: actor.account })
  const own = await em.find(GrantEntity, { subject, dataset: dataset ?? '' })
  const holds = own.some(
    (grant) =>
      grant.endedAt === null &&
      grant.version === version &&
      grant.level === row.level &&
      Object.keys(grant.conditions ?? {}).length === 0,
  )
  if (!holds && own.some(({ why }) => why.endsWith(mark(row))))
    throw new Fault(
      'ERR_NOT_FOUND',
      'The access that this link gave you was ended. Ask those who look after the dataset.',
    )
  return holds
}

async function give(
  em: EntityManager,
  needs: InvitationNeeds,
  { account, row, terms }: { account: string; row: TermsInvitationRow; terms: TermsRow },
): Promise<void> {
  const inviter = await em.findOne(AccountEntity, { id: row.madeBy })
  const by: Actor = inviter ? { kind: 'account', account: inviter.id } : { kind: 'system', name: row.madeBy }
  // A name like an account's id that is none is of somebody who was erased: nobody answers for that link any more.
  if (!inviter && /^[\w-]{22}$/.test(row.madeBy)) throw nowhere('ended')
  try {
    await needs.grants.add(by, {
      subject: { kind: 'account', account },
      dataset: terms.dataset ?? '',
      version: terms.version ?? undefined,
      level: row.level ?? undefined,
      conditions: {},
      why: `invited by ${inviter?.username ?? row.madeBy} ${mark(row)}`,
    })
  } catch (error) {
    if (!isFault(error) || error.code !== 'ERR_FORBIDDEN') throw error
    const message = 'Whoever made this link may no longer give this access. Ask for a new one.'
    throw new Fault('ERR_NOT_FOUND', message, { cause: error })
  }
}

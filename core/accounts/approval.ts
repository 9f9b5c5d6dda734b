/** The queue of people who have signed in and wait for an admin: what their sign-in said, and the decision. @module */
import type { AccountId, Fact } from '@labgate/contract'
import { Fault } from '@labgate/contract'
import { AccountEntity } from '../storage/entities.ts'
import type { Storage } from '../storage/storage.ts'
import type { AccountRow, Accounts } from './accounts.ts'
import { type Actor, type PageAsk, type Paged, pageLimit } from './actor.ts'
import type { Groups } from './groups.ts'
import type { Identities } from './identities.ts'
import type { AccountLetters } from './letters.ts'
import type { Standing } from './standing.ts'
import { checkedText } from './wording.ts'

/** A person who waits. */
export interface WaitingPerson {
  readonly account: AccountRow
  /** Since when. */
  readonly since: Date
  /** By which instances they came, and what those said. */
  readonly signIns: readonly {
    readonly instance: string
    readonly issuer: string
    readonly subject: string
    readonly facts: readonly Fact[]
    readonly at: Date
  }[]
}

/** The queue and its decisions. Only site admins decide. */
export interface Approval {
  /** Oldest first; `search` is part of a username, name or address. */
  waiting(ask: PageAsk): Promise<Paged<WaitingPerson>>
  find(id: AccountId): Promise<WaitingPerson | undefined>
  /**
   * Lets somebody in, into groups at once, and tells them. The note is for them.
   * @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_CONFLICT when they do not wait (any more) or a group is kept by others
   */
  approve(
    actor: Actor,
    id: AccountId,
    decision?: Decision & { readonly groups?: readonly string[] },
  ): Promise<AccountRow>
  /** Turns somebody down: their account is deactivated, and they are told. @throws Fault as `approve` */
  turnDown(actor: Actor, id: AccountId, decision?: Decision): Promise<AccountRow>
}

/** What goes with a decision. */
export interface Decision {
  /** To the person, at most 1,000 characters. */
  readonly note?: string | undefined
}

/** What the queue takes. */
export interface ApprovalNeeds {
  readonly storage: Storage
  readonly accounts: Accounts
  readonly identities: Pick<Identities, 'list'>
  readonly groups: Pick<Groups, 'addMember'>
  readonly standing: Pick<Standing, 'setState' | 'assertAdmin'>
  readonly letters: Pick<AccountLetters, 'decided'>
}

/** Makes the queue. */
export function createApproval(needs: ApprovalNeeds): Approval {
  const { storage, accounts, standing, letters } = needs
  const filled = async (account: AccountRow): Promise<WaitingPerson> => ({
    account,
    since: account.createdAt,
    signIns: (await needs.identities.list(account.id)).map(({ instance, issuer, subject, facts, lastSeenAt }) => {
      return { instance, issuer, subject, facts, at: lastSeenAt }
    }),
  })
  return {
    async waiting(ask) {
      const [em, limit, where] = [storage.em(), pageLimit(ask), whereOf(ask.search)]
      const found = await em.find(
        AccountEntity,
        { $and: [where, afterOf(ask.after)] },
        { orderBy: { createdAt: 'asc', id: 'asc' }, limit: limit + 1 },
      )
      const page = found.slice(0, limit)
      const rows = (await Promise.all(page.map(({ id }) => accounts.find(id)))).filter((row) => row !== undefined)
      const last = page.at(-1)
      return {
        rows: await Promise.all(rows.map(filled)),
        total: await em.count(AccountEntity, where),
        next: found.length > limit && last ? `${last.createdAt.getTime()}.${last.id}` : undefined,
      }
    },
    async find(id) {
      const account = await accounts.find(id)
      return account?.state === 'pending' ? filled(account) : undefined
    },
    async approve(actor, id, { groups = [], note = '' } = {}) {
      const words = checkedNote(note)
      await storage.transaction(async () => {
        await standing.assertAdmin(actor)
        await standing.setState(actor, id, 'active', { from: 'pending' })
        for (const slug of new Set(groups)) await needs.groups.addMember(actor, slug, id)
      })
      return told(id, { decision: 'approved', note: words })
    },
    async turnDown(actor, id, { note = '' } = {}) {
      const words = checkedNote(note)
      await standing.setState(actor, id, 'deactivated', { from: 'pending' })
      return told(id, { decision: 'turned-down', note: words })
    },
  }

  async function told(id: AccountId, answer: { decision: 'approved' | 'turned-down'; note: string }) {
    const account = await accounts.find(id)
    if (!account) throw new Fault('ERR_NOT_FOUND', 'There is no such account.')
    await letters.decided(account, answer)
    return account
  }
}

function whereOf(search: string | undefined) {
  const like = { $like: `%${(search ?? '').replaceAll(/[%_\\]/g, '')}%` }
  const named = search ? { $or: [{ username: like }, { displayName: like }, { email: like }] } : {}
  return { state: 'pending', kind: 'person', ...named } as const
}

function afterOf(after: string | undefined) {
  const [, time, id] = /^(\d{1,15})\.([\w-]{1,40})$/.exec(after ?? '') ?? []
  if (time === undefined || id === undefined) return {}
  const createdAt = new Date(Number(time))
  return { $or: [{ createdAt: { $gt: createdAt } }, { createdAt, id: { $gt: id } }] }
}

function checkedNote(note: string): string {
  if (note.length > 1000) throw new Fault('ERR_INPUT', 'A note has at most 1,000 characters.')
  return checkedText(note).trim()
}

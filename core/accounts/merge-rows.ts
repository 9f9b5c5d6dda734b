/** The rows of a merge: what moves from one account to the other, row by row, and what cannot. @module */
import type { AccountId, AccountRole, Json } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Account, IdentityEntity, MembershipEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import {
  AcceptanceEntity,
  AccessRequestEntity,
  GrantEntity,
  type GrantRow,
  GroupManagerEntity,
} from '../storage/ledger-entities.ts'
import { ProfileAnswerEntity } from '../storage/life-entities.ts'
import { type Actor, actorName } from './actor.ts'
import { type Management, managementToMove, moveManagement } from './manager-rows.ts'

/** What moves and what does not. */
export interface MergePlan {
  readonly moves: {
    readonly identities: readonly { readonly instance: string; readonly subject: string }[]
    readonly groups: readonly { readonly group: string; readonly source: string }[]
    /** Groups they look after. */
    readonly managed: readonly string[]
    readonly grants: readonly {
      readonly id: number
      readonly dataset: string
      readonly version: string | undefined
      /** A level or the name of a permission. */
      readonly verb: string
    }[]
    readonly acceptances: readonly { readonly terms: string; readonly number: number }[]
    /** Ids of requests for access. */
    readonly requests: readonly number[]
    /** Ids of service accounts. */
    readonly serviceAccounts: readonly AccountId[]
    /** Ids of profile questions. */
    readonly answers: readonly string[]
    /** Ids of those who manage FROM. A circle that would arise is left out. */
    readonly managers: readonly AccountId[]
    /** Ids of those whom FROM manages; likewise. */
    readonly people: readonly AccountId[]
  }
  readonly stays: {
    /** FROM's role, where INTO has another: roles never move. */
    readonly role: AccountRole | undefined
    /** Grants that the config file gives to FROM: INTO gets its own, the file is to be changed by hand. */
    readonly configGrants: readonly number[]
    /** Questions that INTO has answered: its answers stand. */
    readonly answers: readonly string[]
    /** Open requests that INTO has made as well: FROM's are withdrawn. */
    readonly requests: readonly number[]
  }
}

interface Found {
  readonly identities: readonly { id: string; instance: string; subject: string; removedAt?: Date | null | undefined }[]
  readonly groups: readonly { id: number; group: string; source: string }[]
  readonly managed: readonly { group: string; source: string }[]
  readonly grants: readonly GrantRow[]
  readonly acceptances: readonly { id: number; terms: string; number: number }[]
  readonly requests: readonly { id: number; dataset: string; version?: string | null | undefined; state: string }[]
  readonly answers: readonly { question: string; value: Json }[]
  readonly serviceAccounts: readonly string[]
}

const fresh = { disableIdentityMap: true } as const

async function found(em: Reads, account: AccountId): Promise<Found> {
  const programs = await em.execute<{ id: string }[]>('select id from account where parent = ? order by id', [account])
  const subject = `account:${account}`
  return {
    identities: await em.find(IdentityEntity, { account }, { ...fresh, orderBy: { createdAt: 'asc' } }),
    groups: await em.find(MembershipEntity, { account }, { ...fresh, orderBy: { group: 'asc', source: 'asc' } }),
    managed: await em.find(GroupManagerEntity, { account }, { ...fresh, orderBy: { group: 'asc' } }),
    grants: await em.find(GrantEntity, { subject, endedAt: null }, { ...fresh, orderBy: { id: 'asc' } }),
    acceptances: await em.find(AcceptanceEntity, { account }, { ...fresh, orderBy: { id: 'asc' } }),
    requests: await em.find(AccessRequestEntity, { account }, { ...fresh, orderBy: { id: 'asc' } }),
    answers: await em.find(ProfileAnswerEntity, { account }, { ...fresh, orderBy: { question: 'asc' } }),
    serviceAccounts: programs.map(({ id }) => id),
  }
}

interface Sorted extends Found {
  readonly management: Management
  readonly losingAnswers: Found['answers']
  readonly losingRequests: Found['requests']
}

/** What of FROM's can move; the rest stands in INTO's way. */
async function sorted(em: Reads, from: AccountId, into: AccountId): Promise<Sorted> {
  const [mine, theirs] = [await found(em, from), await found(em, into)]
  const answered = new Set(theirs.answers.map(({ question }) => question))
  const isAnswered = (group: string) => [...answered].some((question) => group.startsWith(`profile:${question}/`))
  const asks = (one: Found['requests'][number]) =>
    one.state === 'open' &&
    theirs.requests.some(
      ({ state, dataset, version }) =>
        state === 'open' && dataset === one.dataset && (version ?? null) === (one.version ?? null),
    )
  const has = <T>(list: readonly T[], same: (one: T) => boolean) => list.some(same)
  return {
    ...mine,
    management: await managementToMove(em, from, into),
    groups: mine.groups.filter(
      ({ group, source }) =>
        !has(theirs.groups, (one) => one.group === group && one.source === source) &&
        !(source === 'profile' && isAnswered(group)),
    ),
    managed: mine.managed.filter(({ group }) => !has(theirs.managed, (one) => one.group === group)),
    acceptances: mine.acceptances.filter(
      ({ terms, number }) => !has(theirs.acceptances, (one) => one.terms === terms && one.number === number),
    ),
    requests: mine.requests.filter((one) => !asks(one)),
    losingRequests: mine.requests.filter(asks),
    answers: mine.answers.filter(({ question }) => !answered.has(question)),
    losingAnswers: mine.answers.filter(({ question }) => answered.has(question)),
  }
}

/** What a merge would do. */
export async function planOf(em: Reads, source: Account, target: Account): Promise<MergePlan> {
  return describe(await sorted(em, source.id, target.id), source, target)
}

function describe(rows: Sorted, source: Account, target: Account): MergePlan {
  return {
    moves: {
      identities: rows.identities
        .filter(({ removedAt }) => !removedAt)
        .map(({ instance, subject }) => ({ instance, subject })),
      groups: rows.groups.map(({ group, source: by }) => ({ group, source: by })),
      managed: rows.managed.map(({ group }) => group),
      grants: rows.grants.map(({ id, dataset, version, level, permission }) => ({
        id,
        dataset,
        version: version ?? undefined,
        verb: level ?? permission ?? '',
      })),
      acceptances: rows.acceptances.map(({ terms, number }) => ({ terms, number })),
      requests: rows.requests.map(({ id }) => id),
      serviceAccounts: rows.serviceAccounts,
      answers: rows.answers.map(({ question }) => question),
      ...rows.management,
    },
    stays: {
      role: source.role === target.role ? undefined : source.role,
      configGrants: rows.grants.filter((grant) => grant.source === 'config').map(({ id }) => id),
      answers: rows.losingAnswers.map(({ question }) => question),
      requests: rows.losingRequests.map(({ id }) => id),
    },
  }
}

/** A merge under way. */
export interface Moving {
  readonly source: Account
  readonly target: Account
  readonly actor: Actor
  readonly now: Date
}

/** Moves the rows within the caller's transaction, and shuts FROM. */
export async function moveIn(em: EntityManager, moving: Moving): Promise<MergePlan> {
  const { source, target, actor, now } = moving
  const rows = await sorted(em, source.id, target.id)
  const account = target.id
  await em.nativeUpdate(IdentityEntity, { account: source.id }, { account })
  await moveIds(em, 'membership', { ids: rows.groups.map(({ id }) => id), account })
  await em.nativeDelete(MembershipEntity, { account: source.id })
  for (const { group, source: by } of rows.managed) em.create(GroupManagerEntity, { group, account, source: by })
  await em.nativeDelete(GroupManagerEntity, { account: source.id })
  for (const grant of rows.grants) await moveGrant(em, grant, moving)
  // One that both have given stays where it is: it is a proof.
  await moveIds(em, 'terms_acceptance', { ids: rows.acceptances.map(({ id }) => id), account })
  await moveIds(em, 'access_request', { ids: rows.requests.map(({ id }) => id), account })
  const withdrawn = { state: 'withdrawn' as const, decidedAt: now, decidedBy: actorName(actor) }
  await em.nativeUpdate(AccessRequestEntity, { id: { $in: rows.losingRequests.map(({ id }) => id) } }, withdrawn)
  for (const { question } of rows.answers)
    await em.nativeUpdate(ProfileAnswerEntity, { account: source.id, question }, { account })
  await em.nativeDelete(ProfileAnswerEntity, { account: source.id })
  await em.execute('update account set parent = ?, revision = revision + 1, updated_at = ? where parent = ?', [
    account,
    now.getTime(),
    source.id,
  ])
  // Whoever let FROM into a workspace has let INTO in. FROM's own end with it: what is stored there stays under its id.
  await em.execute(
    `insert into workspace_guest (workspace_id, account_id, invited_at)
     select g.workspace_id, ?, g.invited_at from workspace_guest g join workspace w on w.id = g.workspace_id
     where g.account_id = ? and w.account_id <> ? on conflict do nothing`,
    [account, source.id, account],
  )
  await em.execute('delete from workspace_guest where account_id = ?', [source.id])
  // Whoever was to be let into FROM is let into INTO.
  await em.execute('update awaited_name set account_id = ? where account_id = ?', [account, source.id])
  await moveManagement(em, { from: source.id, into: account, now })
  const plan = describe(rows, source, target)
  settle(em, moving)
  return plan
}

/** The two accounts themselves. An address that two accounts have opens neither. */
function settle(em: EntityManager, { source, target, now }: Moving): void {
  const contact = target.email || !source.email ? {} : { email: source.email, emailVerified: source.emailVerified }
  const seen = [source.lastSignInAt, target.lastSignInAt].flatMap((at) => at ?? []).map((at) => at.getTime())
  em.assign(target, {
    ...contact,
    lastSignInAt: seen.length === 0 ? null : new Date(Math.max(...seen)),
    updatedAt: now,
    revision: target.revision + 1,
  })
  em.assign(source, {
    ...{ email: null, emailVerified: false, state: 'deactivated', mergedInto: target.id },
    updatedAt: now,
    revision: source.revision + 1,
  })
}

type Table = 'membership' | 'terms_acceptance' | 'access_request'

async function moveIds(em: EntityManager, table: Table, { ids, account }: { ids: readonly number[]; account: string }) {
  if (ids.length === 0) return
  await em.execute(`update ${table} set account_id = ? where id in (select cast(value as bigint) from json_each(?))`, [
    account,
    JSON.stringify(ids),
  ])
}

/** A line of the ledger is never altered: FROM's is ended, INTO gets a like one. */
async function moveGrant(em: EntityManager, grant: GrantRow, { source, target, actor, now }: Moving): Promise<void> {
  const { dataset, version = null, level = null, permission = null, conditions } = grant
  const subject = `account:${target.id}`
  const like = { subject, dataset, version, level, permission }
  // What the config file gives is ended there only; a shut account has nothing of it.
  if (grant.source !== 'config')
    await em.nativeUpdate(GrantEntity, { id: grant.id }, { endedAt: now, endedBy: actorName(actor) })
  const present = await em.find(GrantEntity, { ...like, endedAt: null }, { disableIdentityMap: true })
  if (present.some((one) => JSON.stringify(one.conditions) === JSON.stringify(conditions))) return
  await em.insert(GrantEntity, {
    ...like,
    conditions,
    grantedBy: actorName(actor),
    why: `merged from ${source.id}`,
    source: 'database',
    createdAt: now,
    endedAt: null,
    endedBy: null,
  })
}

/** The rows of an erasure: which go, which stay behind as ids without a person. Within one transaction. @module */

import type { AccountId, Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Account, AccountEntity, type Identity, IdentityEntity, MembershipEntity } from '../storage/entities.ts'
import { AwaitedNameEntity } from '../storage/import-entities.ts'
import {
  AcceptanceEntity,
  AccessRequestEntity,
  ApiTokenEntity,
  GrantEntity,
  GroupManagerEntity,
} from '../storage/ledger-entities.ts'
import { AccountInvitationEntity, ProfileAnswerEntity } from '../storage/life-entities.ts'
import type { KeyRing } from '../storage/sealing.ts'
import { WorkspaceEntity, WorkspaceGuestEntity, WorkspaceQuotaEntity } from '../storage/workspace-entities.ts'
import { inSmallLetters } from './accounts.ts'
import { type Actor, actorName } from './actor.ts'
import { eraseLines } from './erased-lines.ts'
import { forgetManagement } from './manager-rows.ts'
import { retire } from './retired-names.ts'

/** An erasure under way. */
export interface Erasing {
  /** The account, and those merged into it. */
  readonly ids: readonly AccountId[]
  readonly by: Actor
  readonly now: Date
  readonly ring: KeyRing
  readonly random: Random
}

/** Erases the rows; answers the ids of grants that the config file keeps. */
export async function eraseIn(em: EntityManager, erasing: Erasing): Promise<number[]> {
  const { ids } = erasing
  const account = { $in: [...ids] }
  const rows = await em.find(AccountEntity, { id: account })
  const identities = await em.find(IdentityEntity, { account }, { disableIdentityMap: true })
  const emails = await emailsOf(em, rows, identities)
  const { gone, inConfig } = await eraseGrants(em, { ...erasing, emails, identities })
  const names = [...new Set(rows.flatMap(({ username, displayName }) => [username, displayName]))]
  const subjects = identities.map(({ subject }) => subject)
  await eraseLines(em, {
    ids,
    grants: gone,
    texts: [...emails, ...identities.flatMap(textsIn)],
    names: [...names, ...subjects],
  })
  await em.nativeDelete(IdentityEntity, { account })
  await em.nativeDelete(ProfileAnswerEntity, { account })
  await em.nativeDelete(ApiTokenEntity, { account })
  await em.nativeDelete(MembershipEntity, { account })
  await em.nativeDelete(AwaitedNameEntity, { account })
  await em.nativeDelete(GroupManagerEntity, { account })
  await forgetManagement(em, ids)
  await em.nativeDelete(AccessRequestEntity, { account })
  await em.nativeUpdate(AcceptanceEntity, { account }, { address: null })
  await em.execute('delete from browser_session where account in (select value from json_each(?))', [
    JSON.stringify(ids),
  ])
  // Nothing of theirs runs any more: that was waited for before.
  await em.nativeDelete(WorkspaceEntity, { account, endedAt: { $ne: null } })
  await em.nativeDelete(WorkspaceGuestEntity, { account })
  await em.nativeDelete(WorkspaceQuotaEntity, { scope: { $in: ids.map((id) => `account:${id}`) } })
  await em.nativeDelete(AccountInvitationEntity, { $or: [{ email: { $in: emails } }, { acceptedBy: account }] })
  for (const row of rows) await bury(em, row, erasing)
  return inConfig
}

/** Addresses that are theirs and of nobody else here. */
async function emailsOf(em: EntityManager, rows: readonly Account[], identities: readonly Identity[]) {
  const own = rows.flatMap(({ email, emailVerified }) => (emailVerified && email ? inSmallLetters(email) : []))
  const said = identities.flatMap(({ facts }) =>
    facts.filter(({ claim, trust }) => claim === 'email' && trust === 'verified'),
  )
  const all = [...own, ...said.flatMap(({ value }) => (typeof value === 'string' ? inSmallLetters(value) : []))]
  const ids = rows.map(({ id }) => id)
  const free: string[] = []
  for (const email of new Set(all)) {
    const others = await em.count(AccountEntity, { email, emailVerified: true, id: { $nin: ids } })
    if (others === 0 && email !== '') free.push(email)
  }
  return free
}

/** What an upstream says of them, as far as it is words. */
function textsIn({ facts }: Identity): string[] {
  return facts
    .filter(({ claim }) => claim !== 'groups' && claim !== 'locale')
    .flatMap(({ value }) => (typeof value === 'string' && value.length >= 5 ? value : []))
}

type Named = Erasing & { readonly emails: readonly string[]; readonly identities: readonly Identity[] }

/** Lines for the account, and lines that name this person and nobody else: ended, without name and reason. */
async function eraseGrants(em: EntityManager, named: Named) {
  const { ids, now, by } = named
  const [id = ''] = ids
  const byId = ids.map((one) => `account:${one}`)
  const subjects = [...byId, ...(await namesOf(em, named))]
  const emails = JSON.stringify(named.emails)
  const found = await em.execute<{ id: number; source: string; ended_at: number | null; subject: string }[]>(
    `select id, source, ended_at, subject from access_grant where subject in (select value from json_each(?))
       or (subject like 'name:%' and substr(subject, 6 + instr(substr(subject, 6), ':')) in (select value from json_each(?)))`,
    [JSON.stringify(subjects), emails],
  )
  // A line of the file comes back with the next start; to blank it would hide it from who changes the file.
  const kept = found.filter((row) => row.source === 'config' && row.ended_at === null)
  const gone = found.filter((row) => !kept.includes(row))
  await em.nativeUpdate(
    GrantEntity,
    { id: { $in: gone.filter((row) => row.ended_at === null).map((row) => row.id) } },
    { endedAt: now, endedBy: actorName(by) },
  )
  await em.nativeUpdate(GrantEntity, { id: { $in: gone.map((row) => row.id) } }, { subject: `account:${id}`, why: '' })
  return { gone: gone.map((row) => row.id), inConfig: kept.map((row) => row.id) }
}

/** `name:` subjects by their ids upstream that no other account answers to. */
async function namesOf(em: EntityManager, { ids, identities }: Named): Promise<string[]> {
  const names: string[] = []
  for (const { instance, subject } of identities) {
    const others = await em.count(IdentityEntity, { instance, subject, account: { $nin: [...ids] }, removedAt: null })
    if (others === 0) names.push(`name:${instance}:${subject}`)
  }
  return names
}

/** What is left of the account: an id that nobody gets again. */
async function bury(em: EntityManager, row: Account, { now, ring, random }: Erasing): Promise<void> {
  if (row.erasedAt) return
  await retire(em, ring, { username: row.username, at: now, newKey: () => random.bytes(32) })
  em.assign(row, {
    ...{ username: `erased-${row.id.toLowerCase()}`, displayName: '', description: '', role: 'user' },
    ...{ email: null, emailVerified: false, lastSignInAt: null, state: 'deactivated' },
    erasedAt: now,
    updatedAt: now,
    revision: row.revision + 1,
  })
}

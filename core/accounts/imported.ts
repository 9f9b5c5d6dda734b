/** Accounts that an import makes: without a way in, until the sign-in that it named vouches for their person. @module */
import type { AccountId, Clock, Fact, Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { newId } from '../random.ts'
import { AccountEntity } from '../storage/entities.ts'
import { AwaitedNameEntity } from '../storage/import-entities.ts'
import { RetiredNameEntity } from '../storage/life-entities.ts'
import { nextNumericId } from '../storage/numeric-ids.ts'
import type { Storage } from '../storage/storage.ts'
import { isRetired } from './retired-names.ts'
import { usernameCandidates } from './username.ts'

/** An account that is to be made. */
export interface ImportedAccount {
  readonly kind: 'person' | 'service'
  /** What a username is made of. */
  readonly called: string
  readonly displayName: string
  readonly description: string
  /** Contact address; nobody has proved it yet. */
  readonly email: string | undefined
  readonly state: 'active' | 'deactivated'
  /** A free number, or none: then the next one is taken. */
  readonly number: number | undefined
  readonly parent: AccountId | undefined
  /** What the sign-in must vouch for; none for programs. */
  readonly names: readonly string[]
}

/** What making them stands on. */
export interface ImportedNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  /** The sign-in that vouches for the people. */
  readonly instance: string
}

const chunk = 500

/** Makes many at once, within the caller's transaction; their ids in the same order. */
export async function addImportedIn(
  em: EntityManager,
  needs: ImportedNeeds,
  accounts: readonly ImportedAccount[],
): Promise<AccountId[]> {
  const { clock, random, instance } = needs
  const [now, usernameOf, ids] = [clock.now(), await createUsernames(em, needs), accounts.map(() => newId(random, 22))]
  for (let from = 0; from < accounts.length; from += chunk) {
    const part = accounts.slice(from, from + chunk)
    const rows = []
    for (const [index, { called, number, parent, names: _, ...account }] of part.entries())
      rows.push({
        ...account,
        id: ids[from + index] as AccountId,
        username: await usernameOf(called),
        numericId: number ?? (await nextNumericId(em)),
        ...{ role: 'user' as const, email: account.email ?? null, emailVerified: false, parent: parent ?? null },
        ...{ createdAt: now, updatedAt: now, lastSignInAt: null, revision: 1, mergedInto: null, erasedAt: null },
      })
    await em.insertMany(AccountEntity, rows)
    const awaited = part.flatMap(({ names }, index) =>
      names.map((value) => ({ instance, value, account: ids[from + index] as AccountId, createdAt: now })),
    )
    if (awaited.length > 0) await em.insertMany(AwaitedNameEntity, awaited)
  }
  return ids
}

/** Finds a username nobody has or had. */
async function createUsernames(em: EntityManager, { storage, random }: ImportedNeeds) {
  const rows = await em.execute<{ username: string }[]>('select username from account')
  const taken = new Set(rows.map(({ username }) => username))
  const hasRetired = (await em.count(RetiredNameEntity, {})) > 0
  const isFree = async (name: string) => !taken.has(name) && !(hasRetired && (await isRetired(em, storage.ring, name)))
  return async (called: string): Promise<string> => {
    const facts: Fact[] = [{ claim: 'preferred_username', value: called, trust: 'self' }]
    for (const name of usernameCandidates(facts, () => random.digits(6))) {
      if (!(await isFree(name))) continue
      taken.add(name)
      return name
    }
    throw new TypeError('usernameCandidates must not end')
  }
}

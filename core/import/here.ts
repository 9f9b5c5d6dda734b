/** What is here already, read at once, as far as an import has to know it. @module */
import type { AccountId, AccountState, Fact } from '@labgate/contract'
import { inSmallLetters, verifiedEmail } from '../accounts/accounts.ts'
import type { Reads } from '../storage/late-orm.ts'
import { freeNumericIds } from '../storage/numeric-ids.ts'

/** An account that is here. */
export interface AccountHere {
  readonly id: AccountId
  readonly kind: 'person' | 'service'
  readonly username: string
  readonly number: number | undefined
  readonly state: AccountState
  readonly isErased: boolean
  /** Whether its person has not come yet. */
  readonly isAwaited: boolean
}

/** What an earlier import made of a row. */
export interface Remembered {
  readonly target: string
  readonly digest: string
}

/** Everything. Sets hold what `pair` makes of ids. */
export interface Here {
  /** The account; one that was merged is the one it went into. */
  account(id: AccountId): AccountHere | undefined
  /** Who is known at the sign-in by an address it vouches for or by its own id, or awaited there. */
  known(name: string): AccountId | undefined
  /** Who is known by a verified address at any sign-in. */
  knownElsewhere(email: string): AccountId | undefined
  isFreeUsername(name: string): boolean
  isFreeNumber(number: number): boolean
  /** Sources by slug. */
  readonly groups: ReadonlyMap<string, string>
  readonly datasets: ReadonlyMap<string, string>
  /** Slugs by alias, in small letters. */
  readonly aliases: ReadonlyMap<string, string>
  /** Slugs by namespace and name. */
  readonly tables: ReadonlyMap<string, string>
  readonly versions: ReadonlySet<string>
  readonly terms: ReadonlySet<string>
  /** Those that are retired. */
  readonly retired: ReadonlySet<string>
  /** Group and account, as admins and imports say it. */
  readonly members: ReadonlySet<string>
  readonly managers: ReadonlySet<string>
  readonly roots: ReadonlySet<string>
  /** Terms and account. */
  readonly acceptances: ReadonlySet<string>
  /** Ids of current lines. */
  readonly grants: ReadonlySet<string>
  /** Ids of current lines without further conditions, by what they say. */
  readonly said: ReadonlyMap<string, string>
  /** What earlier imports of the same source made, by kind and key. */
  readonly remembered: ReadonlyMap<string, ReadonlyMap<string, Remembered>>
}

/** One word of several. */
export const pair = (...words: readonly string[]): string => words.join('\u0000')

/** What a line of the ledger says, in one word. */
export const saying = (line: {
  readonly subject: string
  readonly dataset: string
  readonly version: string | null | undefined
  readonly verb: string | null | undefined
  readonly withinGroup: string | undefined
}): string => pair(line.subject, line.dataset, line.version ?? '', line.verb ?? '', line.withinGroup ?? '')

/** Reads it, as the transaction sees it. */
export async function readHere(
  em: Reads,
  { source, signIn }: { readonly source: string; readonly signIn: string },
): Promise<Here> {
  const setOf = async (sql: string) => {
    const rows = await em.execute<Record<string, string>[]>(sql)
    return new Set(rows.map((row) => pair(...Object.values(row))))
  }
  const mapOf = async (sql: string) => {
    const rows = await em.execute<{ key: string; value: string }[]>(sql)
    return new Map(rows.map(({ key, value }) => [key, value]))
  }
  return {
    ...(await readAccounts(em, signIn)),
    groups: await mapOf('select slug as "key", source as value from account_group'),
    datasets: await mapOf('select slug as "key", source as value from dataset'),
    aliases: await mapOf('select lower(alias) as "key", dataset as value from dataset_alias'),
    tables: new Map(
      (await em.execute<Record<string, string>[]>('select namespace, name, dataset from service_table')).map((row) => [
        pair(row.namespace ?? '', row.name ?? ''),
        row.dataset ?? '',
      ]),
    ),
    versions: await setOf('select dataset, version from dataset_version'),
    terms: await setOf('select id from terms'),
    retired: await setOf('select id from terms where retired_at is not null'),
    members: await setOf(`select group_slug, account_id from membership where source = 'admin'`),
    managers: await setOf('select group_slug, account_id from group_manager'),
    roots: await setOf('select namespace, name, root from public_root'),
    acceptances: await setOf('select distinct terms, account_id from terms_acceptance'),
    ...(await readGrants(em)),
    remembered: await readRemembered(em, source),
  }
}

interface AccountColumns {
  readonly id: string
  readonly kind: 'person' | 'service'
  readonly username: string
  readonly numeric_id: number | null
  readonly state: AccountState
  readonly erased_at: number | null
  readonly merged_into: string | null
  readonly email: string | null
  readonly email_verified: number | boolean
}

async function readAccounts(em: Reads, signIn: string) {
  const rows = await em.execute<AccountColumns[]>(
    'select id, kind, username, numeric_id, state, erased_at, merged_into, email, email_verified from account',
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const { names, awaited } = await readNames(em, signIn)
  const follow = (id: string, most = 100): AccountColumns | undefined => {
    const row = byId.get(id)
    return row?.merged_into && most > 0 ? follow(row.merged_into, most - 1) : row
  }
  const verified = rows.filter(({ email, email_verified }) => email && email_verified)
  const elsewhere = new Map(verified.map(({ id, email }) => [inSmallLetters(email ?? ''), id]))
  const others = await em.execute<{ numeric_id: number }[]>(
    `select numeric_id from account_group where numeric_id is not null
     union all select numeric_id from dataset where numeric_id is not null
     union all select numeric_id from terms where numeric_id is not null`,
  )
  const numbers = new Set([...rows, ...others].flatMap(({ numeric_id }) => numeric_id ?? []).map(Number))
  const usernames = new Set(rows.map(({ username }) => username))
  const isFree = await freeNumericIds(em)
  return {
    account(id: AccountId): AccountHere | undefined {
      const row = follow(id)
      return (
        row && {
          ...{ id: row.id, kind: row.kind, username: row.username, number: row.numeric_id ?? undefined },
          ...{ state: row.state, isErased: row.erased_at !== null, isAwaited: awaited.has(row.id) },
        }
      )
    },
    known: (name: string) => names.get(name),
    knownElsewhere: (email: string) => elsewhere.get(email),
    isFreeUsername: (name: string) => !usernames.has(name),
    isFreeNumber: (number: number) => isFree(number) && !numbers.has(number),
  }
}

/** Who is known at a sign-in, and all who are awaited anywhere. */
async function readNames(em: Reads, signIn: string) {
  const identities = await em.execute<{ account_id: string; subject: string; facts: string | readonly Fact[] }[]>(
    'select account_id, subject, facts from identity where instance = ? and removed_at is null',
    [signIn],
  )
  const waiting = await em.execute<{ instance: string; value: string; account_id: string }[]>(
    'select instance, value, account_id from awaited_name',
  )
  const names = new Map(waiting.filter((row) => row.instance === signIn).map((row) => [row.value, row.account_id]))
  for (const { account_id, subject, facts } of identities) {
    // As the entity stores JSON.
    const email = verifiedEmail(typeof facts === 'string' ? (JSON.parse(facts) as readonly Fact[]) : facts)
    if (!subject.includes('@')) names.set(subject, account_id)
    if (email !== undefined) names.set(email, account_id)
  }
  return { names, awaited: new Set(waiting.map((row) => row.account_id)) }
}

interface GrantColumns {
  readonly id: number
  readonly subject: string
  readonly dataset: string
  readonly version: string | null
  readonly verb: string
  readonly conditions: string
}

async function readGrants(em: Reads) {
  const rows = await em.execute<GrantColumns[]>(
    `select id, subject, dataset, version, coalesce(level, permission) as verb, conditions
     from access_grant where ended_at is null`,
  )
  const said = new Map<string, string>()
  for (const { id, conditions, ...line } of rows) {
    const { withinGroup, ...more } = conditionsIn(conditions)
    if (Object.keys(more).length === 0) said.set(saying({ ...line, withinGroup }), String(id))
  }
  return { grants: new Set(rows.map(({ id }) => String(id))), said }
}

function conditionsIn(stored: string): { readonly withinGroup?: string } {
  // As the entity stores JSON; nearly every line has none.
  return stored === '{}' ? {} : typeof stored === 'string' ? JSON.parse(stored) : stored
}

async function readRemembered(em: Reads, source: string) {
  const rows = await em.execute<{ kind: string; key: string; target: string; digest: string }[]>(
    'select kind, "key", target, digest from imported_row where source = ?',
    [source],
  )
  const byKind = new Map<string, Map<string, Remembered>>()
  for (const { kind, key, target, digest } of rows) {
    const kept = byKind.get(kind) ?? new Map<string, Remembered>()
    byKind.set(kind, kept.set(key, { target, digest }))
  }
  return byKind
}

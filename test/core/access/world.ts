/** A ledger as plain arrays: written into a database row by row, and read back without any of the rooms' code. @module */
import type { Json } from '@labgate/contract'
import type { SqliteDatabase } from '../../../core/storage/sqlite.ts'

export interface World {
  readonly accounts: readonly { id: string; state: string; kind: string; parent: string | null }[]
  readonly identities: readonly {
    account: string
    instance: string
    subject: string
    facts: readonly { claim: string; value: Json; trust: string }[]
    seenAt: number
    isRemoved: boolean
  }[]
  readonly members: readonly { account: string; group: string }[]
  readonly datasets: readonly { slug: string; visibility: string; frozen: string | null }[]
  readonly aliases: readonly { alias: string; dataset: string }[]
  readonly versions: readonly { dataset: string; version: string }[]
  readonly terms: readonly {
    id: string
    dataset: string | null
    version: string | null
    services: readonly string[]
    required: number
    isRetired: boolean
  }[]
  readonly acceptances: readonly { account: string; terms: string; number: number }[]
  readonly grants: readonly {
    id: number
    subject: string
    dataset: string
    version: string | null
    level: string | null
    permission: string | null
    conditions: RawConditions
    isEnded: boolean
  }[]
}

export interface RawConditions {
  readonly terms?: { readonly id: string; readonly number: number }
  readonly from?: string
  readonly until?: string
  readonly facts?: readonly {
    readonly claim: string
    readonly equals?: Json
    readonly oneOf?: readonly Json[]
    readonly contains?: Json
    readonly via?: string
    readonly trust?: string
    readonly withinDays?: number
  }[]
  readonly withinGroup?: string
}

const tables = [
  ...['access_grant', 'terms_acceptance', 'terms_text', 'terms', 'dataset_version', 'dataset_alias', 'dataset'],
  ...['membership', 'group_manager', 'account_group', 'identity', 'account'],
]

/** Puts a world in the place of whatever was there, as another process would: whoever has heard that it is done asks in a later turn. */
export async function writeWorld(database: SqliteDatabase, world: World): Promise<void> {
  const put = (table: string, row: Readonly<Record<string, unknown>>) => {
    const names = Object.keys(row)
    const sql = `insert into ${table} (${names.join(', ')}) values (${names.map((name) => `@${name}`).join(', ')})`
    database.prepare(sql).run(row)
  }
  database.transaction(() => {
    for (const table of tables) database.prepare(`delete from ${table}`).run()
    putAccounts(put, world)
    putLedger(put, world)
    database
      .prepare(`update setting set value = cast(cast(value as integer) + 1 as text) where "key" = 'ledger.revision'`)
      .run()
  })()
  // The first may still belong to this turn: a turn ends where the loop waits for what arrives.
  await new Promise((done) => setImmediate(() => setImmediate(done)))
}

type Put = (table: string, row: Readonly<Record<string, unknown>>) => void

function putAccounts(put: Put, { accounts, identities, members }: World): void {
  for (const { id, state, kind, parent } of accounts) {
    const names = { username: id, display_name: id, email_verified: 0, role: 'user', description: '' }
    put('account', { id, state, kind, parent, ...names, created_at: 0, updated_at: 0, revision: 1 })
  }
  for (const [index, { account, instance, subject, facts, seenAt, isRemoved }] of identities.entries()) {
    const key = {
      id: `i${index}`,
      account_id: account,
      realm: instance,
      issuer: `https://${instance}`,
      subject,
      instance,
    }
    const rest = { facts: JSON.stringify(facts), created_at: 0, last_seen_at: seenAt }
    put('identity', { ...key, ...rest, removed_at: isRemoved ? 1 : null })
  }
  for (const slug of new Set(members.map(({ group }) => group))) put('account_group', { slug, title: slug })
  for (const { account, group } of members)
    put('membership', { account_id: account, group_slug: group, source: 'admin', at: 0 })
}

function putLedger(put: Put, { datasets, aliases, versions, terms, acceptances, grants }: World): void {
  const made = { created_at: 0 }
  for (const dataset of datasets) put('dataset', { ...dataset, title: dataset.slug, ...made, updated_at: 0 })
  for (const alias of aliases) put('dataset_alias', alias)
  for (const version of versions) put('dataset_version', { ...version, ...made })
  for (const { id, dataset, version, services, required, isRetired } of terms) {
    const rest = { services: JSON.stringify(services), required_number: required, retired_at: isRetired ? 1 : null }
    put('terms', { id, title: id, dataset, version, ...rest, ...made })
    for (const number of [1, 2])
      put('terms_text', { terms: id, number, markdown: '', digest: '', published_by: '', published_at: 0 })
  }
  for (const { account, terms: id, number } of acceptances)
    put('terms_acceptance', { account_id: account, terms: id, number, at: number, digest: '' })
  for (const { conditions, isEnded, ...grant } of grants) {
    const rest = { conditions: JSON.stringify(conditions), granted_by: 'test', ...made }
    put('access_grant', { ...grant, ...rest, ended_at: isEnded ? 1 : null })
  }
}

/** Reads everything, whole tables at a time. */
export function readWorld(database: SqliteDatabase): World {
  const all = (table: string) => database.prepare<[], Row>(`select * from ${table}`).all()
  return {
    accounts: all('account').map(({ id, state, kind, parent }) => ({ id, state, kind, parent })),
    identities: all('identity').map((row) => ({
      ...{ account: row.account_id, instance: row.instance, subject: row.subject },
      ...{ facts: JSON.parse(row.facts), seenAt: row.last_seen_at, isRemoved: row.removed_at !== null },
    })),
    members: all('membership').map((row) => ({ account: row.account_id, group: row.group_slug })),
    datasets: all('dataset').map(({ slug, visibility, frozen }) => ({ slug, visibility, frozen })),
    aliases: all('dataset_alias').map(({ alias, dataset }) => ({ alias, dataset })),
    versions: all('dataset_version').map(({ dataset, version }) => ({ dataset, version })),
    terms: all('terms').map((row) => ({
      ...{ id: row.id, dataset: row.dataset, version: row.version, services: JSON.parse(row.services) },
      ...{ required: row.required_number, isRetired: row.retired_at !== null },
    })),
    acceptances: all('terms_acceptance').map((row) => ({
      ...{ account: row.account_id, terms: row.terms, number: row.number },
    })),
    grants: all('access_grant').map((row) => ({
      ...{ id: row.id, subject: row.subject, dataset: row.dataset, version: row.version, level: row.level },
      ...{ permission: row.permission, conditions: JSON.parse(row.conditions), isEnded: row.ended_at !== null },
    })),
  }
}

/** A row of any table. `never` goes wherever it is put: what the columns hold is what the test compares. */
type Row = { readonly [Column in Columns]: never }
type Columns =
  | 'account_id'
  | 'alias'
  | 'conditions'
  | 'dataset'
  | 'ended_at'
  | 'facts'
  | 'frozen'
  | 'group_slug'
  | 'id'
  | 'instance'
  | 'kind'
  | 'last_seen_at'
  | 'level'
  | 'number'
  | 'parent'
  | 'permission'
  | 'removed_at'
  | 'required_number'
  | 'retired_at'
  | 'services'
  | 'slug'
  | 'state'
  | 'subject'
  | 'terms'
  | 'version'
  | 'visibility'

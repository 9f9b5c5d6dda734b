/** Rows of which an import makes very many: written some thousand at once. Within the caller's transaction. @module */
import type { EntityManager } from '@mikro-orm/sqlite'
import { pair, saying } from './here.ts'

const chunk = 5000

/** Values as JSON: the database takes them apart. */
type Values = readonly (string | number | null)[]

async function each(em: EntityManager, sql: string, { rows, more }: { rows: readonly Values[]; more: Values }) {
  for (let from = 0; from < rows.length; from += chunk)
    await em.execute(sql, [...more, JSON.stringify(rows.slice(from, from + chunk))])
}

/** Group and account. */
export function addMembers(em: EntityManager, rows: readonly (readonly [string, string])[], at: Date) {
  const sql = `insert into membership (group_slug, account_id, source, at)
    select json_extract(value, '$[0]'), json_extract(value, '$[1]'), 'admin', ? from json_each(?) where true
    on conflict do nothing`
  return each(em, sql, { rows, more: [at.getTime()] })
}

/** Group and account. */
export function addManagers(em: EntityManager, rows: readonly (readonly [string, string])[]) {
  const sql = `insert into group_manager (group_slug, account_id, source)
    select json_extract(value, '$[0]'), json_extract(value, '$[1]'), 'import' from json_each(?) where true
    on conflict do nothing`
  return each(em, sql, { rows, more: [] })
}

/** Terms, account, instant, network address: of their first text. */
export function addAcceptances(em: EntityManager, rows: readonly (readonly [string, string, number, string | null])[]) {
  const sql = `insert into terms_acceptance (terms, account_id, number, at, address, digest)
    select t.terms, json_extract(value, '$[1]'), t.number, cast(json_extract(value, '$[2]') as bigint), json_extract(value, '$[3]'), t.digest
    from json_each(?) join terms_text t on t.terms = json_extract(value, '$[0]') and t.number = 1 where true
    on conflict do nothing`
  return each(em, sql, { rows, more: [] })
}

/** A line of the ledger without further conditions. */
export interface PlainLine {
  readonly subject: string
  readonly dataset: string
  readonly version: string | undefined
  readonly level: string | undefined
  readonly permission: string | undefined
  readonly withinGroup: string | undefined
}

/** Adds lines; answers their ids by what they say. */
export async function addLines(
  em: EntityManager,
  lines: readonly PlainLine[],
  { at, why }: { readonly at: Date; readonly why: string },
): Promise<(line: PlainLine) => string> {
  const [last] = await em.execute<{ id: number }[]>('select coalesce(max(id), 0) as id from access_grant')
  const rows = lines.map(({ subject, dataset, version, level, permission, withinGroup }) => [
    ...[subject, dataset, version ?? null, level ?? null, permission ?? null],
    JSON.stringify(withinGroup === undefined ? {} : { withinGroup }),
  ])
  const column = (index: number) => `json_extract(value, '$[${index}]')`
  const sql = `insert into access_grant
      (granted_by, why, source, created_at, subject, dataset, version, level, permission, conditions)
    select 'import', ?, 'import', ?, ${[0, 1, 2, 3, 4, 5].map(column).join(', ')} from json_each(?)`
  await each(em, sql, { rows, more: [why, at.getTime()] })
  const made = await em.execute<(Record<string, string | null> & { id: number })[]>(
    `select id, subject, dataset, version, coalesce(level, permission) as verb,
       json_extract(conditions, '$.withinGroup') as within from access_grant where id > ?`,
    [Number(last?.id)],
  )
  const ids = new Map(
    made.map(({ id, subject, dataset, version, verb, within }) => [
      saying({ subject: subject ?? '', dataset: dataset ?? '', version, verb, withinGroup: within ?? undefined }),
      String(id),
    ]),
  )
  return ({ level, permission, ...line }) => ids.get(saying({ ...line, verb: level ?? permission })) ?? pair()
}

/** Key, target and digest of rows of one kind, for the next import of the same source. */
export function remember(
  em: EntityManager,
  rows: readonly (readonly [string, string, string])[],
  { source, kind, at }: { readonly source: string; readonly kind: string; readonly at: Date },
) {
  const sql = `insert into imported_row (source, kind, at, "key", target, digest)
    select ?, ?, ?, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
    from json_each(?) where true
    on conflict (source, kind, "key") do update set target = excluded.target, digest = excluded.digest, at = excluded.at`
  return each(em, sql, { rows, more: [source, kind, at.getTime()] })
}

/** Forgets rows: should the source have them again, they are new. */
export function forget(em: EntityManager, rows: readonly (readonly [kind: string, key: string])[], source: string) {
  const sql = `delete from imported_row where source = ? and (kind, "key") in
    (select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?))`
  return each(em, sql, { rows, more: [source] })
}

/** Every answer about these accounts is made anew. */
export function touch(em: EntityManager, accounts: readonly string[]) {
  const sql = 'update account set revision = revision + 1 where id in (select value from json_each(?))'
  return em.execute(sql, [JSON.stringify(accounts)])
}

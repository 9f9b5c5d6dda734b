/**
 * The ledger as answers need it: by prepared statements on the serving connection, each by an index. They see what is
 * committed, by this process or another; `reading` lets several of them see one and the same instant.
 * @module
 */
import type { AccountId } from '@labgate/contract'
import type { SqliteDatabase } from './sqlite.ts'

/** Where stands what an answer about an account depends on: three revisions, and whether it and its parent may act. */
export interface Revisions {
  readonly account: number
  readonly state: string
  readonly parent: AccountId | undefined
  /** 0 without a parent. */
  readonly parentRevision: number
  readonly parentState: string | undefined
  readonly ledger: number
}

/** Whether nothing that makes an answer has changed between two looks. */
export function sameRevisions(a: Revisions, b: Revisions): boolean {
  return (
    a.account === b.account &&
    a.ledger === b.ledger &&
    a.state === b.state &&
    a.parent === b.parent &&
    a.parentRevision === b.parentRevision &&
    a.parentState === b.parentState
  )
}

/** The columns of `Revisions`, of an account `a` and its parent `p`. */
export const revisionColumns = `a.revision AS account, a.state, a.parent, coalesce(p.revision, 0) AS parentRevision,
  p.state AS parentState, (SELECT cast(value AS integer) FROM setting WHERE "key" = 'ledger.revision') AS ledger`

/** Those columns as they are read. */
export type RevisionColumns = Omit<Revisions, 'parent' | 'parentState'> & {
  readonly parent: string | null
  readonly parentState: string | null
}

/** The same as everybody else has it. */
export function revisionsOf(row: RevisionColumns): Revisions {
  const { account, state, parent, parentRevision, parentState, ledger } = row
  return {
    ...{ account, state, parentRevision, ledger },
    ...{ parent: parent ?? undefined, parentState: parentState ?? undefined },
  }
}

/** A current line of the ledger as it is stored. */
export interface GrantRecord {
  readonly id: number
  readonly subject: string
  readonly dataset: string
  readonly version: string | null
  readonly level: string | null
  readonly permission: string | null
  /** Text of JSON. */
  readonly conditions: string
  readonly grantedBy: string
  readonly why: string
  readonly source: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** Terms with the number of their newest text. */
export interface TermsRecord {
  readonly id: string
  readonly numericId: number
  readonly title: string
  readonly dataset: string | null
  readonly datasetNumericId: number | null
  readonly version: string | null
  readonly services: readonly string[]
  readonly requiredNumber: number
  readonly number: number
  readonly isRetired: boolean
}

/** A dataset without its lists. */
export interface DatasetRecord {
  readonly slug: string
  readonly numericId: number
  readonly title: string
  readonly description: string
  readonly visibility: 'listed' | 'hidden'
  readonly frozen: string | null
}

/** Where data lie. */
export interface PlaceRecord {
  readonly dataset: string
  readonly version: string | null
  readonly bucket: string
  readonly prefix: string
}

/** The reads of every answer. */
export interface LedgerRows {
  /** All reads of synchronous `work` see the same instant, whatever other processes commit meanwhile. */
  reading<T>(work: () => T): T
  /** `undefined` when there is no such account. */
  revisions(account: AccountId): Revisions | undefined
  ledgerRevision(): number
  /** Newest acceptance of each number, by an account. */
  acceptances(account: AccountId): { readonly terms: string; readonly number: number; readonly at: number }[]
  managedGroups(account: AccountId): string[]
  /** Current grants of any of these subjects on one dataset, or on all. */
  grants(subjects: readonly string[], dataset?: string): GrantRecord[]
  /** By slug or alias. */
  dataset(name: string): DatasetRecord | undefined
  datasetByNumericId(id: number): DatasetRecord | undefined
  datasetOfTable(namespace: string, name: string): DatasetRecord | undefined
  /** Which of these slugs are frozen. */
  frozenOf(slugs: readonly string[]): string[]
  aliases(dataset: string): string[]
  hasVersion(dataset: string, version: string): boolean
  versions(dataset: string): { readonly version: string; readonly title: string }[]
  versionsOf(datasets: readonly string[]): { readonly dataset: string; readonly version: string }[]
  places(dataset: string): PlaceRecord[]
  placesIn(bucket: string): PlaceRecord[]
  tables(dataset: string): { readonly namespace: string; readonly name: string }[]
  /** Of a table of an open dataset: all, or those of a list. Decimal digits. */
  publicRoots(table: { namespace: string; name: string }, roots?: readonly string[]): string[]
  /** Living terms attached to any of these datasets. */
  termsOn(datasets: readonly string[]): TermsRecord[]
  /** Living terms of the site, attached to no dataset. */
  siteTerms(): TermsRecord[]
  /** By id, retired ones too. */
  termsById(ids: readonly string[]): TermsRecord[]
  /** Living ones. */
  termsByNumericId(id: number): TermsRecord | undefined
}

/** The statements by name, so that a test can ask SQLite how it would run each. */
export const ledgerStatements = {
  revisions: `SELECT ${revisionColumns}
     FROM account a LEFT JOIN account p ON p.id = a.parent WHERE a.id = ?`,
  ledgerRevision: `SELECT cast(value AS integer) FROM setting WHERE "key" = 'ledger.revision'`,
  acceptances: 'SELECT terms, number, at FROM terms_acceptance WHERE account_id = ?',
  managedGroups: 'SELECT group_slug FROM group_manager WHERE account_id = ? ORDER BY group_slug',
  // The cross join keeps the subjects outside: one search of the index for each.
  grants: `${grantsOf('g.subject = s.value')} ORDER BY g.id`,
  grantsOn: `${grantsOf('g.subject = s.value AND g.dataset = ?')} ORDER BY g.id`,
  dataset: `${datasetOf('dataset d WHERE d.slug = ?')}
     UNION ALL ${datasetOf('dataset_alias a JOIN dataset d ON d.slug = a.dataset WHERE a.alias = ?')} LIMIT 1`,
  datasetByNumericId: datasetOf('dataset d WHERE d.numeric_id = ?'),
  datasetOfTable: datasetOf(
    'service_table t JOIN dataset d ON d.slug = t.dataset WHERE t.namespace = ? AND t.name = ?',
  ),
  frozenOf: `SELECT d.slug FROM json_each(?) s CROSS JOIN dataset d ON d.slug = s.value WHERE d.frozen IS NOT NULL`,
  aliases: 'SELECT alias FROM dataset_alias WHERE dataset = ? ORDER BY alias',
  hasVersion: 'SELECT 1 FROM dataset_version WHERE dataset = ? AND version = ?',
  versions: 'SELECT version, title FROM dataset_version WHERE dataset = ? ORDER BY id',
  versionsOf: `SELECT v.dataset, v.version FROM json_each(?) s CROSS JOIN dataset_version v ON v.dataset = s.value`,
  places: 'SELECT dataset, version, bucket, prefix FROM dataset_place WHERE dataset = ? ORDER BY id',
  placesIn: 'SELECT dataset, version, bucket, prefix FROM dataset_place WHERE bucket = ? ORDER BY id',
  tables: 'SELECT namespace, name FROM service_table WHERE dataset = ? ORDER BY namespace, name',
  publicRoots: `SELECT r.root FROM ${openTable()} JOIN public_root r ON r.namespace = t.namespace AND r.name = t.name
     WHERE t.namespace = ? AND t.name = ? AND d.frozen IS NULL`,
  publicRootsOf: `SELECT r.root FROM json_each(?) s CROSS JOIN ${openTable()}
     JOIN public_root r ON r.namespace = t.namespace AND r.name = t.name AND r.root = s.value
     WHERE t.namespace = ? AND t.name = ? AND d.frozen IS NULL`,
  termsOn: `${termsOf('json_each(?) s CROSS JOIN terms t ON t.dataset = s.value')} WHERE t.retired_at IS NULL`,
  siteTerms: `${termsOf('terms t')} WHERE t.dataset IS NULL AND t.retired_at IS NULL`,
  termsById: termsOf('json_each(?) s CROSS JOIN terms t ON t.id = s.value'),
  termsByNumericId: `${termsOf('terms t')} WHERE t.numeric_id = ? AND t.retired_at IS NULL`,
} as const

function grantsOf(condition: string): string {
  return `SELECT g.id, g.subject, g.dataset, g.version, g.level, g.permission, g.conditions, g.granted_by AS grantedBy,
       g.why, g.source, g.created_at AS createdAt
     FROM json_each(?) s CROSS JOIN access_grant g ON ${condition} WHERE g.ended_at IS NULL`
}

function datasetOf(from: string): string {
  return `SELECT d.slug, coalesce(d.numeric_id, 0) AS numericId, d.title, d.description, d.visibility, d.frozen FROM ${from}`
}

function termsOf(from: string): string {
  return `SELECT t.id, coalesce(t.numeric_id, 0) AS numericId, t.title, t.dataset,
       (SELECT d.numeric_id FROM dataset d WHERE d.slug = t.dataset) AS datasetNumericId, t.version, t.services, t.required_number AS requiredNumber,
       t.retired_at IS NOT NULL AS isRetired,
       coalesce((SELECT max(x.number) FROM terms_text x WHERE x.terms = t.id), 0) AS number
     FROM ${from}`
}

function openTable(): string {
  return 'service_table t JOIN dataset d ON d.slug = t.dataset'
}

interface TermsColumns extends Omit<TermsRecord, 'services' | 'isRetired'> {
  readonly services: string
  readonly isRetired: number
}

function prepare(database: SqliteDatabase) {
  const words = ledgerStatements
  return {
    begin: database.prepare('BEGIN'),
    commit: database.prepare('COMMIT'),
    revisions: database.prepare<[string], RevisionColumns>(words.revisions),
    ledgerRevision: database.prepare<[], number>(words.ledgerRevision).pluck(),
    acceptances: database.prepare<[string], { terms: string; number: number; at: number }>(words.acceptances),
    managedGroups: database.prepare<[string], string>(words.managedGroups).pluck(),
    grants: database.prepare<[string], GrantRecord>(words.grants),
    grantsOn: database.prepare<[string, string], GrantRecord>(words.grantsOn),
    dataset: database.prepare<[string, string], DatasetRecord>(words.dataset),
    datasetByNumericId: database.prepare<[number], DatasetRecord>(words.datasetByNumericId),
    datasetOfTable: database.prepare<[string, string], DatasetRecord>(words.datasetOfTable),
    frozenOf: database.prepare<[string], string>(words.frozenOf).pluck(),
    aliases: database.prepare<[string], string>(words.aliases).pluck(),
    hasVersion: database.prepare<[string, string], number>(words.hasVersion).pluck(),
    versions: database.prepare<[string], { version: string; title: string }>(words.versions),
    versionsOf: database.prepare<[string], { dataset: string; version: string }>(words.versionsOf),
    places: database.prepare<[string], PlaceRecord>(words.places),
    placesIn: database.prepare<[string], PlaceRecord>(words.placesIn),
    tables: database.prepare<[string], { namespace: string; name: string }>(words.tables),
    publicRoots: database.prepare<[string, string], string>(words.publicRoots).pluck(),
    publicRootsOf: database.prepare<[string, string, string], string>(words.publicRootsOf).pluck(),
    termsOn: database.prepare<[string], TermsColumns>(words.termsOn),
    siteTerms: database.prepare<[], TermsColumns>(words.siteTerms),
    termsById: database.prepare<[string], TermsColumns>(words.termsById),
    termsByNumericId: database.prepare<[number], TermsColumns>(words.termsByNumericId),
  }
}

function termsRecord(row: TermsColumns): TermsRecord {
  // As the entity stores JSON.
  return { ...row, services: JSON.parse(row.services) as readonly string[], isRetired: row.isRetired === 1 }
}

const list = (values: readonly string[]) => JSON.stringify(values)

/** Prepares the statements once. */
export function createLedgerRows({ database }: { database: SqliteDatabase }): LedgerRows {
  const statements = prepare(database)
  return {
    reading(work) {
      if (database.inTransaction) return work()
      statements.begin.run()
      try {
        return work()
      } finally {
        statements.commit.run()
      }
    },
    revisions(account) {
      const row = statements.revisions.get(account)
      return row && revisionsOf(row)
    },
    ledgerRevision: () => statements.ledgerRevision.get() ?? 0,
    acceptances: (account) => statements.acceptances.all(account),
    managedGroups: (account) => statements.managedGroups.all(account),
    grants: (subjects, dataset) =>
      dataset === undefined ? statements.grants.all(list(subjects)) : statements.grantsOn.all(list(subjects), dataset),
    dataset: (name) => statements.dataset.get(name, name),
    datasetByNumericId: (id) => statements.datasetByNumericId.get(id),
    datasetOfTable: (namespace, name) => statements.datasetOfTable.get(namespace, name),
    frozenOf: (slugs) => statements.frozenOf.all(list(slugs)),
    aliases: (dataset) => statements.aliases.all(dataset),
    hasVersion: (dataset, version) => statements.hasVersion.get(dataset, version) !== undefined,
    versions: (dataset) => statements.versions.all(dataset),
    versionsOf: (datasets) => statements.versionsOf.all(list(datasets)),
    places: (dataset) => statements.places.all(dataset),
    placesIn: (bucket) => statements.placesIn.all(bucket),
    tables: (dataset) => statements.tables.all(dataset),
    publicRoots: ({ namespace, name }, roots) =>
      roots === undefined
        ? statements.publicRoots.all(namespace, name)
        : statements.publicRootsOf.all(list(roots), namespace, name),
    termsOn: (datasets) => statements.termsOn.all(list(datasets)).map(termsRecord),
    siteTerms: () => statements.siteTerms.all().map(termsRecord),
    termsById: (ids) => statements.termsById.all(list(ids)).map(termsRecord),
    termsByNumericId(id) {
      const row = statements.termsByNumericId.get(id)
      return row && termsRecord(row)
    },
  }
}

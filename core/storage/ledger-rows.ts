/**
 * The ledger as answers need it: by prepared statements, each by an index. They see what is committed, by this process
 * or another; `reading` lets several of them see one and the same instant.
 * @module
 */
import type { AccountId, AccountState, Fact } from '@labgate/contract'
import {
  type AccountColumns,
  type AccountReads,
  type AccountRecord,
  accountColumns,
  accountOf,
  createAccountReads,
  gathered,
  gatheredNames,
} from './account-rows.ts'
import type { Queries, Readings } from './query.ts'

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

const ledgerRevision = `(SELECT cast(value AS integer) FROM setting WHERE "key" = 'ledger.revision')`
const ofParent = `coalesce(p.revision, 0) AS "parentRevision", p.state AS "parentState"`

/** The columns of `Revisions`, of an account `a` and its parent `p`. */
export const revisionColumns = `a.revision AS account, a.state, a.parent, ${ofParent}, ${ledgerRevision} AS ledger`

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

/** What an identity says of its account. */
export interface KnownIdentity {
  readonly instance: string
  readonly issuer: string
  readonly subject: string
  readonly facts: readonly Fact[]
  readonly lastSeenAt: Date
}

/** An account with all that a judgement needs of it, at one instant. */
export interface HolderRecord {
  readonly account: AccountRecord
  readonly revisions: Revisions
  readonly parent:
    | { readonly numericId: number | undefined; readonly kind: string; readonly state: AccountState }
    | undefined
  /** The living ones, oldest first. */
  readonly identities: readonly KnownIdentity[]
  readonly managedGroups: readonly string[]
  /** Of each number accepted; a service account's are its parent's, since it never accepts anything itself. */
  readonly acceptances: readonly { readonly terms: string; readonly number: number; readonly at: number }[]
}

/** Where an account stands, at one instant with what it is unless that is known. */
export interface StandingRecord {
  readonly revisions: Revisions
  /** Absent when its revision and the ledger's are those that are known. */
  readonly now?: Pick<HolderRecord, 'account' | 'identities'> | undefined
}

/** What a line of the ledger gives. */
export interface HeldRecord {
  readonly subject: string
  readonly dataset: string
  readonly version: string | null
  readonly level: string | null
  readonly permission: string | null
  /** Text of JSON. */
  readonly conditions: string
}

/** A current line of the ledger as it is stored. */
export interface GrantRecord extends HeldRecord {
  readonly id: number
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
export interface LedgerReads {
  /** `undefined` when there is no such account. */
  revisions(account: AccountId): Promise<Revisions | undefined>
  /** The same with the account, unless it is `known` as it stands. */
  standing(account: AccountId, known: Revisions | undefined): Promise<StandingRecord | undefined>
  ledgerRevision(): Promise<number>
  /** `undefined` when there is no such account. */
  holder(account: AccountId): Promise<HolderRecord | undefined>
  /** What any of these subjects are given, in no order. */
  held(subjects: readonly string[]): Promise<HeldRecord[]>
  /** Current grants of any of these subjects on one dataset. */
  grants(subjects: readonly string[], dataset: string): Promise<GrantRecord[]>
  /** By slug or alias. */
  dataset(name: string): Promise<DatasetRecord | undefined>
  datasetByNumericId(id: number): Promise<DatasetRecord | undefined>
  datasetOfTable(namespace: string, name: string): Promise<DatasetRecord | undefined>
  /** Which of these slugs are frozen. */
  frozenOf(slugs: readonly string[]): Promise<string[]>
  aliases(dataset: string): Promise<string[]>
  hasVersion(dataset: string, version: string): Promise<boolean>
  versions(dataset: string): Promise<{ readonly version: string; readonly title: string }[]>
  versionsOf(datasets: readonly string[]): Promise<{ readonly dataset: string; readonly version: string }[]>
  places(dataset: string): Promise<PlaceRecord[]>
  placesIn(bucket: string): Promise<PlaceRecord[]>
  tables(dataset: string): Promise<{ readonly namespace: string; readonly name: string }[]>
  /** Of a table of an open dataset: all, or those of a list. Decimal digits. */
  publicRoots(table: { namespace: string; name: string }, roots?: readonly string[]): Promise<string[]>
  /** Living terms attached to any of these datasets. */
  termsOn(datasets: readonly string[]): Promise<TermsRecord[]>
  /** Living terms of the site, attached to no dataset. */
  siteTerms(): Promise<TermsRecord[]>
  /** By id, retired ones too. */
  termsById(ids: readonly string[]): Promise<TermsRecord[]>
  /** Living ones. */
  termsByNumericId(id: number): Promise<TermsRecord | undefined>
}

/** What one reading can ask: everything of one instant. */
export interface LedgerReading extends LedgerReads {
  readonly accounts: AccountReads
}

/** The reads, each of its own instant or several of one. */
export interface LedgerRows extends LedgerReads {
  /**
   * All that `work` reads by what it is given is of one instant, whatever is written meanwhile. It must wait for
   * nothing else, and no other reading: it holds a connection.
   */
  reading<T>(work: (rows: LedgerReading) => Promise<T>): Promise<T>
}

/** The living identities of an account `a`, as JSON. */
const identitiesOf = `(SELECT json_group_array(json_array(i.instance, i.issuer, i.subject, i.facts, i.last_seen_at, i.created_at))
          FROM identity i WHERE i.account_id = a.id AND i.removed_at IS NULL) AS identities`

/** The statements by name, so that a test can ask SQLite how it would run each. */
export const ledgerStatements = {
  revisions: `SELECT ${revisionColumns}
     FROM account a LEFT JOIN account p ON p.id = a.parent WHERE a.id = ?`,
  // What is known already comes as NULL, and nothing is gathered for it.
  standing: `SELECT n.revision AS "nowRevision", n.state AS "nowState", n.parent AS "nowParent", ${ofParent},
       ${ledgerRevision} AS ledger, ${accountColumns}, ${identitiesOf}
     FROM account n LEFT JOIN account p ON p.id = n.parent
       LEFT JOIN account a ON a.id = n.id AND (n.revision <> ? OR ${ledgerRevision} <> ?) WHERE n.id = ?`,
  ledgerRevision: `SELECT cast(value AS integer) FROM setting WHERE "key" = 'ledger.revision'`,
  holder: `SELECT ${accountColumns}, ${ofParent}, p.kind AS "parentKind", p.numeric_id AS "parentNumericId",
       ${ledgerRevision} AS ledger, ${identitiesOf},
       (SELECT json_group_array(g.group_slug) FROM group_manager g WHERE g.account_id = a.id) AS managed,
       (SELECT json_group_array(json_array(c.terms, c.number, c.at)) FROM terms_acceptance c
          WHERE c.account_id = CASE a.kind WHEN 'service' THEN a.parent ELSE a.id END) AS acceptances
     FROM account a LEFT JOIN account p ON p.id = a.parent WHERE a.id = ?`,
  // The cross join keeps the subjects outside: one search of the index for each.
  held: `SELECT g.subject, g.dataset, g.version, g.level, g.permission, g.conditions
     FROM json_each(?) s CROSS JOIN access_grant g ON g.subject = s.value WHERE g.ended_at IS NULL`,
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
  publicRoots: `SELECT r.root FROM service_table t JOIN dataset d ON d.slug = t.dataset JOIN public_root r ON r.namespace = t.namespace AND r.name = t.name
     WHERE t.namespace = ? AND t.name = ? AND d.frozen IS NULL`,
  publicRootsOf: `SELECT r.root FROM json_each(?) s CROSS JOIN public_root r ON r.namespace = ? AND r.name = ? AND r.root = s.value
     JOIN service_table t ON t.namespace = r.namespace AND t.name = r.name JOIN dataset d ON d.slug = t.dataset
     WHERE d.frozen IS NULL`,
  termsOn: `${termsOf('json_each(?) s CROSS JOIN terms t ON t.dataset = s.value')} WHERE t.retired_at IS NULL`,
  siteTerms: `${termsOf('terms t')} WHERE t.dataset IS NULL AND t.retired_at IS NULL`,
  termsById: termsOf('json_each(?) s CROSS JOIN terms t ON t.id = s.value'),
  termsByNumericId: `${termsOf('terms t')} WHERE t.numeric_id = ? AND t.retired_at IS NULL`,
} as const

function grantsOf(condition: string): string {
  return `SELECT g.id, g.subject, g.dataset, g.version, g.level, g.permission, g.conditions, g.granted_by AS "grantedBy",
       g.why, g.source, g.created_at AS "createdAt"
     FROM json_each(?) s CROSS JOIN access_grant g ON ${condition} WHERE g.ended_at IS NULL`
}

function datasetOf(from: string): string {
  return `SELECT d.slug, coalesce(d.numeric_id, 0) AS "numericId", d.title, d.description, d.visibility, d.frozen FROM ${from}`
}

function termsOf(from: string): string {
  return `SELECT t.id, coalesce(t.numeric_id, 0) AS "numericId", t.title, t.dataset,
       (SELECT d.numeric_id FROM dataset d WHERE d.slug = t.dataset) AS "datasetNumericId", t.version, t.services, t.required_number AS "requiredNumber",
       t.retired_at IS NOT NULL AS "isRetired",
       coalesce((SELECT max(x.number) FROM terms_text x WHERE x.terms = t.id), 0) AS number
     FROM ${from}`
}

interface HolderColumns extends AccountColumns {
  readonly parentRevision: number
  readonly parentState: AccountState | null
  readonly parentKind: string | null
  readonly parentNumericId: number | null
  readonly ledger: number
  readonly identities: string | null
  readonly managed: string | null
  readonly acceptances: string | null
}

/** The account's own columns are NULL when it is known as it stands. */
interface StandingColumns extends Omit<AccountColumns, 'id'> {
  readonly id: string | null
  readonly nowRevision: number
  readonly nowState: string
  readonly nowParent: string | null
  readonly parentRevision: number
  readonly parentState: string | null
  readonly ledger: number
  readonly identities: string | null
}

interface TermsColumns extends Omit<TermsRecord, 'services' | 'isRetired'> {
  readonly services: string
  readonly isRetired: number
}

function prepare({ rows, values }: Queries) {
  const words = ledgerStatements
  return {
    revisions: rows<[string], RevisionColumns>(words.revisions),
    standing: rows<[number, number, string], StandingColumns>(words.standing),
    ledgerRevision: values<[], number>(words.ledgerRevision),
    holder: rows<[string], HolderColumns>(words.holder),
    held: rows<[string], HeldRecord>(words.held),
    grantsOn: rows<[string, string], GrantRecord>(words.grantsOn),
    dataset: rows<[string, string], DatasetRecord>(words.dataset),
    datasetByNumericId: rows<[number], DatasetRecord>(words.datasetByNumericId),
    datasetOfTable: rows<[string, string], DatasetRecord>(words.datasetOfTable),
    frozenOf: values<[string], string>(words.frozenOf),
    aliases: values<[string], string>(words.aliases),
    hasVersion: values<[string, string], number>(words.hasVersion),
    versions: rows<[string], { version: string; title: string }>(words.versions),
    versionsOf: rows<[string], { dataset: string; version: string }>(words.versionsOf),
    places: rows<[string], PlaceRecord>(words.places),
    placesIn: rows<[string], PlaceRecord>(words.placesIn),
    tables: rows<[string], { namespace: string; name: string }>(words.tables),
    publicRoots: values<[string, string], string>(words.publicRoots),
    publicRootsOf: values<[string, string, string], string>(words.publicRootsOf),
    termsOn: rows<[string], TermsColumns>(words.termsOn),
    siteTerms: rows<[], TermsColumns>(words.siteTerms),
    termsById: rows<[string], TermsColumns>(words.termsById),
    termsByNumericId: rows<[number], TermsColumns>(words.termsByNumericId),
  }
}

function termsRecord(row: TermsColumns): TermsRecord {
  // As the entity stores JSON.
  return { ...row, services: JSON.parse(row.services) as readonly string[], isRetired: row.isRetired === 1 }
}

function holderOf(row: HolderColumns): HolderRecord {
  const account = accountOf(row)
  const { parentRevision, parentState, parentKind, parentNumericId, ledger } = row
  const { revision, state } = account
  return {
    account,
    revisions: {
      ...{ account: revision, state, ledger, parentRevision },
      ...{ parent: account.parent ?? undefined, parentState: parentState ?? undefined },
    },
    parent:
      parentState === null
        ? undefined
        : { numericId: parentNumericId ?? undefined, kind: parentKind ?? '', state: parentState },
    identities: identitiesIn(row.identities),
    managedGroups: gatheredNames(row.managed),
    acceptances: gathered<[string, number, number]>(row.acceptances).map(([terms, number, at]) => ({
      ...{ terms, number, at },
    })),
  }
}

function standingOf(row: StandingColumns): StandingRecord {
  const { id, nowRevision: account, nowState: state, nowParent: parent, parentRevision, parentState, ledger } = row
  return {
    revisions: revisionsOf({ account, state, parent, parentRevision, parentState, ledger }),
    now: id === null ? undefined : { account: accountOf({ ...row, id }), identities: identitiesIn(row.identities) },
  }
}

function identitiesIn(cells: string | null): KnownIdentity[] {
  return oldestFirst(gathered<IdentityCells>(cells)).map(([instance, issuer, subject, facts, lastSeenAt]) => ({
    ...{ instance, issuer, subject },
    // As the entity stores JSON.
    facts: JSON.parse(facts) as readonly Fact[],
    lastSeenAt: new Date(lastSeenAt),
  }))
}

type IdentityCells = [
  instance: string,
  issuer: string,
  subject: string,
  facts: string,
  lastSeenAt: number,
  createdAt: number,
]

function oldestFirst(found: readonly IdentityCells[]): readonly IdentityCells[] {
  return found.length < 2 ? found : found.toSorted((a, b) => a[5] - b[5])
}

const list = (values: readonly string[]) => JSON.stringify(values)

/** Accounts and the ledger by the statements of one connection. */
export function createLedgerReading(queries: Queries): LedgerReading {
  return { ...createLedgerReads(queries), accounts: createAccountReads(queries) }
}

/** The reads on one connection, and readings of one instant on others. */
export function createLedgerRows(needs: { queries: Queries; readings: Readings<LedgerReading> }): LedgerRows {
  return { ...createLedgerReads(needs.queries), reading: (work) => needs.readings.reading(work) }
}

function createLedgerReads(queries: Queries): LedgerReads {
  const statements = prepare(queries)
  return {
    async revisions(account) {
      const row = await statements.revisions.get(account)
      return row && revisionsOf(row)
    },
    async standing(account, known) {
      const row = await statements.standing.get(known?.account ?? -1, known?.ledger ?? -1, account)
      return row && standingOf(row)
    },
    ledgerRevision: async () => (await statements.ledgerRevision.get()) ?? 0,
    async holder(account) {
      const row = await statements.holder.get(account)
      return row && holderOf(row)
    },
    held: (subjects) => statements.held.all(list(subjects)),
    grants: (subjects, dataset) => statements.grantsOn.all(list(subjects), dataset),
    dataset: (name) => statements.dataset.get(name, name),
    datasetByNumericId: (id) => statements.datasetByNumericId.get(id),
    datasetOfTable: (namespace, name) => statements.datasetOfTable.get(namespace, name),
    frozenOf: (slugs) => statements.frozenOf.all(list(slugs)),
    aliases: (dataset) => statements.aliases.all(dataset),
    hasVersion: async (dataset, version) => (await statements.hasVersion.get(dataset, version)) !== undefined,
    versions: (dataset) => statements.versions.all(dataset),
    versionsOf: (datasets) => statements.versionsOf.all(list(datasets)),
    places: (dataset) => statements.places.all(dataset),
    placesIn: (bucket) => statements.placesIn.all(bucket),
    tables: (dataset) => statements.tables.all(dataset),
    publicRoots: ({ namespace, name }, roots) =>
      roots === undefined
        ? statements.publicRoots.all(namespace, name)
        : statements.publicRootsOf.all(list(roots), namespace, name),
    termsOn: async (datasets) => (await statements.termsOn.all(list(datasets))).map(termsRecord),
    siteTerms: async () => (await statements.siteTerms.all()).map(termsRecord),
    termsById: async (ids) => (await statements.termsById.all(list(ids))).map(termsRecord),
    async termsByNumericId(id) {
      const row = await statements.termsByNumericId.get(id)
      return row && termsRecord(row)
    },
  }
}

/**
 * The tables of the ledger: datasets, grants, terms of use and requests; and of API tokens. Reading for an answer goes
 * through prepared statements (`ledger-rows.ts`), lists and changes through MikroORM.
 * @module
 */
import type { Json, Level } from '@labgate/contract'
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { AccountEntity, GroupEntity } from './entities.ts'

/** Who made a row: somebody here, the config file, or an importer. Rows of the config are changed there only. */
export type RowSource = 'database' | 'config' | 'import'

/** A dataset. `frozen` holds the reason while it is closed for everybody. */
export const DatasetEntity = defineEntity({
  name: 'Dataset',
  tableName: 'dataset',
  properties: {
    slug: p.text().primary(),
    title: p.text(),
    description: p.text().default(''),
    visibility: p.text().$type<'listed' | 'hidden'>().default('listed'),
    frozen: p.text().nullable(),
    source: p.text().$type<RowSource>().default('database'),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    /** Of the sequence in `numeric-ids.ts`; every row that was made here has one. */
    numericId: p.integer().nullable().unique(),
  },
})

/** Another name of a dataset; slugs and aliases share one name space. */
export const DatasetAliasEntity = defineEntity({
  name: 'DatasetAlias',
  tableName: 'dataset_alias',
  properties: {
    alias: p.text().primary(),
    dataset: () => p.manyToOne(DatasetEntity).mapToPk().fieldName('dataset').deleteRule('cascade').index(),
  },
})

/** A version of a dataset, such as `v1.2`. */
export const DatasetVersionEntity = defineEntity({
  name: 'DatasetVersion',
  tableName: 'dataset_version',
  uniques: [{ name: 'dataset_version_dataset_version_unique', properties: ['dataset', 'version'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    dataset: () => p.manyToOne(DatasetEntity).mapToPk().fieldName('dataset').deleteRule('cascade'),
    version: p.text(),
    title: p.text().default(''),
    createdAt: p.datetime(),
  },
})

/** Where the data lie: a bucket and a prefix in it, of the whole dataset (`version` null) or of one version. */
export const DatasetPlaceEntity = defineEntity({
  name: 'DatasetPlace',
  tableName: 'dataset_place',
  indexes: [{ name: 'dataset_place_bucket_index', properties: ['bucket'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    dataset: () => p.manyToOne(DatasetEntity).mapToPk().fieldName('dataset').deleteRule('cascade').index(),
    version: p.text().nullable(),
    /** With its scheme: `gs://lab-bucket`. */
    bucket: p.text(),
    /** Without a leading slash; `''`: the whole bucket. */
    prefix: p.text().default(''),
  },
})

/** A table of a service by which the service knows the dataset. */
export const ServiceTableEntity = defineEntity({
  name: 'ServiceTable',
  tableName: 'service_table',
  primaryKeys: ['namespace', 'name'],
  properties: {
    namespace: p.text().primary(),
    name: p.text().primary(),
    dataset: () => p.manyToOne(DatasetEntity).mapToPk().fieldName('dataset').deleteRule('cascade').index(),
  },
})

/** An object of a service table that anyone may see. The id is an unsigned 64-bit integer in decimal digits. */
export const PublicRootEntity = defineEntity({
  name: 'PublicRoot',
  tableName: 'public_root',
  primaryKeys: ['namespace', 'name', 'root'],
  properties: {
    namespace: p.text().primary(),
    name: p.text().primary(),
    root: p.text().primary(),
    addedBy: p.text(),
    createdAt: p.datetime(),
  },
})

/** A line of the ledger: who may do what, on which conditions. Never deleted, only ended. */
export const GrantEntity = defineEntity({
  name: 'Grant',
  tableName: 'access_grant',
  indexes: [
    { name: 'access_grant_subject_dataset_index', properties: ['subject', 'dataset'], where: 'ended_at is null' },
    // Every start asks whether there are any.
    { name: 'access_grant_config_index', properties: ['source'], where: "source = 'config'" },
  ],
  properties: {
    id: p.integer().primary().autoincrement(),
    /** As `formatSubject` writes it: `account:ID`, `name:INSTANCE:VALUE`, `group:SLUG`, `signed-in`, `anyone`. */
    subject: p.text(),
    dataset: () => p.manyToOne(DatasetEntity).mapToPk().fieldName('dataset').deleteRule('cascade'),
    version: p.text().nullable(),
    /** Exactly one of `level` and `permission`. */
    level: p.text().$type<Level>().nullable(),
    permission: p.text().nullable(),
    /** `Conditions` of `core/access/model.ts`. */
    conditions: p.json<Json>(),
    grantedBy: p.text(),
    why: p.text().default(''),
    source: p.text().$type<RowSource>().default('database'),
    createdAt: p.datetime(),
    endedAt: p.datetime().nullable(),
    endedBy: p.text().nullable(),
  },
})

/** Terms of use of a dataset, of one version of it, of services, or of datasets within services. */
export const TermsEntity = defineEntity({
  name: 'Terms',
  tableName: 'terms',
  properties: {
    id: p.text().primary(),
    title: p.text(),
    dataset: () => p.manyToOne(DatasetEntity).mapToPk().fieldName('dataset').nullable().deleteRule('cascade').index(),
    version: p.text().nullable(),
    /** Ids of clients and of dialect instances; empty: everywhere. */
    services: p.json<readonly string[]>(),
    /** The least number whose acceptance counts. */
    requiredNumber: p.integer().default(1),
    source: p.text().$type<RowSource>().default('database'),
    createdAt: p.datetime(),
    retiredAt: p.datetime().nullable(),
    /** Of the sequence in `numeric-ids.ts`; every row that was made here has one. */
    numericId: p.integer().nullable().unique(),
  },
})

/** One text of terms; published texts are never changed. */
export const TermsTextEntity = defineEntity({
  name: 'TermsText',
  tableName: 'terms_text',
  primaryKeys: ['terms', 'number'],
  properties: {
    terms: () => p.manyToOne(TermsEntity).mapToPk().primary().fieldName('terms').deleteRule('cascade'),
    number: p.integer().primary(),
    markdown: p.text(),
    /** SHA-256 of the Markdown, hex: what exactly was accepted. */
    digest: p.text(),
    publishedBy: p.text(),
    publishedAt: p.datetime(),
  },
})

/** That somebody accepted one text. */
export const AcceptanceEntity = defineEntity({
  name: 'Acceptance',
  tableName: 'terms_acceptance',
  uniques: [{ name: 'terms_acceptance_account_terms_number_unique', properties: ['account', 'terms', 'number'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    account: () => p.manyToOne(AccountEntity).mapToPk().deleteRule('cascade'),
    terms: () => p.manyToOne(TermsEntity).mapToPk().fieldName('terms').deleteRule('cascade'),
    number: p.integer(),
    at: p.datetime(),
    address: p.text().nullable(),
    digest: p.text(),
  },
})

/** A link that leads to terms and, once they are accepted, gives a level on their dataset. */
export const TermsInvitationEntity = defineEntity({
  name: 'TermsInvitation',
  tableName: 'terms_invitation',
  properties: {
    id: p.text().primary(),
    digest: p.blob().unique(),
    terms: () => p.manyToOne(TermsEntity).mapToPk().fieldName('terms').deleteRule('cascade').index(),
    level: p.text().$type<Level>().nullable(),
    madeBy: p.text(),
    createdAt: p.datetime(),
    endsAt: p.datetime().nullable(),
    seats: p.integer().nullable(),
    used: p.integer().default(0),
    endedAt: p.datetime().nullable(),
  },
})

/** Somebody asks for access. */
export const AccessRequestEntity = defineEntity({
  name: 'AccessRequest',
  tableName: 'access_request',
  indexes: [
    { name: 'access_request_state_index', properties: ['state', 'id'] },
    { name: 'access_request_dataset_state_index', properties: ['dataset', 'state'] },
  ],
  properties: {
    id: p.integer().primary().autoincrement(),
    account: () => p.manyToOne(AccountEntity).mapToPk().deleteRule('cascade').index(),
    dataset: () => p.manyToOne(DatasetEntity).mapToPk().fieldName('dataset').deleteRule('cascade'),
    version: p.text().nullable(),
    level: p.text().$type<Level>(),
    why: p.text(),
    state: p.text().$type<'open' | 'granted' | 'refused' | 'withdrawn'>(),
    createdAt: p.datetime(),
    decidedAt: p.datetime().nullable(),
    decidedBy: p.text().nullable(),
    note: p.text().default(''),
  },
})

/** That somebody looks after a group. */
export const GroupManagerEntity = defineEntity({
  name: 'GroupManager',
  tableName: 'group_manager',
  primaryKeys: ['group', 'account'],
  properties: {
    group: () => p.manyToOne(GroupEntity).mapToPk().primary().fieldName('group_slug').deleteRule('cascade'),
    account: () => p.manyToOne(AccountEntity).mapToPk().primary().deleteRule('cascade').index(),
    source: p.text().default('database'),
  },
})

/** A personal API token, or one of a service account. Only the digest of its value is kept. */
export const ApiTokenEntity = defineEntity({
  name: 'ApiToken',
  tableName: 'api_token',
  indexes: [{ name: 'api_token_account_index', properties: ['account', 'createdAt'] }],
  properties: {
    id: p.text().primary(),
    digest: p.blob().unique(),
    account: () => p.manyToOne(AccountEntity).mapToPk().deleteRule('cascade'),
    name: p.text(),
    /** The first characters of the value, to know it again. */
    hint: p.text(),
    scopes: p.json<readonly string[]>(),
    createdBy: p.text(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().nullable(),
    lastUsedAt: p.datetime().nullable(),
    lastUsedAddress: p.text().nullable(),
    revokedAt: p.datetime().nullable(),
    revokedBy: p.text().nullable(),
  },
})

/** The entities of this file, in the order the tables are made. */
export const ledgerEntities = [
  DatasetEntity,
  DatasetAliasEntity,
  DatasetVersionEntity,
  DatasetPlaceEntity,
  ServiceTableEntity,
  PublicRootEntity,
  GrantEntity,
  TermsEntity,
  TermsTextEntity,
  AcceptanceEntity,
  TermsInvitationEntity,
  AccessRequestEntity,
  GroupManagerEntity,
  ApiTokenEntity,
]

export type DatasetRow = InferEntity<typeof DatasetEntity>
export type GrantRow = InferEntity<typeof GrantEntity>
export type TermsRow = InferEntity<typeof TermsEntity>
export type TermsTextRow = InferEntity<typeof TermsTextEntity>
export type AcceptanceRow = InferEntity<typeof AcceptanceEntity>
export type TermsInvitationRow = InferEntity<typeof TermsInvitationEntity>
export type AccessRequestRow = InferEntity<typeof AccessRequestEntity>
export type ApiTokenRow = InferEntity<typeof ApiTokenEntity>

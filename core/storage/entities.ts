/**
 * The tables. MikroORM serves those of accounts, clients and keys; `artifact`, `browser_session`, `document` and
 * `audit_event` stand here so that one list makes the whole schema, and are used through prepared statements only.
 * @module
 */
import type { AccountRole, AccountState, Fact, Json } from '@labgate/contract'
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** A person or a service. `revision` grows with every change a snapshot could show. */
export const AccountEntity = defineEntity({
  name: 'Account',
  tableName: 'account',
  // Every start asks whether there is an admin.
  indexes: [{ name: 'account_admin_index', properties: ['state'], where: "role = 'admin'" }],
  properties: {
    id: p.text().primary(),
    state: p.text().$type<AccountState>().index(),
    role: p.text().$type<AccountRole>().default('user'),
    username: p.text().unique(),
    displayName: p.text(),
    email: p.text().nullable().index(),
    emailVerified: p.boolean().default(false),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    lastSignInAt: p.datetime().nullable(),
    revision: p.integer().default(1),
    kind: p.text().$type<'person' | 'service'>().default('person'),
    /** Whom a service account belongs to: it acts only while that account may. */
    parent: p.text().nullable().index(),
    description: p.text().default(''),
    /** The account that has taken over what this one had. */
    mergedInto: p.text().nullable(),
    erasedAt: p.datetime().nullable(),
    /** Of the sequence in `numeric-ids.ts`; every row that was made here has one. */
    numericId: p.integer().nullable().unique(),
  },
})

/** A way an account signs in. A removed one stays as a tombstone: an identifier is never given to another account. */
export const IdentityEntity = defineEntity({
  name: 'Identity',
  tableName: 'identity',
  uniques: [{ name: 'identity_realm_issuer_subject_unique', properties: ['realm', 'issuer', 'subject'] }],
  properties: {
    id: p.text().primary(),
    account: () => p.manyToOne(AccountEntity).mapToPk().deleteRule('restrict').index(),
    realm: p.text(),
    issuer: p.text(),
    subject: p.text(),
    instance: p.text(),
    facts: p.json<readonly Fact[]>(),
    /** Sealed by the caller with the key ring. */
    kept: p.blob().nullable(),
    createdAt: p.datetime(),
    lastSeenAt: p.datetime(),
    removedAt: p.datetime().nullable(),
  },
})

/** A named set of accounts. */
export const GroupEntity = defineEntity({
  name: 'Group',
  tableName: 'account_group',
  properties: {
    /** Of an upstream: `INSTANCE:NAME`. Ours have no colon. */
    slug: p.text().primary(),
    title: p.text(),
    description: p.text().default(''),
    /** `database`, `config`, `import`, or the id of the instance that brought it. */
    source: p.text().default('database'),
    /** Of the sequence in `numeric-ids.ts`; every row that was made here has one. */
    numericId: p.integer().nullable().unique(),
  },
})

/** That an account is in a group, and what put it there (`admin`, or a sign-in's instance id). */
export const MembershipEntity = defineEntity({
  name: 'Membership',
  tableName: 'membership',
  uniques: [{ name: 'membership_account_group_slug_source_unique', properties: ['account', 'group', 'source'] }],
  // Counts the members of a group without a look at the rows.
  indexes: [
    { name: 'membership_group_slug_account_index', properties: ['group', 'account'] },
    // Every start asks whether there are any.
    { name: 'membership_declared_index', properties: ['source'], where: "source = 'config' or source = 'profile'" },
  ],
  properties: {
    id: p.integer().primary().autoincrement(),
    account: () => p.manyToOne(AccountEntity).mapToPk().deleteRule('cascade'),
    group: () => p.manyToOne(GroupEntity).mapToPk().fieldName('group_slug').deleteRule('cascade').index(),
    source: p.text(),
    at: p.datetime(),
  },
})

/** A relying party. */
export const ClientEntity = defineEntity({
  name: 'Client',
  tableName: 'client',
  properties: {
    id: p.text().primary(),
    metadata: p.json<Readonly<Record<string, Json>>>(),
    /** Sealed by the caller with the key ring. */
    secretSealed: p.blob().nullable(),
    source: p.text().$type<'config' | 'database' | 'registered'>(),
    createdAt: p.datetime(),
    revision: p.integer().default(1),
  },
})

/** A key that signs tokens; the private JWK is sealed by the caller. */
export const SigningKeyEntity = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_key',
  properties: {
    kid: p.text().primary(),
    alg: p.text(),
    use: p.text(),
    jwkSealed: p.blob(),
    state: p.text().$type<'next' | 'current' | 'retired'>(),
    createdAt: p.datetime(),
    /** When it came into this state; absent for those that were made before there were stages. */
    stateSince: p.datetime().nullable(),
  },
})

/** One named value of the installation: the key check, revisions, the hash of the first admin's code. */
export const SettingEntity = defineEntity({
  name: 'Setting',
  tableName: 'setting',
  properties: {
    key: p.text().primary(),
    value: p.text(),
  },
})

/** One line of the audit trail; appended, never changed. */
export const AuditEventEntity = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_event',
  indexes: [
    { name: 'audit_event_at_index', properties: ['at'] },
    { name: 'audit_event_account_at_index', properties: ['account', 'at'] },
    {
      name: 'audit_event_actor_at_index',
      properties: ['actor', 'at'],
      where: 'actor is not null and (account is null or actor <> account)',
    },
    { name: 'audit_event_request_id_index', properties: ['requestId'], where: 'request_id is not null' },
  ],
  properties: {
    id: p.integer().primary().autoincrement(),
    at: p.datetime(),
    type: p.text(),
    actor: p.text().nullable(),
    account: p.text().nullable(),
    client: p.text().nullable(),
    address: p.text().nullable(),
    requestId: p.text().nullable(),
    detail: p.json<Json>().nullable(),
  },
})

/** A token, code, grant or session of the Provider. `seq` keeps rows in the order of their arrival. */
export const ArtifactEntity = defineEntity({
  name: 'Artifact',
  tableName: 'artifact',
  indexes: [
    { name: 'artifact_grant_digest_index', properties: ['grantDigest'], where: 'grant_digest is not null' },
    { name: 'artifact_uid_digest_index', properties: ['uidDigest'], where: 'uid_digest is not null' },
    { name: 'artifact_user_code_digest_index', properties: ['userCodeDigest'], where: 'user_code_digest is not null' },
    { name: 'artifact_account_index', properties: ['account'], where: 'account is not null' },
    { name: 'artifact_expires_at_index', properties: ['expiresAt'] },
  ],
  properties: {
    seq: p.integer().primary().autoincrement(),
    digest: p.blob().unique(),
    model: p.text(),
    payload: p.blob(),
    grantDigest: p.blob().nullable(),
    uidDigest: p.blob().nullable(),
    userCodeDigest: p.blob().nullable(),
    account: p.text().nullable(),
    client: p.text().nullable(),
    /** Seconds since 1970. */
    expiresAt: p.bigint('number').nullable(),
    /** Seconds since 1970. */
    consumedAt: p.bigint('number').nullable(),
  },
})

/** Who is signed in, in one browser at one host; a row with a `parent` dies with it. */
const BrowserSessionEntity = defineEntity({
  name: 'BrowserSession',
  tableName: 'browser_session',
  indexes: [
    { name: 'browser_session_account_index', properties: ['account'] },
    { name: 'browser_session_provider_uid_digest_index', properties: ['providerUidDigest'] },
    { name: 'browser_session_parent_index', properties: ['parent'] },
    { name: 'browser_session_ends_at_index', properties: ['endsAt'] },
  ],
  properties: {
    digest: p.blob().primary(),
    parent: p.blob().nullable(),
    account: p.text(),
    providerUidDigest: p.blob().nullable(),
    providerUid: p.blob().nullable(),
    host: p.text(),
    createdAt: p.datetime(),
    lastSeenAt: p.datetime(),
    idleSeconds: p.integer(),
    endsAt: p.datetime(),
    remember: p.boolean(),
    amr: p.text(),
    acr: p.text().nullable(),
    authTime: p.datetime(),
    instance: p.text(),
    identity: p.text(),
    address: p.text(),
    userAgent: p.text(),
    data: p.blob().nullable(),
  },
})

/** A small document or counter of one plugin instance. */
const DocumentEntity = defineEntity({
  name: 'Document',
  tableName: 'document',
  primaryKeys: ['owner', 'keyDigest'],
  indexes: [{ name: 'document_expires_at_index', properties: ['expiresAt'] }],
  properties: {
    owner: p.text().primary(),
    keyDigest: p.blob().primary(),
    value: p.blob().nullable(),
    counter: p.integer().default(0),
    expiresAt: p.datetime(),
  },
})

export type Account = InferEntity<typeof AccountEntity>
export type Identity = InferEntity<typeof IdentityEntity>
export type Group = InferEntity<typeof GroupEntity>
export type Membership = InferEntity<typeof MembershipEntity>
export type Client = InferEntity<typeof ClientEntity>
export type SigningKey = InferEntity<typeof SigningKeyEntity>
export type Setting = InferEntity<typeof SettingEntity>
export type AuditEvent = InferEntity<typeof AuditEventEntity>

/** Every entity, in the order the tables are made; discovery reads this list and no folder. */
export const entities = [
  AccountEntity,
  IdentityEntity,
  GroupEntity,
  MembershipEntity,
  ClientEntity,
  SigningKeyEntity,
  SettingEntity,
  AuditEventEntity,
  ArtifactEntity,
  BrowserSessionEntity,
  DocumentEntity,
]

/** Every table of the first version. @module */
import { Migration } from '@mikro-orm/migrations'
import { type Words, wordsOf } from './words.ts'

/** Makes the tables of accounts, clients and keys, and those of the token path. */
export class First extends Migration {
  override up(): void {
    const words = wordsOf(this.driver)
    for (const statement of [...people(words), ...settings(words), ...tokens(words)]) {
      this.addSql(statement)
    }
  }
}

const people = ({ bytes, time, json, bool, counted }: Words) => [
  `create table account (
    id text not null primary key,
    state text not null,
    role text not null default 'user',
    username text not null,
    display_name text not null,
    email text null,
    email_verified ${bool} not null default false,
    created_at ${time} not null,
    updated_at ${time} not null,
    last_sign_in_at ${time} null,
    revision integer not null default 1)`,
  'create index account_state_index on account (state)',
  'create index account_email_index on account (email)',
  'create unique index account_username_unique on account (username)',

  `create table identity (
    id text not null primary key,
    account_id text not null,
    realm text not null,
    issuer text not null,
    subject text not null,
    instance text not null,
    facts ${json} not null,
    kept ${bytes} null,
    created_at ${time} not null,
    last_seen_at ${time} not null,
    removed_at ${time} null,
    constraint identity_account_id_foreign foreign key (account_id) references account (id) on delete restrict)`,
  'create index identity_account_id_index on identity (account_id)',
  'create unique index identity_realm_issuer_subject_unique on identity (realm, issuer, subject)',

  'create table account_group (slug text not null primary key, title text not null)',

  `create table membership (
    id ${counted},
    account_id text not null,
    group_slug text not null,
    source text not null,
    at ${time} not null,
    constraint membership_account_id_foreign foreign key (account_id) references account (id) on delete cascade,
    constraint membership_group_slug_foreign foreign key (group_slug) references account_group (slug) on delete cascade)`,
  'create index membership_account_id_index on membership (account_id)',
  'create index membership_group_slug_index on membership (group_slug)',
  'create unique index membership_account_group_slug_source_unique on membership (account_id, group_slug, source)',
]

const settings = ({ bytes, time, json, counted }: Words) => [
  `create table client (
    id text not null primary key,
    metadata ${json} not null,
    secret_sealed ${bytes} null,
    source text not null,
    created_at ${time} not null,
    revision integer not null default 1)`,

  `create table signing_key (
    kid text not null primary key,
    alg text not null,
    "use" text not null,
    jwk_sealed ${bytes} not null,
    state text not null,
    created_at ${time} not null)`,

  'create table setting ("key" text not null primary key, value text not null)',

  `create table audit_event (
    id ${counted},
    at ${time} not null,
    type text not null,
    actor text null,
    account text null,
    client text null,
    address text null,
    request_id text null,
    detail ${json} null)`,
  'create index audit_event_at_index on audit_event (at)',
  'create index audit_event_account_at_index on audit_event (account, at)',
]

const tokens = ({ bytes, time, bool, counted }: Words) => [
  `create table artifact (
    seq ${counted},
    digest ${bytes} not null,
    model text not null,
    payload ${bytes} not null,
    grant_digest ${bytes} null,
    uid_digest ${bytes} null,
    user_code_digest ${bytes} null,
    account text null,
    client text null,
    expires_at bigint null,
    consumed_at bigint null)`,
  'create unique index artifact_digest_unique on artifact (digest)',
  'create index artifact_grant_digest_index on artifact (grant_digest) where grant_digest is not null',
  'create index artifact_uid_digest_index on artifact (uid_digest) where uid_digest is not null',
  'create index artifact_user_code_digest_index on artifact (user_code_digest) where user_code_digest is not null',
  'create index artifact_account_index on artifact (account) where account is not null',
  'create index artifact_expires_at_index on artifact (expires_at)',

  `create table browser_session (
    digest ${bytes} not null primary key,
    parent ${bytes} null,
    account text not null,
    provider_uid_digest ${bytes} null,
    provider_uid ${bytes} null,
    host text not null,
    created_at ${time} not null,
    last_seen_at ${time} not null,
    idle_seconds integer not null,
    ends_at ${time} not null,
    remember ${bool} not null,
    amr text not null,
    acr text null,
    auth_time ${time} not null,
    instance text not null,
    identity text not null,
    address text not null,
    user_agent text not null,
    data ${bytes} null)`,
  'create index browser_session_account_index on browser_session (account)',
  'create index browser_session_provider_uid_digest_index on browser_session (provider_uid_digest)',
  'create index browser_session_parent_index on browser_session (parent)',
  'create index browser_session_ends_at_index on browser_session (ends_at)',

  `create table document (
    owner text not null,
    key_digest ${bytes} not null,
    value ${bytes} null,
    counter integer not null default 0,
    expires_at ${time} not null,
    primary key (owner, key_digest))`,
  'create index document_expires_at_index on document (expires_at)',
]

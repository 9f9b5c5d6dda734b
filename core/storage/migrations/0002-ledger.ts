/** The ledger: datasets, grants, terms of use, requests, API tokens, service accounts, managers of groups. @module */
import { Migration } from '@mikro-orm/migrations'
import { type Words, wordsOf } from './words.ts'

/** Makes the tables of the ledger and of API tokens; accounts get a kind, groups an origin. */
export class Ledger extends Migration {
  override up(): void {
    const words = wordsOf(this.driver)
    for (const statement of [
      ...changed(words),
      ...datasets(words),
      ...grants(words),
      ...terms(words),
      ...tokens(words),
    ]) {
      this.addSql(statement)
    }
  }
}

const changed = (_words: Words) => [
  `alter table account add column kind text not null default 'person'`,
  'alter table account add column parent text null',
  `alter table account add column description text not null default ''`,
  'create index account_parent_index on account (parent)',
  `alter table account_group add column description text not null default ''`,
  `alter table account_group add column source text not null default 'database'`,
  // Until now every group came from an upstream, under its bare name.
  `insert into account_group (slug, title, source)
    select distinct source || ':' || group_slug, group_slug, source from membership where source <> 'admin'`,
  `update membership set group_slug = source || ':' || group_slug where source <> 'admin'`,
  'delete from account_group where slug not in (select group_slug from membership)',
  'create index membership_group_slug_account_index on membership (group_slug, account_id)',
  'create index audit_event_request_id_index on audit_event (request_id) where request_id is not null',
  'create index audit_event_actor_at_index on audit_event (actor, at)',
  `insert into setting ("key", value) values ('ledger.revision', '1')`,
]

const cascade = (table: string, column: string, to: string) =>
  `constraint ${table}_${column}_foreign foreign key (${column}) references ${to} on delete cascade`

const datasets = ({ time, counted }: Words) => [
  `create table dataset (
    slug text not null primary key,
    title text not null,
    description text not null default '',
    visibility text not null default 'listed',
    frozen text null,
    source text not null default 'database',
    created_at ${time} not null,
    updated_at ${time} not null)`,

  `create table dataset_alias (
    alias text not null primary key,
    dataset text not null,
    ${cascade('dataset_alias', 'dataset', 'dataset (slug)')})`,
  'create index dataset_alias_dataset_index on dataset_alias (dataset)',

  `create table dataset_version (
    id ${counted},
    dataset text not null,
    version text not null,
    title text not null default '',
    created_at ${time} not null,
    ${cascade('dataset_version', 'dataset', 'dataset (slug)')})`,
  'create index dataset_version_dataset_index on dataset_version (dataset)',
  'create unique index dataset_version_dataset_version_unique on dataset_version (dataset, version)',

  `create table dataset_place (
    id ${counted},
    dataset text not null,
    version text null,
    bucket text not null,
    prefix text not null default '',
    ${cascade('dataset_place', 'dataset', 'dataset (slug)')})`,
  'create index dataset_place_dataset_index on dataset_place (dataset)',
  'create index dataset_place_bucket_index on dataset_place (bucket)',

  `create table service_table (
    namespace text not null,
    name text not null,
    dataset text not null,
    primary key (namespace, name),
    ${cascade('service_table', 'dataset', 'dataset (slug)')})`,
  'create index service_table_dataset_index on service_table (dataset)',

  `create table public_root (
    namespace text not null,
    name text not null,
    root text not null,
    added_by text not null,
    created_at ${time} not null,
    primary key (namespace, name, root))`,
]

const grants = ({ time, json, counted }: Words) => [
  `create table access_grant (
    id ${counted},
    subject text not null,
    dataset text not null,
    version text null,
    level text null,
    permission text null,
    conditions ${json} not null,
    granted_by text not null,
    why text not null default '',
    source text not null default 'database',
    created_at ${time} not null,
    ended_at ${time} null,
    ended_by text null,
    ${cascade('access_grant', 'dataset', 'dataset (slug)')})`,
  'create index access_grant_subject_dataset_index on access_grant (subject, dataset) where ended_at is null',
  'create index access_grant_dataset_index on access_grant (dataset)',

  `create table access_request (
    id ${counted},
    account_id text not null,
    dataset text not null,
    version text null,
    level text not null,
    why text not null,
    state text not null,
    created_at ${time} not null,
    decided_at ${time} null,
    decided_by text null,
    note text not null default '',
    ${cascade('access_request', 'account_id', 'account (id)')},
    ${cascade('access_request', 'dataset', 'dataset (slug)')})`,
  'create index access_request_dataset_index on access_request (dataset)',
  'create index access_request_account_id_index on access_request (account_id)',
  'create index access_request_state_index on access_request (state, id)',
  'create index access_request_dataset_state_index on access_request (dataset, state)',

  `create table group_manager (
    group_slug text not null,
    account_id text not null,
    source text not null default 'database',
    primary key (group_slug, account_id),
    ${cascade('group_manager', 'group_slug', 'account_group (slug)')} on update cascade,
    ${cascade('group_manager', 'account_id', 'account (id)')} on update cascade)`,
  'create index group_manager_group_slug_index on group_manager (group_slug)',
  'create index group_manager_account_id_index on group_manager (account_id)',
]

const terms = ({ bytes, time, json, counted }: Words) => [
  `create table terms (
    id text not null primary key,
    title text not null,
    dataset text null,
    version text null,
    services ${json} not null,
    required_number integer not null default 1,
    source text not null default 'database',
    created_at ${time} not null,
    retired_at ${time} null,
    ${cascade('terms', 'dataset', 'dataset (slug)')})`,
  'create index terms_dataset_index on terms (dataset)',

  `create table terms_text (
    terms text not null,
    number integer not null,
    markdown text not null,
    digest text not null,
    published_by text not null,
    published_at ${time} not null,
    primary key (terms, number),
    ${cascade('terms_text', 'terms', 'terms (id)')})`,
  'create index terms_text_terms_index on terms_text (terms)',

  `create table terms_acceptance (
    id ${counted},
    account_id text not null,
    terms text not null,
    number integer not null,
    at ${time} not null,
    address text null,
    digest text not null,
    ${cascade('terms_acceptance', 'account_id', 'account (id)')},
    ${cascade('terms_acceptance', 'terms', 'terms (id)')})`,
  'create unique index terms_acceptance_account_terms_number_unique on terms_acceptance (account_id, terms, number)',
  'create index terms_acceptance_account_id_index on terms_acceptance (account_id)',
  'create index terms_acceptance_terms_index on terms_acceptance (terms)',

  `create table terms_invitation (
    id text not null primary key,
    digest ${bytes} not null,
    terms text not null,
    level text null,
    made_by text not null,
    created_at ${time} not null,
    ends_at ${time} null,
    seats integer null,
    used integer not null default 0,
    ended_at ${time} null,
    ${cascade('terms_invitation', 'terms', 'terms (id)')})`,
  'create unique index terms_invitation_digest_unique on terms_invitation (digest)',
  'create index terms_invitation_terms_index on terms_invitation (terms)',
]

const tokens = ({ bytes, time, json }: Words) => [
  `create table api_token (
    id text not null primary key,
    digest ${bytes} not null,
    account_id text not null,
    name text not null,
    hint text not null,
    scopes ${json} not null,
    created_by text not null,
    created_at ${time} not null,
    expires_at ${time} null,
    last_used_at ${time} null,
    last_used_address text null,
    revoked_at ${time} null,
    revoked_by text null,
    ${cascade('api_token', 'account_id', 'account (id)')})`,
  'create unique index api_token_digest_unique on api_token (digest)',
  'create index api_token_account_id_index on api_token (account_id)',
  'create index api_token_account_index on api_token (account_id, created_at)',
]

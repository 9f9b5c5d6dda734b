/**
 * Databases of other systems for imports, in the layout that their own migrations make; one text for SQLite and
 * PostgreSQL. @module
 */
import Database from 'better-sqlite3'

/** Text of terms with all that a dump has to escape. */
export const awkwardText = `# Terms; "of" use\n\n\\.\nYou're asked to:\tcite us -- always\n\\N is no $$value$$ /* here */\n`

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`

/** The tables of middle_auth. */
const middleAuthTables = `
create table "user" (id integer primary key, name varchar(80) not null, email varchar(120) not null unique,
  admin boolean default false not null, gdpr_consent boolean default false not null, pi varchar(80) default '',
  created timestamp, parent_id integer references "user" (id), read_only boolean default false not null,
  scim_id varchar(36), external_id varchar(255));
create table api_key (id integer primary key, user_id integer not null, key varchar(32) not null unique,
  description varchar(120), created timestamp, last_used timestamp);
create table user_custom_name (id integer primary key, user_id integer not null, name varchar(80) not null,
  active boolean default true not null, created timestamp, updated timestamp);
create table "group" (id integer primary key, name varchar(120) not null unique);
create table user_group (id integer primary key, user_id integer not null, group_id integer not null,
  admin boolean default false not null);
create table tos (id integer primary key, name varchar(80) not null, text text not null, created timestamp, updated timestamp);
create table user_tos (id integer primary key, user_id integer not null, tos_id integer not null, created timestamp, updated timestamp);
create table dataset (id integer primary key, name varchar(120) not null unique, tos_id integer);
create table dataset_admin (id integer primary key, user_id integer not null, dataset_id integer not null);
create table permission (id integer primary key, name varchar(120) not null unique);
create table group_dataset_permission (id integer primary key, group_id integer not null, dataset_id integer not null,
  permission_id integer not null);
create table service_table (id integer primary key, service_name varchar(120) not null, table_name varchar(120) not null,
  dataset_id integer not null);
create table cell_temp (id integer primary key, table_id varchar(120) not null, root_id bigint not null,
  public boolean default false not null);
create table affiliation (id integer primary key, name varchar(120) not null);
create table user_affiliation (id integer primary key, user_id integer not null, affiliation_id integer not null);
create table app (id integer primary key, url varchar(128) not null);
`

/** A key that must never be read. */
export const secretKey = 'feedfacefeedfacefeedfacefeedface'

/** A small lab in middle_auth. */
export const middleAuthLab = `${middleAuthTables}
insert into "user" (id, name, email, admin, pi, created, parent_id, read_only) values
  (1, 'Ada Boss', 'ada@lab.example', true, 'Prof X', '2021-06-29 23:08:49.455487', null, false),
  (7, 'Bo "Bob" O''Neil', 'Bo@Lab.example', false, '', '2021-07-01 00:00:00', null, false),
  (17, 'Cy', 'cy@lab.example', false, '', '2022-07-01 00:00:00', null, false),
  (42, 'Dee', 'dee@lab.example', false, '', '2022-07-01 00:00:00', null, true),
  (50, 'segmenter', 'segmenter@service', false, '', '2022-07-01 00:00:00', 7, false),
  (60, 'No address', 'nobody', false, '', '2022-07-01 00:00:00', null, false);
insert into api_key (id, user_id, key) values (1, 7, '${secretKey}');
insert into user_custom_name (id, user_id, name, active) values (1, 17, 'Cyrus Ω', true), (2, 1, 'unused', false);
insert into "group" (id, name) values (1, 'default'), (2, 'Fish Lab'), (3, 'readers');
insert into user_group (id, user_id, group_id, admin) values (1, 1, 1, false), (2, 7, 2, true), (3, 17, 3, false),
  (4, 42, 2, false), (5, 50, 2, false), (6, 60, 1, false);
insert into tos (id, name, text) values (1, 'Fish terms', ${quote(awkwardText)}), (2, 'Left over', 'old');
insert into user_tos (id, user_id, tos_id, created, updated) values (1, 7, 1, '2023-01-02 03:04:05.678', '2023-01-02 03:04:05.678');
insert into dataset (id, name, tos_id) values (1, 'fish2', 1), (2, 'FANC v4', null);
insert into dataset_admin (id, user_id, dataset_id) values (1, 1, 2);
insert into permission (id, name) values (1, 'view'), (2, 'edit'), (3, 'admin_view');
insert into group_dataset_permission (id, group_id, dataset_id, permission_id) values
  (1, 2, 1, 1), (2, 2, 1, 2), (3, 3, 2, 1), (4, 3, 2, 3);
insert into service_table (id, service_name, table_name, dataset_id) values (1, 'datastack', 'fish_table', 1), (2, 'pychunkedgraph', 'fish_table', 1);
insert into cell_temp (id, table_id, root_id, public) values (1, 'fish_table', 648518346349541188, true),
  (2, 'fish_table', 5, false), (3, 'lost_table', 9, true);
insert into affiliation (id, name) values (1, 'Institute');
insert into user_affiliation (id, user_id, affiliation_id) values (1, 7, 1);
insert into app (id, url) values (1, 'https://spelunker.example.org');
`

/** The tables of DatasetGateway. */
const datasetGatewayTables = `
create table dsg_user (id integer primary key, email varchar(254) not null unique, google_sub varchar(255), name varchar(255) not null default '',
  display_name varchar(255) not null default '', admin boolean not null default false, is_active boolean not null default true,
  read_only boolean not null default false, pi varchar(255) not null default '');
create table affiliation (id integer primary key, user_id integer not null, name varchar(255) not null);
create table dsg_group (id integer primary key, name varchar(255) not null unique);
create table user_group (id integer primary key, user_id integer not null, group_id integer not null, is_admin boolean not null default false);
create table permission (id integer primary key, name varchar(80) not null unique);
create table dataset (id integer primary key, name varchar(255) not null unique, description text not null default '',
  tos_id integer, access_mode varchar(10) not null default 'closed');
create table dataset_bucket (id integer primary key, dataset_id integer not null, name varchar(255) not null);
create table dataset_version (id integer primary key, dataset_id integer not null, version varchar(255) not null,
  branch varchar(255) not null default 'main', ordinal bigint, prefix varchar(512) not null default '', is_public boolean not null default false);
create table dataset_version_buckets (id integer primary key, datasetversion_id integer not null, datasetbucket_id integer not null);
create table service (id integer primary key, name varchar(255) not null unique);
create table group_dataset_permission (id integer primary key, group_id integer not null, dataset_id integer not null,
  service_id integer, permission_id integer not null);
create table "grant" (id integer primary key, user_id integer not null, dataset_id integer not null, dataset_version_id integer,
  service_id integer, permission_id integer not null, group_id integer, granted_by_id integer, source varchar(20) not null default 'manual');
create table grant_buckets (id integer primary key, grant_id integer not null, datasetbucket_id integer not null);
create table service_table (id integer primary key, service_name varchar(255) not null, table_name varchar(255) not null, dataset_id integer not null);
create table public_root (id integer primary key, service_table_id integer not null, root_id bigint not null);
create table tos_document (id integer primary key, name varchar(255) not null, text text not null, dataset_id integer,
  dataset_version_id integer, service_id integer, invite_token varchar(64), effective_date timestamp not null, retired_date timestamp);
create table tos_acceptance (id integer primary key, user_id integer not null, tos_document_id integer not null,
  accepted_at timestamp not null, ip_address varchar(39));
create table service_account (id integer primary key, name varchar(255) not null unique, description text not null default '', is_active boolean not null default true);
create table service_account_grant (id integer primary key, service_account_id integer not null, dataset_id integer not null,
  dataset_version_id integer, service_id integer, permission_id integer not null);
create table api_key (id integer primary key, user_id integer not null, key varchar(128) not null);
create table service_account_token (id integer primary key, service_account_id integer not null, key varchar(128) not null);
create table dataset_translation (id integer primary key, service_id integer not null, client_name varchar(255) not null,
  client_version varchar(255), dataset_id integer not null, dataset_version_id integer);
`

/** A small lab in DatasetGateway. */
export const datasetGatewayLab = `${datasetGatewayTables}
insert into dsg_user (id, email, name, display_name, admin, is_active) values
  (1, 'ada@lab.example', 'Ada', 'Ada B.', true, true), (2, 'bo@lab.example', 'Bo', '', false, true),
  (3, 'BO@lab.example', 'Bo again', '', false, true), (4, 'gone@lab.example', 'Gone', '', false, false);
insert into dsg_group (id, name) values (1, 'sc'), (2, 'tracers');
insert into user_group (id, user_id, group_id, is_admin) values (1, 1, 1, false), (2, 2, 2, true);
insert into permission (id, name) values (1, 'view'), (2, 'edit'), (3, 'manage'), (4, 'admin');
insert into service (id, name) values (1, 'neuprint');
insert into dataset (id, name, description, tos_id, access_mode) values (1, 'hemibrain', 'A brain', 1, 'closed'), (2, 'open-fly', '', null, 'public');
insert into dataset_bucket (id, dataset_id, name) values (1, 1, 'flyem-one'), (2, 1, 'flyem-two');
insert into dataset_version (id, dataset_id, version, ordinal, prefix, is_public) values (1, 1, 'v1.0', 1, '/v1.0/', false),
  (2, 1, 'v1.1', 2, 'v1.1', true), (3, 1, 'v1.2', 3, '', false);
insert into dataset_version_buckets (id, datasetversion_id, datasetbucket_id) values (1, 1, 1), (2, 2, 1);
insert into group_dataset_permission (id, group_id, dataset_id, permission_id, service_id) values (1, 2, 1, 2, null), (2, 2, 2, 2, 1);
insert into "grant" (id, user_id, dataset_id, dataset_version_id, permission_id, group_id) values
  (1, 1, 1, null, 4, null), (2, 2, 1, 2, 1, null), (3, 2, 2, null, 3, 2), (4, 4, 1, null, 1, null);
insert into service_table (id, service_name, table_name, dataset_id) values (1, 'datastack', 'hemi', 1);
insert into public_root (id, service_table_id, root_id) values (1, 1, 648518346349541188);
insert into tos_document (id, name, text, dataset_id, service_id, effective_date, retired_date) values
  (1, 'Terms', ${quote(awkwardText)}, null, null, '2024-01-01 00:00:00', null),
  (2, 'neuPrint terms', 'Only here.', 1, 1, '2024-01-01 00:00:00', null),
  (3, 'Old', 'old', 1, null, '2020-01-01 00:00:00', '2021-01-01 00:00:00');
insert into tos_acceptance (id, user_id, tos_document_id, accepted_at, ip_address) values (1, 2, 1, '2024-05-06 07:08:09.123456', '192.0.2.9');
insert into service_account (id, name, description) values (1, 'pipeline', 'nightly');
insert into service_account_grant (id, service_account_id, dataset_id, permission_id) values (1, 1, 1, 1);
insert into api_key (id, user_id, key) values (1, 2, '${secretKey}');
insert into dataset_translation (id, service_id, client_name, client_version, dataset_id) values (1, 1, 'Hemi', null, 1);
`

/** Makes an SQLite file of a lab. */
export function writeSqlite(file: string, sql: string): void {
  const database = new Database(file)
  database.exec(sql)
  database.close()
}

/** A large lab in DatasetGateway: every person has `each` grants on as many datasets, and is in one of twenty groups. */
export function writeLargeLab(
  path: string,
  { people, each }: { readonly people: number; readonly each: number },
): void {
  const database = new Database(path)
  const numbers = (most: number) =>
    `(with recursive n(i) as (select 1 union all select i + 1 from n where i < ${most}) select i from n)`
  database.exec(`begin; ${datasetGatewayTables}
    insert into dsg_user (id, email, name) select i, 'p' || i || '@lab.example', 'Person ' || i from ${numbers(people)};
    insert into dsg_group (id, name) select i, 'group-' || i from ${numbers(20)};
    insert into user_group (user_id, group_id) select id, 1 + id % 20 from dsg_user;
    insert into permission (id, name) values (1, 'view'), (2, 'edit');
    insert into dataset (id, name) select i, 'set-' || i from ${numbers(each)};
    insert into "grant" (user_id, dataset_id, permission_id)
      select u.id, d.id, 1 + (u.id + d.id) % 2 from dsg_user u, dataset d;
    commit`)
  database.close()
}

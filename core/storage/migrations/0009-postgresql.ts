/** What PostgreSQL needs beside the tables, and nothing elsewhere. @module */
import { Migration } from '@mikro-orm/migrations'
import { wordsOf } from './words.ts'

/**
 * Gives PostgreSQL the functions that our statements use, those on JSON above all, under the names and with the meaning
 * they have in SQLite (sqlite.org/json1.html), so that each statement stands once; and has it sweep sooner where rows come and go.
 */
export class PostgreSql extends Migration {
  override up(): void {
    if (wordsOf(this.driver).bytes !== 'bytea') return
    for (const statement of [...functions, ...limits, ...sweeping]) this.addSql(statement)
  }
}

const functions = [
  // JSON may spell a NUL, which jsonb does not take; the sign for it stands there instead.
  `create function labgate_json(document text) returns jsonb language sql immutable strict parallel safe as
    $$ select regexp_replace(document, '(?<!\\\\)((?:\\\\\\\\)*)\\\\u0000', '\\1\\\\u2400', 'g')::jsonb $$`,
  `create function json_extract(document text, path text) returns text language sql immutable strict parallel safe as
    $$ select jsonb_path_query_first(labgate_json(document), path::jsonpath) #>> '{}' $$`,
  `create function instr(whole text, part text) returns integer language sql immutable strict parallel safe as
    $$ select strpos(whole, part) $$`,
  `create function json_each(list text) returns table (value text) language sql immutable strict parallel safe rows 20 as
    $$ select jsonb_array_elements_text(labgate_json(list)) $$`,
]

// Unlogged: nothing is lost by it but counts of some minutes, and each count is a write.
const limits = [
  `create unlogged table rate_limit (key varchar(255) not null primary key, points integer not null default 0, expire bigint)`,
  'create index rate_limit_expire_index on rate_limit (expire)',
]

// The share of dead rows that is too much, and how many at least: these tables live by rows that come and go.
const sweeping = ['artifact', 'document', 'browser_session', 'api_token', 'setting', 'rate_limit'].map(
  (table) =>
    `alter table ${table} set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200,
      autovacuum_analyze_scale_factor = 0.05)`,
)

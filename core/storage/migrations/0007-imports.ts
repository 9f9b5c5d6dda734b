/** Imports: accounts whose person has not come yet, and what was imported from where. @module */
import { Migration } from '@mikro-orm/migrations'
import { wordsOf } from './words.ts'

/** Makes the tables of importers. */
export class Imports extends Migration {
  override up(): void {
    const { time } = wordsOf(this.driver)
    for (const statement of [
      `create table awaited_name (
        instance text not null,
        value text not null,
        account_id text not null,
        created_at ${time} not null,
        primary key (instance, value),
        constraint awaited_name_account_id_foreign foreign key (account_id) references account (id)
          on delete cascade)`,
      'create index awaited_name_account_id_index on awaited_name (account_id)',
      `create table imported_row (
        source text not null,
        kind text not null,
        "key" text not null,
        target text not null,
        digest text not null,
        at ${time} not null,
        primary key (source, kind, "key"))`,
    ]) {
      this.addSql(statement)
    }
  }
}

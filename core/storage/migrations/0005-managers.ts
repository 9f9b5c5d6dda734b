/** Who manages whom: people above people. @module */
import { Migration } from '@mikro-orm/migrations'
import { wordsOf } from './words.ts'

/** Makes the table; a row goes with either of its accounts. */
export class Managers extends Migration {
  override up(): void {
    const { time } = wordsOf(this.driver)
    const account = (column: string) =>
      `constraint account_manager_${column}_foreign foreign key (${column}) references account (id)
         on update cascade on delete cascade`
    this.addSql(`create table account_manager (
      account_id text not null,
      manager_id text not null,
      created_at ${time} not null,
      primary key (account_id, manager_id),
      ${account('account_id')},
      ${account('manager_id')})`)
    this.addSql('create index account_manager_account_id_index on account_manager (account_id)')
    this.addSql('create index account_manager_manager_id_index on account_manager (manager_id)')
  }
}

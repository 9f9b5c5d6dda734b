/** Account life: invitations, profile questions, merged and erased accounts. @module */
import { Migration } from '@mikro-orm/migrations'
import { wordsOf } from './words.ts'

/** Makes the tables of account life; accounts remember whom they were merged into and that they were erased. */
export class AccountLife extends Migration {
  override up(): void {
    const { bytes, time, json } = wordsOf(this.driver)
    for (const statement of [
      'alter table account add column merged_into text null',
      `alter table account add column erased_at ${time} null`,
      `create table account_invitation (
        id text not null primary key,
        digest ${bytes} not null,
        email text not null,
        role text not null default 'user',
        groups ${json} not null,
        note text not null default '',
        made_by text not null,
        created_at ${time} not null,
        ends_at ${time} not null,
        accepted_by text null,
        accepted_at ${time} null,
        ended_at ${time} null)`,
      'create unique index account_invitation_digest_unique on account_invitation (digest)',
      'create index account_invitation_email_index on account_invitation (email)',
      `create table profile_answer (
        account_id text not null,
        question text not null,
        value ${json} not null,
        at ${time} not null,
        primary key (account_id, question),
        constraint profile_answer_account_id_foreign foreign key (account_id) references account (id)
          on delete cascade)`,
      'create index profile_answer_account_id_index on profile_answer (account_id)',
      `create table retired_name (digest ${bytes} not null primary key, retired_at ${time} not null)`,
    ]) {
      this.addSql(statement)
    }
  }
}

/** Workspaces, their events, guests and quotas; the name of this installation on engines that several share. @module */
import { randomBytes } from 'node:crypto'
import { Migration } from '@mikro-orm/migrations'
import { wordsOf } from './words.ts'

/** Makes the tables of workspaces, and names the installation. */
export class Workspaces extends Migration {
  override up(): void {
    const { bytes, time, json } = wordsOf(this.driver)
    for (const statement of [
      `insert into setting ("key", value) values ('installation', '${randomBytes(8).toString('hex')}')`,
      `create table workspace (
        id text not null primary key,
        account_id text not null,
        profile text not null,
        runner text not null,
        title text not null default '',
        size text not null,
        image text null,
        memory_bytes bigint not null,
        milli_cpus integer not null default 0,
        limits ${json} not null,
        state text not null,
        wanted text not null default 'running',
        stop_reason text null,
        plan_hash text null,
        runner_state ${json} null,
        runner_state_version integer null,
        secrets ${bytes} null,
        trouble ${json} null,
        created_at ${time} not null,
        started_at ${time} null,
        ready_at ${time} null,
        last_activity_at ${time} null,
        lease_ends_at ${time} not null,
        lease_limit_at ${time} not null,
        warned_at ${time} null,
        unknown_since ${time} null,
        ended_at ${time} null,
        constraint workspace_account_id_foreign foreign key (account_id) references account (id) on delete cascade)`,
      'create index workspace_account_id_index on workspace (account_id)',
      'create index workspace_state_index on workspace (state)',
      `create table workspace_event (
        workspace_id text not null,
        number integer not null,
        at ${time} not null,
        kind text not null,
        text text not null default '',
        primary key (workspace_id, number),
        constraint workspace_event_workspace_id_foreign foreign key (workspace_id) references workspace (id)
          on delete cascade)`,
      'create index workspace_event_workspace_id_index on workspace_event (workspace_id)',
      `create table workspace_guest (
        workspace_id text not null,
        account_id text not null,
        invited_at ${time} not null,
        primary key (workspace_id, account_id),
        constraint workspace_guest_workspace_id_foreign foreign key (workspace_id) references workspace (id)
          on update cascade on delete cascade,
        constraint workspace_guest_account_id_foreign foreign key (account_id) references account (id)
          on update cascade on delete cascade)`,
      'create index workspace_guest_workspace_id_index on workspace_guest (workspace_id)',
      'create index workspace_guest_account_id_index on workspace_guest (account_id)',
      `create table workspace_quota (
        scope text not null primary key,
        instances integer null,
        memory_bytes bigint null,
        milli_cpus integer null,
        updated_at ${time} not null)`,
    ]) {
      this.addSql(statement)
    }
  }
}

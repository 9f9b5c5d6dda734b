/** What a start asks of tables that grow is answered by indexes that hardly any row is in. @module */
import { Migration } from '@mikro-orm/migrations'

/** Without them a start looked through all accounts for an admin, and through the ledger for what a config had left there. */
export class StartReads extends Migration {
  override up(): void {
    this.addSql(`create index account_admin_index on account (state) where role = 'admin'`)
    this.addSql(`create index access_grant_config_index on access_grant (source) where source = 'config'`)
    this.addSql(
      `create index membership_declared_index on membership (source) where source = 'config' or source = 'profile'`,
    )
  }
}

/** Whole numbers for accounts, groups, datasets and terms, for dialects that know things by number. @module */
import { Migration } from '@mikro-orm/migrations'

/** Every row gets a number of one sequence, the oldest first; where the sequence stands is a setting. */
export class NumericIds extends Migration {
  override up(): void {
    const numbered = (table: string, key: string, order: string) => {
      this.addSql(`alter table ${table} add column numeric_id integer null`)
      this.addSql(
        `update ${table} set numeric_id = x.place + (select cast(value as integer) from setting where "key" = 'numeric-id.last')
           from (select ${key} as named, row_number() over (order by ${order}) as place from ${table}) x
           where x.named = ${table}.${key}`,
      )
      this.addSql(
        `update setting set value = cast(cast(value as integer) + (select count(*) from ${table}) as text)
           where "key" = 'numeric-id.last'`,
      )
      this.addSql(`create unique index ${table}_numeric_id_unique on ${table} (numeric_id)`)
    }
    this.addSql(`insert into setting ("key", value) values ('numeric-id.last', '0')`)
    numbered('account', 'id', 'created_at, id')
    numbered('account_group', 'slug', 'slug')
    numbered('dataset', 'slug', 'created_at, slug')
    numbered('terms', 'id', 'created_at, id')
  }
}

/** The way to an app past the proxy: the port it was last reached at, and when its credential was shown. @module */
import { Migration } from '@mikro-orm/migrations'
import { wordsOf } from './words.ts'

/** Adds the two columns. */
export class DirectWays extends Migration {
  override up(): void {
    const { time } = wordsOf(this.driver)
    this.addSql('alter table workspace add column direct_port integer null')
    this.addSql(`alter table workspace add column direct_shown_at ${time} null`)
  }
}

/** Since when a signing key is in its stage. @module */
import { Migration } from '@mikro-orm/migrations'
import { wordsOf } from './words.ts'

/** Adds the column. */
export class KeyStages extends Migration {
  override up(): void {
    this.addSql(`alter table signing_key add column state_since ${wordsOf(this.driver).time} null`)
  }
}

/** The column types a migration is written in, spelled by the platform, so that one text serves both databases. @module */
import type { AbstractSqlDriver } from '@mikro-orm/sqlite'

/** Column types as the connected database spells them. */
export interface Words {
  readonly bytes: string
  readonly time: string
  readonly json: string
  readonly bool: string
  /** A primary key that counts up by itself. */
  readonly counted: string
}

/** The words of the database behind `driver`. */
export function wordsOf(driver: AbstractSqlDriver): Words {
  const platform = driver.getPlatform()
  const bytes = platform.getBlobDeclarationSQL()
  return {
    bytes,
    time: platform.getDateTimeTypeDeclarationSQL({}),
    json: platform.getJsonDeclarationSQL(),
    bool: platform.getBooleanTypeDeclarationSQL(),
    counted: bytes === 'blob' ? 'integer not null primary key autoincrement' : 'bigserial primary key',
  }
}

/** MikroORM on an SQLite file, with a connection of its own. @module */
import { resolve } from 'node:path'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/sqlite'
import { allEntities } from './entity-list.ts'
import { migrations } from './migrations/list.ts'
import { pragmas } from './sqlite.ts'

// Its commits wait for the disk themselves.
const ormPragmas = [...pragmas, 'synchronous = FULL']

/** Opens it: listed entities and migrations, no cache on disk. */
export async function openOrm(file: string): Promise<MikroORM> {
  const orm = await MikroORM.init({
    entities: allEntities,
    dbName: resolve(file),
    extensions: [Migrator],
    metadataCache: { enabled: false },
    migrations: { migrationsList: migrations, snapshot: false, silent: true, tableName: 'migration' },
    debug: false,
  })
  for (const pragma of ormPragmas) {
    await orm.em.getConnection().execute(`pragma ${pragma}`)
  }
  quoteZeros(orm)
  return orm
}

/** MikroORM writes texts into its statements, and SQLite reads a statement up to its first NUL: one in a text stands in hex. */
function quoteZeros(orm: MikroORM): void {
  const platform = orm.em.getPlatform()
  const plain = platform.escape.bind(platform)
  platform.escape = (value: unknown): string =>
    typeof value === 'string' && value.includes('\0')
      ? `cast(x'${Buffer.from(value).toString('hex')}' as text)`
      : String(plain(value))
}

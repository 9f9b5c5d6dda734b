/** Named values of the installation. @module */
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

export interface Settings {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<void>
  /** `true` for the one caller who deleted it. */
  delete(key: string): Promise<boolean>
}

/** Makes the settings on one database. */
export function createSettings(database: SqliteDatabase, writer: Writer): Settings {
  const get = database.prepare<[string], { value: string }>('SELECT value FROM setting WHERE "key" = ?')
  const set = database.prepare<[string, string]>(
    'INSERT INTO setting ("key", value) VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET value = excluded.value',
  )
  const remove = database.prepare<[string]>('DELETE FROM setting WHERE "key" = ?')
  return {
    get: async (key) => get.get(key)?.value,
    set: async (key, value) => {
      await writer.run(() => set.run(key, value))
    },
    delete: (key) => writer.run(() => remove.run(key).changes === 1),
  }
}

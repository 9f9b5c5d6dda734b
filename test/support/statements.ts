/** What a piece of work asks of SQLite, in this process: for tests that compare two ways by what they do and not by the clock. @module */
import Database from 'better-sqlite3'

/** The texts of all statements that run while `work` does, those that frame transactions too. */
export async function statementsOf<T>(work: () => Promise<T>): Promise<{ value: T; statements: readonly string[] }> {
  const probe = new Database(':memory:')
  const prototype = Object.getPrototypeOf(probe.prepare('SELECT 1')) as Record<string, (...args: unknown[]) => unknown>
  probe.close()
  const methods = ['run', 'get', 'all', 'iterate'].map((name) => [name, prototype[name]] as const)
  const statements: string[] = []
  for (const [name, original] of methods)
    prototype[name] = function watched(this: { source: string }, ...args) {
      statements.push(this.source)
      return original?.apply(this, args)
    }
  try {
    return { value: await work(), statements }
  } finally {
    for (const [name, original] of methods) if (original !== undefined) prototype[name] = original
  }
}

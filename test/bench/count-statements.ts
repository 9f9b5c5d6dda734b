/** Loaded before a Labgate: counts the statements it runs and tells its parent when asked, beginning again at zero. @module */
import Database from 'better-sqlite3'
import pg from 'pg'

const counts: Record<string, number> = {}
const probe = new Database(':memory:')
const prototype = Object.getPrototypeOf(probe.prepare('SELECT 1')) as Record<string, (...args: unknown[]) => unknown>

for (const name of ['run', 'get', 'all', 'iterate']) {
  const original = prototype[name]
  if (original === undefined) continue
  prototype[name] = function counted(this: { source: string }, ...args) {
    const [word = ''] = /BEGIN IMMEDIATE|\w+/.exec(this.source)?.[0].toLowerCase().split(' ').toReversed() ?? []
    counts[word] = (counts[word] ?? 0) + 1
    return original.apply(this, args)
  }
}
probe.close()

// One place for all ways to PostgreSQL; a statement that begins with what it stands on is one.
const ask = pg.Client.prototype.query as (...args: unknown[]) => unknown
pg.Client.prototype.query = function counted(this: pg.Client, ...args: unknown[]) {
  const [asked] = args
  const text = typeof asked === 'string' ? asked : ((asked as { text?: string } | undefined)?.text ?? '')
  const [word = ''] = /\w+/.exec(text)?.[0].toLowerCase().split(' ') ?? []
  counts[word] = (counts[word] ?? 0) + 1
  return ask.apply(this, args)
} as typeof pg.Client.prototype.query

process.on('message', () => {
  process.send?.({ ...counts })
  for (const word of Object.keys(counts)) delete counts[word]
})
process.channel?.unref()

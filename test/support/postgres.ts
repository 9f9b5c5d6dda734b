/** A real PostgreSQL of Debian's package, in a folder of its own, to make real dumps with. Needs root: it runs as `postgres`. @module */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A running server. */
export interface Postgres {
  /** Makes a database of it. */
  create(database: string, sql: string): Promise<void>
  /** Makes a database that is the same as another one, which nobody uses. */
  copy(database: string, template: string): Promise<void>
  /** Where a database is, for a client. */
  url(database: string): string
  /** What `pg_dump` writes, with these options. */
  dump(database: string, options: readonly string[], file: string): Promise<void>
  stop(): Promise<void>
  /** Has it end with this process, which no longer waits for it. */
  endWithProcess(): void
}

const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups']

/** Starts one; it listens on a socket in its folder only. */
export async function startPostgres(): Promise<Postgres> {
  const [version = ''] = (await readdir('/usr/lib/postgresql')).toSorted((a, b) => Number(b) - Number(a))
  const bin = (name: string) => join('/usr/lib/postgresql', version, 'bin', name)
  const folder = await mkdtemp(join(tmpdir(), 'labgate-postgres-'))
  await chmod(folder, 0o755)
  await run('chown', ['postgres', folder])
  const data = join(folder, 'data')
  await run('setpriv', [
    ...as,
    bin('initdb'),
    ...['-D', data, '-U', 'app', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8'],
  ])
  const server = spawn(
    'setpriv',
    [
      ...as,
      bin('postgres'),
      '-D',
      data,
      '-k',
      folder,
      '-c',
      'listen_addresses=',
      '-c',
      'fsync=off',
      '-c',
      'max_connections=200',
    ],
    { stdio: 'ignore' },
  )
  const ended = once(server, 'close')
  const client = ['-h', folder, '-U', 'app']
  await ready(() => run(bin('pg_isready'), client))
  return {
    async create(database, sql) {
      await run(bin('createdb'), [...client, database])
      const psql = spawn(bin('psql'), [...client, '-q', '-v', 'ON_ERROR_STOP=1', database], {
        stdio: ['pipe', 'ignore', 'inherit'],
      })
      psql.stdin.end(sql)
      const [code] = await once(psql, 'close')
      if (code !== 0) throw new Error(`psql ended with ${code}`)
    },
    async copy(database, template) {
      await run(bin('createdb'), [...client, '-T', template, database])
    },
    url: (database) => `postgresql://app@/${database}?host=${encodeURIComponent(folder)}`,
    async dump(database, options, file) {
      await run(bin('pg_dump'), [...client, ...options, '-f', file, database])
    },
    endWithProcess: () => endWithProcess(server, folder),
    async stop() {
      server.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Asks until it answers. */
async function ready(ask: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    const answers = await ask().then(
      () => true,
      () => false,
    )
    if (answers) return
    if (tries > 100) throw new Error('PostgreSQL did not start')
    await new Promise((done) => setTimeout(done, 50))
  }
}

function endWithProcess(server: ChildProcess, folder: string): void {
  server.unref()
  process.once('exit', () => {
    server.kill('SIGQUIT')
    // It writes to the last; when it is gone, so is this file.
    const gone = 'for n in $(seq 100); do [ -e "$0/data/postmaster.pid" ] || break; sleep 0.02; done; rm -rf "$0"'
    spawnSync('sh', ['-c', gone, folder], { timeout: 5000 })
  })
}

/** A real PostgreSQL of Debian's package, in a folder of its own, to make real dumps with. Needs root: it runs as `postgres`. @module */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Certificate } from './certificate.ts'

const run = promisify(execFile)

/** A running server. */
export interface Postgres {
  /** Makes a database of it. */
  create(database: string, sql: string): Promise<void>
  /** Makes a database that is the same as another one, which nobody uses. */
  copy(database: string, template: string): Promise<void>
  /** Where a database is, for a client. */
  url(database: string): string
  /** The same over the network, when it was started with a certificate. */
  tcpUrl(database: string): string
  /** Stops it, as a machine that starts anew would; whoever was connected is cut off. */
  halt(): Promise<void>
  /** Starts it again on the same data. */
  resume(): Promise<void>
  /** What `pg_dump` writes, with these options. */
  dump(database: string, options: readonly string[], file: string): Promise<void>
  stop(): Promise<void>
  /** Has it end with this process, which no longer waits for it. */
  endWithProcess(): void
}

const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups']

/** Starts one; it listens on a socket in its folder only, or with `tls` at a port of this machine, too. */
export async function startPostgres({
  tls,
}: {
  readonly tls?: Certificate & { readonly port: number }
} = {}): Promise<Postgres> {
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
  const port = tls?.port ?? 5432
  const args = ['-D', data, '-k', folder, '-p', String(port)]
  const settings = {
    listen_addresses: '',
    fsync: 'off',
    max_connections: '200',
    ...(tls && (await tlsIn(folder, tls))),
  }
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`)
  const client = ['-h', folder, '-p', String(port), '-U', 'app']
  const start = async () => {
    const child = spawn('setpriv', [...as, bin('postgres'), ...args], { stdio: 'ignore' })
    await ready(() => run(bin('pg_isready'), client))
    return child
  }
  let server = await start()
  const halt = async () => {
    const ended = once(server, 'close')
    server.kill('SIGINT')
    await ended
  }
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
    url: (database) =>
      `postgresql://app@${tls === undefined ? '' : `:${port}`}/${database}?host=${encodeURIComponent(folder)}`,
    tcpUrl: (database) => `postgresql://app@localhost:${port}/${database}`,
    halt,
    async resume() {
      server = await start()
    },
    async dump(database, options, file) {
      await run(bin('pg_dump'), [...client, ...options, '-f', file, database])
    },
    endWithProcess: () => endWithProcess(server, folder),
    async stop() {
      if (server.exitCode === null) await halt()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Its certificate, where it may read it; what is not encrypted it does not hear over the network. */
async function tlsIn(folder: string, { certFile, keyFile }: Certificate) {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await copyFile(certFile, cert)
  await copyFile(keyFile, key)
  await chmod(key, 0o600)
  await run('chown', ['postgres', cert, key])
  return { listen_addresses: 'localhost', ssl: 'on', ssl_cert_file: cert, ssl_key_file: key }
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

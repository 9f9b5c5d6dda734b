/**
 * A real mail server: Exim on 127.0.0.1 with TLS and authentication, delivering every address of one domain into one
 * Maildir. Nothing is relayed anywhere: it has no route to other domains.
 * @module
 */
import { execFile } from 'node:child_process'
import { appendFile, chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Certificate, makeCertificate } from './certificate.ts'
import { programOf } from './needs.ts'
import { freePort, startProgram, tempFolder } from './program.ts'

const run = promisify(execFile)
const deliveryMs = 10_000

/** What the mail server is asked for. */
export interface EximOptions {
  /** Passwords by user name; a sender must be one of them. */
  readonly users: Readonly<Record<string, string>>
  /** Domain whose mail it takes; default `example.test`. */
  readonly domain?: string
  /** `starttls` (default): TLS is demanded before MAIL (RFC 3207); `tls`: from the first byte (RFC 8314). */
  readonly security?: 'starttls' | 'tls'
}

/** A running mail server. The recipient `full@` is refused with 550, `later@` with 451. */
export interface Exim {
  /** `localhost`: the name in the certificate. */
  readonly host: string
  readonly port: number
  /** PEM to trust. */
  readonly ca: string
  readonly caFile: string
  /** The delivered messages as they lie on disk, oldest first. */
  mailbox(): Promise<readonly string[]>
  /**
   * Waits until at least `count` messages are delivered, and returns all.
   * @throws Error after ten seconds
   */
  delivered(count: number): Promise<readonly string[]>
  /** What the server logged. */
  log(): Promise<string>
  close(): Promise<void>
}

interface Ground {
  readonly folder: string
  readonly port: number
  readonly domain: string
  readonly implicitTls: boolean
  readonly certificate: Certificate
}

/** Starts Exim; ask `needs('exim', 'openssl')` first. */
export async function startExim(options: EximOptions): Promise<Exim> {
  const folder = await tempFolder()
  try {
    const certificate = await makeCertificate(folder.path)
    const port = await freePort()
    const domain = options.domain ?? 'example.test'
    const file = await prepare(
      { folder: folder.path, port, domain, implicitTls: options.security === 'tls', certificate },
      options.users,
    )
    const program = await startProgram({ command: programOf('exim'), args: ['-C', file, '-bdf'], port })
    const close = async (): Promise<void> => {
      await endConnections(program.pid)
      await program.close().finally(folder.remove)
    }
    return { host: 'localhost', port, ca: certificate.ca, caFile: certificate.certFile, ...box(folder.path), close }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

// Each connection is a process of its own, which would log its end after the daemon's, and make the folder anew for that.
async function endConnections(daemon: number): Promise<void> {
  const children = (await readFile(`/proc/${daemon}/task/${daemon}/children`, 'utf8')).trim().split(' ')
  for (const pid of children.filter(Boolean)) endOne(Number(pid))
}

function endOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // gone by itself since we looked
  }
}

function box(folder: string): Pick<Exim, 'mailbox' | 'delivered' | 'log'> {
  const mailbox = async (): Promise<readonly string[]> => readMaildir(join(folder, 'box', 'Maildir', 'new'))
  const log = (): Promise<string> => readFile(join(folder, 'log', 'mainlog'), 'utf8').catch(() => '')
  const delivered = async (count: number): Promise<readonly string[]> => {
    const end = performance.now() + deliveryMs
    for (;;) {
      const messages = await mailbox()
      if (messages.length >= count) return messages
      if (performance.now() > end) throw new Error(`${messages.length} of ${count} messages came\n${await log()}`)
      await sleep(25)
    }
  }
  return { mailbox, delivered, log }
}

async function readMaildir(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []) // made with the first delivery
  const files = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })))
  files.sort((a, b) => a.at - b.at || a.name.localeCompare(b.name))
  return Promise.all(files.map(({ name }) => readFile(join(folder, name), 'utf8')))
}

async function prepare(ground: Ground, users: EximOptions['users']): Promise<string> {
  const { folder, certificate } = ground
  await chmod(folder, 0o755) // Exim gives up root and has to get in
  const own = ['spool', 'log', 'box'].map((name) => join(folder, name))
  await Promise.all(own.map((path) => mkdir(path)))
  const passwords = join(folder, 'passwords')
  await writeFile(passwords, '')
  for (const [name, password] of Object.entries(users)) await appendFile(passwords, `${name}: ${password}\n`)
  await run('chown', ['Debian-exim:Debian-exim', ...own, certificate.keyFile, passwords])
  const file = join(folder, 'exim.conf')
  await writeFile(file, configuration(ground))
  return file
}

function configuration({ folder, port, domain, implicitTls, certificate }: Ground): string {
  const knows = (user: string, password: string): string =>
    `\${lookup{${user}}lsearch{${folder}/passwords}{\${if eq{$value}{${password}}}}{false}}`
  return `
primary_hostname = localhost
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
pid_file_path = ${folder}/exim.pid
daemon_smtp_ports = ${port}
${implicitTls ? `tls_on_connect_ports = ${port}` : ''}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = ${certificate.certFile}
tls_privatekey = ${certificate.keyFile}
host_lookup =
rfc1413_hosts =
never_users =
keep_environment =
queue_run_in_order = true
smtp_accept_max = 50
auth_advertise_hosts = \${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
begin acl
acl_mail:
  deny message = Must issue a STARTTLS command first
    !encrypted = *
  accept
acl_rcpt:
  deny message = authentication required
    !authenticated = *
  deny message = relaying denied
    !domains = ${domain}
  deny message = mailbox full
    local_parts = full
  defer message = greylisted, try again
    local_parts = later
  accept
acl_data:
  accept
begin routers
box:
  driver = accept
  domains = ${domain}
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = ${folder}/box/Maildir
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  user = Debian-exim
begin retry
*  *  F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${knows('$auth2', '$auth3')}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${knows('$auth1', '$auth2')}
  server_set_id = $auth1
`
}

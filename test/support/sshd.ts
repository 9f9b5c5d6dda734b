/**
 * A real OpenSSH server on 127.0.0.1, with host and user keys made for it, that lets the user in who runs the tests.
 * @module
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programOf } from './needs.ts'
import { freePort, startProgram, tempFolder } from './program.ts'

const run = promisify(execFile)

/** What the server is asked for. */
export interface SshdOptions {
  /** A public key line to let in besides the server's own user key. */
  readonly alsoAllow?: string
  /** Default `true`. */
  readonly forwarding?: boolean
  /** Default `true`. */
  readonly sftp?: boolean
  /** Where its users find programs, before the usual folders. */
  readonly programs?: string
}

/** A running server. */
export interface Sshd {
  readonly port: number
  readonly user: string
  /** Fingerprint of its host key, `SHA256:…`. */
  readonly fingerprint: string
  /** The host key as a line of a public key file. */
  readonly hostKey: string
  /** The private key that it lets in. */
  readonly key: string
  readonly publicKey: string
  /** A folder of its own. */
  readonly folder: string
  /** What it logged. */
  log(): string
  /** Ends every connection, as a network that fails does. */
  drop(): Promise<void>
  /** Stops and continues the connections: they stay open and say nothing. */
  silence(): Promise<{ end(): void }>
  /** Ends the server and every connection: a machine that went away. What it started and let go stays. */
  down(): Promise<void>
  /** Starts it again, on the same port and with the same keys. */
  up(): Promise<void>
  close(): Promise<void>
}

/** Makes a key pair with ssh-keygen: the private key's text and the public key's line. */
export async function makeKey(
  file: string,
  options: { readonly type?: 'ed25519' | 'rsa' | 'ecdsa'; readonly passphrase?: string } = {},
): Promise<{ readonly key: string; readonly publicKey: string; readonly fingerprint: string }> {
  const { type = 'ed25519', passphrase = '' } = options
  await run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file])
  const [key, publicKey, shown] = await Promise.all([
    readFile(file, 'utf8'),
    readFile(`${file}.pub`, 'utf8'),
    run('ssh-keygen', ['-l', '-E', 'sha256', '-f', `${file}.pub`]),
  ])
  return { key, publicKey: publicKey.trim(), fingerprint: /SHA256:\S+/.exec(shown.stdout)?.[0] ?? '' }
}

/** Starts a server; ask `needs('sshd')` first. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = await tempFolder()
  try {
    await chmod(folder.path, 0o755)
    // The unprivileged part of a server that root starts lives there.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
    const port = await freePort()
    const user = userInfo().username
    const host = await makeKey(join(folder.path, 'host'))
    const own = await makeKey(join(folder.path, 'user'))
    await writeFile(join(folder.path, 'authorized_keys'), [own.publicKey, options.alsoAllow ?? '', ''].join('\n'))
    const file = join(folder.path, 'sshd_config')
    await writeFile(file, configuration({ folder: folder.path, port, user, options }))
    const begin = () => startProgram({ command: programOf('sshd'), args: ['-D', '-e', '-f', file], port })
    let program = await begin()
    const signalAll = async (signal: NodeJS.Signals): Promise<readonly number[]> => {
      const pids = await descendants(program.pid)
      for (const pid of pids) signalOne(pid, signal)
      return pids
    }
    return {
      ...{ port, user, fingerprint: host.fingerprint, hostKey: host.publicKey },
      ...{ key: own.key, publicKey: own.publicKey, folder: folder.path },
      log: () => program.output(),
      drop: async () => {
        // Halted first, or one that lives a moment longer tells of the end of a command.
        await signalAll('SIGSTOP')
        await signalAll('SIGKILL')
      },
      silence: async () => {
        const pids = await signalAll('SIGSTOP')
        return {
          end: () => {
            for (const pid of pids) signalOne(pid, 'SIGCONT')
          },
        }
      },
      down: async () => {
        await signalAll('SIGKILL')
        await program.close()
      },
      up: async () => {
        program = await begin()
      },
      close: async () => {
        await signalAll('SIGKILL')
        await program.close().finally(folder.remove)
      },
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

// Each connection is a child of the server, and each command a child of that.
async function descendants(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const children = text.trim().split(' ').filter(Boolean).map(Number)
  const below = await Promise.all(children.map(descendants))
  return [...below.flat(), ...children]
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // gone by itself since we looked
  }
}

interface Ground {
  readonly folder: string
  readonly port: number
  readonly user: string
  readonly options: SshdOptions
}

// A home of its own: a login shell reads files of the user's, which may do anything, and take long.
function configuration({ folder, port, user, options }: Ground): string {
  return `
ListenAddress 127.0.0.1
Port ${port}
HostKey ${folder}/host
PidFile ${folder}/sshd.pid
SetEnv HOME=${folder}${options.programs === undefined ? '' : ` PATH=${options.programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`}
AuthorizedKeysFile ${folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers ${user}
AllowTcpForwarding ${options.forwarding === false ? 'no' : 'yes'}
AllowStreamLocalForwarding yes
MaxStartups 100
${options.sftp === false ? '' : 'Subsystem sftp internal-sftp'}
LogLevel VERBOSE
`
}

/** The SSH library against real OpenSSH servers. @module */
import assert from 'node:assert/strict'
import { execFile, spawn as startProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { inspect, promisify } from 'node:util'
import { isFault, secretOf } from '@labgate/contract'
import {
  type Connection,
  checkHost,
  commandLine,
  connect,
  quoteWord,
  type SshHost,
  sharedConnection,
  type Trouble,
  troubleOf,
} from '@labgate/runner-ssh/connect'
import fc from '../../support/chance.ts'
import { needs } from '../../support/needs.ts'
import { makeKey, type Sshd, startSshd } from '../../support/sshd.ts'

const run = promisify(execFile)
const skip = needs('sshd')

let sshd: Sshd
let folder: string
let other: Awaited<ReturnType<typeof makeKey>>

function hostOf(server: Sshd, more: Partial<SshHost> = {}): SshHost {
  return {
    ...{ host: '127.0.0.1', port: server.port, user: server.user, hostKeys: [server.fingerprint] },
    ...{ key: secretOf(server.key), jump: [], connectTimeout: 10, keepalive: 15, ...more },
  }
}

async function refused(work: Promise<unknown>, trouble: Trouble, words: RegExp): Promise<string> {
  const error = await work.then(
    () => assert.fail('it was let through'),
    (failed: unknown) => failed,
  )
  assert.ok(isFault(error), inspect(error))
  assert.equal(troubleOf(error), trouble, error.message)
  assert.match(error.message, words)
  const everything = inspect(error, { depth: 8 }) + JSON.stringify(error)
  assert.ok(!everything.includes('PRIVATE KEY') && !everything.includes('a-passphrase'), 'a secret shows')
  return error.message
}

async function using<T>(host: SshHost, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(host)
  try {
    return await work(connection)
  } finally {
    await connection.end()
  }
}

async function all<T>(parts: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const found: T[] = []
  for await (const part of parts) found.push(...part)
  return found
}

before(async () => {
  if (skip) return
  folder = await mkdtemp(join(tmpdir(), 'labgate-ssh-'))
  other = await makeKey(join(folder, 'other'))
  sshd = await startSshd()
})

after(async () => {
  if (skip) return
  await sshd.close()
  await rm(folder, { recursive: true, force: true })
})

suite('host keys', { skip }, () => {
  test('a pinned fingerprint is accepted', async () => {
    const { stdout } = await using(hostOf(sshd), (connection) => connection.exec(['id', '-un']))
    assert.equal(String(stdout).trim(), sshd.user)
  })

  test('a pinned public key line is accepted, beside others', async () => {
    const hostKeys = [other.fingerprint, `${sshd.hostKey} comment`]
    assert.equal((await using(hostOf(sshd, { hostKeys }), (connection) => connection.exec(['true']))).code, 0)
  })

  test('a key that is not pinned is refused before anything is said, and the fault shows its fingerprint', async () => {
    const before = sshd.log().length
    const message = await refused(connect(hostOf(sshd, { hostKeys: [other.fingerprint] })), 'host-key', /hostKeys/)
    assert.ok(message.includes(sshd.fingerprint), message)
    assert.ok(message.includes(`127.0.0.1:${sshd.port}`), message)
    assert.doesNotMatch(sshd.log().slice(before), /Accepted publickey/)
  })

  test('a pinned line of another type asks the host for that type only', async () => {
    const rsa = await makeKey(join(folder, 'rsa'), { type: 'rsa' })
    await refused(connect(hostOf(sshd, { hostKeys: [rsa.publicKey] })), 'refused', /common ground/)
  })

  test('pins that are none stop the start', () => {
    for (const hostKeys of [[], ['SHA256:short'], ['ssh-ed25519 AAAA'], [sshd.key]])
      assert.throws(
        () => checkHost(hostOf(sshd, { hostKeys })),
        (error: unknown) => isFault(error) && error.code === 'ERR_CONFIG' && !error.message.includes('PRIVATE'),
      )
  })
})

suite('signing in', { skip }, () => {
  test('a key that the host does not know is refused, with the user named', async () => {
    await refused(connect(hostOf(sshd, { key: secretOf(other.key) })), 'authentication', /authorized_keys/)
  })

  test('a key with a passphrase is opened by it, and only by it', async () => {
    const made = await makeKey(join(folder, 'sealed'), { passphrase: 'a-passphrase' })
    const server = await startSshd({ alsoAllow: made.publicKey })
    try {
      const host = hostOf(server, { key: secretOf(made.key), passphrase: secretOf('a-passphrase') })
      assert.equal((await using(host, (connection) => connection.exec(['true']))).code, 0)
      for (const passphrase of [undefined, secretOf('another')]) {
        const { passphrase: _, ...without } = host
        assert.throws(
          () => checkHost({ ...without, ...(passphrase ? { passphrase } : {}) }),
          (error: unknown) => isFault(error) && error.code === 'ERR_CONFIG' && /passphrase/.test(error.message),
        )
      }
    } finally {
      await server.close()
    }
  })

  test('an agent signs in instead of a key; without either the start is stopped', async () => {
    const socket = join(folder, 'agent.sock')
    const agent = startProcess('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      await once(agent.stdout, 'data')
      await run('ssh-add', ['-q', join(sshd.folder, 'user')], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
      const { key: _, ...host } = hostOf(sshd, { agent: socket })
      assert.equal((await using(host, (connection) => connection.exec(['true']))).code, 0)
      await refused(connect({ ...host, agent: join(folder, 'no.sock') }), 'authentication', /agent/)
      const { agent: __, ...nothing } = host
      assert.throws(() => checkHost(nothing), /neither `key` nor `agent`/)
    } finally {
      agent.kill()
    }
  })
})

suite('jump hosts', { skip }, () => {
  let jump: Sshd
  before(async () => {
    jump = await startSshd()
  })
  after(() => jump.close())

  const through = (more: Partial<SshHost['jump'][number]> = {}): SshHost => {
    const { jump: _, connectTimeout: __, keepalive: ___, ...place } = hostOf(jump)
    return hostOf(sshd, { jump: [{ ...place, ...more }] })
  }

  test('leads through a second server, which has a key of its own', async () => {
    const { stdout } = await using(through(), (connection) => connection.exec(['echo', 'there']))
    assert.equal(String(stdout), 'there\n')
    assert.match(jump.log(), /Accepted publickey/)
  })

  test('refuses a jump host with a wrong key before anything goes through it', async () => {
    const before = sshd.log().length
    const message = await refused(connect(through({ hostKeys: [sshd.fingerprint] })), 'host-key', /hostKeys/)
    assert.ok(message.includes(jump.fingerprint) && message.includes(`:${jump.port}`), message)
    // Lines of the test before may still come.
    assert.match(sshd.log(), /^Connection from /m)
    assert.doesNotMatch(sshd.log().slice(before), /^Connection from /m)
  })

  test('refuses the last host by its own pins, whatever the jump host is', async () => {
    const message = await refused(connect({ ...through(), hostKeys: [jump.fingerprint] }), 'host-key', /hostKeys/)
    assert.ok(message.includes(sshd.fingerprint), message)
  })

  test('says that the jump host opens no way', async () => {
    const closed = await startSshd({ forwarding: false })
    try {
      const { jump: _, connectTimeout: __, keepalive: ___, ...place } = hostOf(closed)
      await refused(connect(hostOf(sshd, { jump: [place] })), 'unreachable', /AllowTcpForwarding/)
    } finally {
      await closed.close()
    }
  })

  test('ends both connections together', async () => {
    const connection = await connect(through())
    await jump.drop()
    await refused(connection.exec(['true']), 'lost', /lost/)
    assert.ok(connection.over.aborted)
  })
})

suite('hosts that are not there', { skip }, () => {
  let silent: Server
  let port: number
  before(async () => {
    silent = createServer((socket) => socket.on('error', () => socket.destroy())).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    port = typeof address === 'object' && address ? address.port : 0
  })
  after(() => silent.close())

  test('one that accepts and never speaks is given up in time', async () => {
    const began = performance.now()
    await refused(connect({ ...hostOf(sshd), port, connectTimeout: 1 }), 'timeout', /within 1 s/)
    assert.ok(performance.now() - began < 10_000)
  })

  test('a closed port is told of at once', async () => {
    const address = createServer().listen(0, '127.0.0.1')
    await once(address, 'listening')
    const closed = (address.address() as { port: number }).port
    address.close()
    await refused(connect({ ...hostOf(sshd), port: closed }), 'unreachable', /ECONNREFUSED/)
  })

  test('whoever asked may give up', async () => {
    const given = new AbortController()
    const attempt = connect({ ...hostOf(sshd), port }, { signal: given.signal })
    given.abort()
    await refused(attempt, 'aborted', /given up/)
    await refused(connect(hostOf(sshd), { signal: AbortSignal.abort() }), 'aborted', /given up/)
  })

  test('what is no SSH server is told of', async () => {
    const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const address = web.address() as { port: number }
    try {
      await assert.rejects(connect({ ...hostOf(sshd), port: address.port }), (error: unknown) => isFault(error))
    } finally {
      web.close()
    }
  })
})

suite('commands', { skip }, () => {
  let connection: Connection
  before(async () => {
    connection = await connect(hostOf(sshd))
  })
  after(() => connection.end())

  test('give exit code, both outputs, and take input', async () => {
    const result = await connection.exec(['sh', '-c', 'cat; echo wrong >&2; exit 3'], { stdin: 'in' })
    assert.deepEqual(
      { code: result.code, stdout: String(result.stdout), stderr: String(result.stderr) },
      { code: 3, stdout: 'in', stderr: 'wrong\n' },
    )
  })

  test('a signal that ends one is told', async () => {
    const result = await connection.exec(['sh', '-c', 'kill -TERM $$'])
    assert.deepEqual({ code: result.code, signal: result.signal }, { code: undefined, signal: 'SIGTERM' })
  })

  test('words reach the program unchanged, through the login shell', async () => {
    const words = [
      '$(id)',
      '`id`',
      "it's",
      '"',
      '\\',
      ';rm',
      '-n',
      '',
      '*',
      '~',
      'A=b',
      'new\nline',
      '\t',
      '!!',
      'ü\u{1F9EA}',
    ]
    const { stdout } = await connection.exec(['printf', '%s\\0', ...words])
    assert.deepEqual(String(stdout).split('\0').slice(0, -1), words)
  })

  test('a NUL and an empty command are refused here', async () => {
    await assert.rejects(
      connection.exec(['echo', 'a\0b']),
      (error: unknown) => isFault(error) && error.code === 'ERR_INPUT',
    )
    await assert.rejects(connection.exec([]), TypeError)
  })

  test('output beyond the limit breaks the command off', async () => {
    await refused(connection.exec(['yes'], { outputBytes: 1000 }), 'limit', /1000 bytes/)
    assert.equal((await connection.exec(['true'])).code, 0, 'the connection lives')
  })

  test('one that takes too long, or is given up, is broken off', async () => {
    await refused(connection.exec(['sleep', '30'], { timeoutSeconds: 0.3 }), 'timeout', /0.3 s/)
    const given = new AbortController()
    const work = connection.exec(['sleep', '30'], { signal: given.signal })
    given.abort()
    await refused(work, 'aborted', /given up/)
  })

  test('a started one is read while it runs', async () => {
    const running = await connection.spawn(['cat'])
    running.stdin.write('one\n')
    const [part] = await once(running.stdout, 'data')
    assert.equal(String(part), 'one\n')
    running.stdin.end()
    running.stdout.resume()
    assert.deepEqual(await running.exited, { code: 0, signal: undefined })
  })
})

suite('quoting', () => {
  test('any words pass a real shell unchanged', async () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '!', '*', '~', '#', '&', ';', '(', '=', '-'),
      }),
    )
    const words = fc.array(
      word.map((text) => text.replaceAll('\0', '').toWellFormed()),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(words, async (list) => {
        const { stdout } = await run('sh', ['-c', commandLine(['printf', '%s\\0', '', ...list])], { encoding: 'utf8' })
        assert.deepEqual(stdout.split('\0').slice(1, -1), list)
      }),
      { numRuns: 60 },
    )
  })

  test('a word without anything special is quoted too', () => {
    assert.equal(quoteWord('if'), "'if'")
    assert.equal(quoteWord(''), "''")
  })
})

suite('files', { skip }, () => {
  let connection: Connection
  before(async () => {
    connection = await connect(hostOf(sshd))
    await writeFile(join(folder, 'data.txt'), 'twelve bytes')
    await symlink('/etc/passwd', join(folder, 'link'))
  })
  after(() => connection.end())

  test('are listed with facts of the link itself, and read in parts', async () => {
    const sftp = await connection.sftp()
    const entries = await all(sftp.list(folder))
    const kinds = new Map(entries.map(({ name, kind }) => [name, kind]))
    assert.equal(kinds.get('data.txt'), 'file')
    assert.equal(kinds.get('link'), 'link')
    assert.ok(!kinds.has('.') && !kinds.has('..'))
    assert.equal((await sftp.lstat(join(folder, 'link'))).kind, 'link')
    assert.equal(await sftp.realpath(join(folder, 'link')), '/etc/passwd')
    const file = await sftp.open(join(folder, 'data.txt'))
    assert.equal((await file.facts()).size, 12)
    assert.equal(String(await file.read(7, 100)), 'bytes')
    assert.equal((await file.read(12, 100)).length, 0)
    await file.close()
    await sftp.end()
  })

  test('are written once, with the mode they are given, and removed', async () => {
    const sftp = await connection.sftp()
    const path = join(folder, 'written')
    await sftp.writeFile({ path, data: 'secret', mode: 0o600 })
    const facts = await sftp.lstat(path)
    assert.deepEqual([facts.size, facts.mode], [6, 0o600])
    await refused(sftp.writeFile({ path, data: 'again', mode: 0o600 }), 'refused', /written/)
    await sftp.unlink(path)
    await refused(sftp.lstat(path), 'missing', /no such file/)
    await sftp.mkdir(join(folder, 'made'), 0o700)
    assert.equal((await sftp.lstat(join(folder, 'made'))).kind, 'folder')
    await sftp.end()
  })

  test('a host without SFTP says so', async () => {
    const server = await startSshd({ sftp: false })
    try {
      await using(hostOf(server), (bare) => refused(bare.sftp(), 'refused', /Subsystem sftp/))
    } finally {
      await server.close()
    }
  })
})

suite('tunnels', { skip }, () => {
  let connection: Connection
  before(async () => {
    connection = await connect(hostOf(sshd))
  })
  after(() => connection.end())

  for (const kind of ['port', 'socket'] as const)
    test(`carry bytes both ways to a ${kind} that the host reaches`, async () => {
      const path = join(folder, 'echo.sock')
      const echo = createServer((socket) => socket.pipe(socket))
      if (kind === 'port') echo.listen(0, '127.0.0.1')
      else echo.listen(path)
      await once(echo, 'listening')
      const address = echo.address()
      const stream = await connection.forward(
        typeof address === 'object' && address ? { host: '127.0.0.1', port: address.port } : { socket: path },
      )
      stream.write('hello')
      const [back] = await once(stream, 'data')
      assert.equal(String(back), 'hello')
      stream.destroy()
      echo.close()
    })

  test('to nowhere are refused', async () => {
    await refused(connection.forward({ socket: join(folder, 'nobody.sock') }), 'unreachable', /no way/)
  })
})

suite('connections that break', { skip }, () => {
  test('everything under way is told, and nothing goes on over them', async () => {
    const connection = await connect(hostOf(sshd))
    const [running, sftp] = await Promise.all([connection.spawn(['sleep', '30']), connection.sftp()])
    const work = connection.exec(['sleep', '30'])
    await Promise.all([refused(work, 'lost', /lost/), refused(running.exited, 'lost', /lost/), sshd.drop()])
    await refused(connection.exec(['true']), 'lost', /lost/)
    await refused(sftp.lstat('/'), 'lost', /lost/)
    await refused(connection.forward({ host: '127.0.0.1', port: 1 }), 'lost', /lost/)
    await connection.end()
  })

  test('a host that falls silent is noticed by keepalive', async () => {
    const server = await startSshd()
    const connection = await connect(hostOf(server, { keepalive: 1 }))
    const quiet = await server.silence()
    try {
      if (!connection.over.aborted) await once(connection.over, 'abort')
      assert.equal(troubleOf(connection.over.reason), 'lost')
    } finally {
      quiet.end()
      await server.close()
    }
  })

  test('end() twice is once', async () => {
    const connection = await connect(hostOf(sshd))
    await Promise.all([connection.end(), connection.end()])
    await connection.end()
    await refused(connection.exec(['true']), 'lost', /closed here/)
  })
})

suite('a shared connection', { skip }, () => {
  const signIns = (server: Sshd): number => server.log().split('Accepted publickey').length - 1

  test('is made once for many, and again after it was lost', async () => {
    const server = await startSshd()
    const shared = sharedConnection(hostOf(server))
    try {
      const ask = () => shared.use(async (connection) => String((await connection.exec(['echo', 'x'])).stdout))
      assert.deepEqual(await Promise.all(Array.from({ length: 8 }, ask)), Array(8).fill('x\n'))
      assert.equal(signIns(server), 1)
      await server.drop()
      await assert.doesNotReject(async () => {
        for (;;)
          try {
            return await ask()
          } catch (error) {
            if (troubleOf(error) !== 'lost') throw error
          }
      })
      assert.equal(signIns(server), 2)
      await shared.close()
      await refused(ask(), 'aborted', /stopping/)
    } finally {
      await server.close()
    }
  })

  test('tells all who wait that it failed, and tries anew for the next', async () => {
    const shared = sharedConnection(hostOf(sshd, { hostKeys: [other.fingerprint] }))
    const before = sshd.log().split('Connection from').length
    const ask = () => shared.use((connection) => connection.exec(['true']))
    for (const result of await Promise.allSettled([ask(), ask()])) assert.equal(result.status, 'rejected')
    assert.equal(sshd.log().split('Connection from').length - before, 1)
    await refused(ask(), 'host-key', /hostKeys/)
    await shared.close()
  })

  test('is ended when nobody uses it', async () => {
    const shared = sharedConnection(hostOf(sshd), { idleSeconds: 0.05 })
    const over = await shared.use(async (connection) => connection.over)
    if (!over.aborted) await once(over, 'abort')
    assert.equal((await shared.use((connection) => connection.exec(['true']))).code, 0)
    await shared.close()
  })

  test('close() gives up an attempt that is under way', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const shared = sharedConnection({ ...hostOf(sshd), port })
    const work = shared.use((connection) => connection.exec(['true']))
    await Promise.all([refused(work, 'aborted', /given up/), shared.close()])
    silent.close()
  })
})

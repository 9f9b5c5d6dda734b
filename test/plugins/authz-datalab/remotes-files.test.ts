/** File systems that are only read, mounted and by SSH: the same claims for both, over the same hostile tree. @module */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { isFault, secretOf } from '@labgate/contract'
import { connect } from '@labgate/runner-ssh/connect'
import {
  type Entry,
  type FileSystem,
  type Files,
  type FileTrouble,
  fileTroubleOf,
} from '../../../plugins/authz-datalab/remotes/files/file-system.ts'
import { localFileSystem } from '../../../plugins/authz-datalab/remotes/files/local.ts'
import { isStep, parsePath, shown } from '../../../plugins/authz-datalab/remotes/files/path.ts'
import { filesOver, sftpFileSystem } from '../../../plugins/authz-datalab/remotes/files/sftp.ts'
import { createTurns } from '../../../plugins/authz-datalab/remotes/files/turns.ts'
import { pageOf } from '../../../plugins/authz-datalab/remotes/page.ts'
import { listTree } from '../../../plugins/authz-datalab/remotes/tree.ts'
import fc from '../../support/chance.ts'
import { needs } from '../../support/needs.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const plenty = { entries: 1000, bytes: 1_000_000, seconds: 30 }

suite('paths', () => {
  test('whatever is let pass stays below the root, and is what was asked for', () => {
    const name = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', 'b c', '\0', '...', '\\', '..\\', '%2e%2e', '\n', 'ü', 'x'.repeat(300)),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(name, { maxLength: 70 }), fc.constantFrom('', '/', '//'), (names, before) => {
        const text = before + names.join('/')
        try {
          const path = parsePath(text)
          assert.ok(path.every(isStep))
          const place = posix.resolve('/root/of/it', ...path)
          assert.ok(place === '/root/of/it' || place.startsWith('/root/of/it/'), place)
          assert.equal(path.join('/'), text.replace(/^\//, '').replace(/\/$/, ''))
        } catch (error) {
          assert.ok(isFault(error) && error.code === 'ERR_INPUT', String(error))
        }
      }),
      { numRuns: 500 },
    )
  })

  for (const text of [
    '..',
    '../x',
    'a/../b',
    '/..',
    'a/..',
    'a//b',
    '//',
    '//etc/passwd',
    './a',
    'a/.',
    'a\0b',
    '\uD800',
    `${'a/'.repeat(65)}a`,
  ])
    test(`refuses ${JSON.stringify(text).slice(0, 20)}`, () => {
      assert.throws(
        () => parsePath(text),
        (error: unknown) => isFault(error) && error.code === 'ERR_INPUT',
      )
    })

  test('one slash at either end means the root of the file system', () => {
    assert.deepEqual(parsePath('/etc/passwd'), ['etc', 'passwd'])
    assert.deepEqual(parsePath('etc/'), ['etc'])
    assert.deepEqual([parsePath('/'), parsePath('')], [[], []])
  })

  test('names are shown without what moves the cursor or turns the writing round', () => {
    assert.equal(shown('a\nb\u202Egpj.exe\u0007\u200B'), 'a\\u{a}b\\u{202e}gpj.exe\\u{7}\\u{200b}')
    assert.equal(shown('Übung 1 – “x”.txt'), 'Übung 1 – “x”.txt')
  })
})

/** A tree that means harm, beside things that are nobody's business. */
async function hostileTree(): Promise<{ readonly folder: string; readonly root: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-remote-'))
  const root = join(folder, 'root')
  await mkdir(join(root, 'sub', 'deep'), { recursive: true })
  await mkdir(join(folder, 'outside'))
  await writeFile(join(folder, 'outside', 'secret.txt'), 'not for you')
  await writeFile(join(root, 'plain.txt'), 'hello')
  await writeFile(join(root, 'sub', 'data.bin'), Buffer.alloc(300_000, 7))
  await writeFile(join(root, 'new\nline'), 'x')
  await writeFile(join(root, "it's; $(rm) `x` \\"), 'quoted')
  await symlink('/etc/passwd', join(root, 'passwd'))
  await symlink('../../outside', join(root, 'sub', 'out'))
  await symlink('.', join(root, 'loop'))
  await symlink('sub', join(root, 'inside'))
  await symlink('nowhere', join(root, 'dangling'))
  await run('mkfifo', [join(root, 'pipe')])
  return { folder, root }
}

async function entriesOf(files: Files, path: string): Promise<readonly Entry[]> {
  const found: Entry[] = []
  for await (const part of files.list(parsePath(path))) found.push(...part)
  return found
}

function content(files: Files, path: string): Promise<string> {
  return files.read(parsePath(path), async (file) => {
    const parts: Uint8Array[] = []
    for await (const part of file.chunks()) parts.push(part)
    return Buffer.concat(parts).toString()
  })
}

async function fails(work: Promise<unknown>, ...kinds: readonly FileTrouble[]): Promise<void> {
  const error = await work.then(
    () => assert.fail('it was let through'),
    (failed: unknown) => failed,
  )
  const kind = fileTroubleOf(error)
  assert.ok(kind && kinds.includes(kind), `${kind}: ${error}`)
}

let sshd: Sshd | undefined
const skipSsh = needs('sshd')
const hostOf = (server: Sshd) => ({
  ...{ host: '127.0.0.1', port: server.port, user: server.user, hostKeys: [server.fingerprint] },
  ...{ key: secretOf(server.key), jump: [], connectTimeout: 5, keepalive: 15 },
})

before(async () => {
  if (!skipSsh) sshd = await startSshd()
})
after(() => sshd?.close())

const quiet = (): void => {
  // the tests look at what is thrown
}
const kinds: readonly (readonly [name: string, skip: string | false, make: (path: string) => FileSystem])[] = [
  ['a mounted folder', false, (path) => localFileSystem({ path, answerSeconds: 10 })],
  [
    'a folder by SSH',
    skipSsh,
    (path) => {
      assert.ok(sshd)
      return sftpFileSystem({ path, host: hostOf(sshd), answerSeconds: 10, onTrouble: quiet })
    },
  ],
]

for (const [name, skip, make] of kinds)
  suite(name, { skip }, () => {
    let tree: Awaited<ReturnType<typeof hostileTree>>
    let system: FileSystem
    const use = <T>(work: (files: Files) => Promise<T>): Promise<T> => system.use(never, work)
    before(async () => {
      tree = await hostileTree()
      system = make(tree.root)
    })
    after(async () => {
      await system.close()
      await rm(tree.folder, { recursive: true, force: true })
    })

    test('lists what is there, links as links', async () => {
      const found = new Map((await use((files) => entriesOf(files, ''))).map((entry) => [entry.name, entry]))
      assert.equal(found.get('plain.txt')?.size, 5)
      assert.deepEqual(
        ['plain.txt', 'sub', 'passwd', 'loop', 'inside', 'dangling', 'pipe', 'new\nline'].map(
          (one) => found.get(one)?.kind,
        ),
        ['file', 'folder', 'link', 'link', 'link', 'link', 'other', 'file'],
      )
      assert.ok(Math.abs((found.get('plain.txt')?.modified.getTime() ?? 0) - Date.now()) < 60_000)
    })

    test('reads files, whatever they are called', async () => {
      assert.equal(await use((files) => content(files, 'plain.txt')), 'hello')
      assert.equal(await use((files) => content(files, '/sub/data.bin')), '\u0007'.repeat(300_000))
      assert.equal(await use((files) => content(files, 'new\nline')), 'x')
      assert.equal(await use((files) => content(files, "it's; $(rm) `x` \\")), 'quoted')
    })

    test('datalab 1.7.13: no name meets a shell, not even that of the root', async () => {
      const root = join(tree.folder, "it's; $(touch made) `touch made`; touch made #")
      await mkdir(join(root, '-rf'), { recursive: true })
      await writeFile(join(root, '-rf', '$HOME | touch made'), 'as it is')
      const odd = make(root)
      try {
        assert.equal(await odd.use(never, (files) => content(files, '-rf/$HOME | touch made')), 'as it is')
        assert.deepEqual(
          (await odd.use(never, (files) => entriesOf(files, ''))).map((one) => one.name),
          ['-rf'],
        )
        assert.deepEqual((await run('find', [tree.folder, '-name', 'made'])).stdout, '')
      } finally {
        await odd.close()
        await rm(root, { recursive: true })
      }
    })

    test('follows no link: not out of the root, not inside it', async () => {
      for (const path of [
        'passwd',
        'sub/out/secret.txt',
        'loop/plain.txt',
        'inside/data.bin',
        'loop/loop/loop/passwd',
      ]) {
        await fails(
          use((files) => content(files, path)),
          'link',
          'other',
        )
        await fails(
          use((files) => files.facts(parsePath(path))),
          'link',
          'other',
        )
      }
      for (const path of ['loop', 'inside', 'sub/out'])
        await fails(
          use((files) => entriesOf(files, path)),
          'link',
          'other',
        )
    })

    test('tells what is missing, and what is no file or no folder', async () => {
      await fails(
        use((files) => content(files, 'nothing')),
        'missing',
      )
      await fails(
        use((files) => content(files, 'nothing/below')),
        'missing',
      )
      await fails(
        use((files) => entriesOf(files, 'plain.txt')),
        'other',
      )
      await fails(
        use((files) => content(files, 'sub')),
        'other',
      )
      await fails(
        use((files) => content(files, 'plain.txt/x')),
        'missing',
        'other',
        'denied',
      )
      await fails(
        use((files) => content(files, 'dangling')),
        'link',
        'missing',
      )
    })

    test('waits for no pipe', async () => {
      await fails(
        use((files) => content(files, 'pipe')),
        'other',
      )
    })

    test('as a tree: folders nested, links not entered, every name shown safely', async () => {
      const { contents, leftOut } = await use((files) => listTree(files, plenty))
      const text = JSON.stringify(contents)
      assert.equal(leftOut, undefined)
      assert.doesNotMatch(text, /secret|root:/)
      const sub = contents.find((node) => (node as { name: string }).name === 'sub') as Record<string, unknown>
      assert.deepEqual(
        (sub.contents as { name: string; relative_path: string; type: string }[]).map((node) => [
          ...[node.name, node.relative_path, node.type],
        ]),
        [
          ['data.bin', '/sub/', 'file'],
          ['deep', '/sub/', 'directory'],
          ['out', '/sub/', 'link'],
        ],
      )
      const odd = contents.find((node) => (node as { path?: string }).path === 'new\nline') as { name: string }
      assert.equal(odd.name, 'new\\u{a}line')
    })

    test('a huge folder comes in pages, each name once, in order', async () => {
      const huge = join(tree.root, 'huge')
      await mkdir(huge)
      const names = Array.from({ length: 10_000 }, (_, index) => `n${(index * 7919) % 10_000}`)
      for (let at = 0; at < names.length; at += 500)
        await Promise.all(names.slice(at, at + 500).map((one) => writeFile(join(huge, one), '')))
      const seen: string[] = []
      let after: string | undefined
      for (;;) {
        const ask = { path: ['huge'], after, limit: 4000, most: 20_000 }
        const page = await use((files) => pageOf(files, ask))
        seen.push(...page.entries.map((entry) => entry.name))
        after = page.entries.at(-1)?.name
        assert.equal(page.truncated, false)
        if (!page.more) break
      }
      assert.deepEqual(seen, names.toSorted())
      const cut = await use((files) => pageOf(files, { path: ['huge'], after: undefined, limit: 10, most: 100 }))
      assert.deepEqual([cut.entries.length, cut.truncated], [10, true])
      const few = await use((files) => listTree(files, { ...plenty, entries: 500 }))
      assert.match(few.leftOut ?? '', /first 500 entries/)
      const small = await use((files) => listTree(files, { ...plenty, entries: 20_000, bytes: 50_000 }))
      assert.match(small.leftOut ?? '', /50000 bytes/)
      assert.ok(JSON.stringify(small.contents).length < 100_000)
      await rm(huge, { recursive: true })
    })

    test('a root that is missing is told of; one that is a link is followed, once', async () => {
      const link = join(tree.folder, 'link-to-root')
      await symlink(tree.root, link)
      for (const [path, works] of [
        [link, true],
        [join(tree.folder, 'gone'), false],
      ] as const) {
        const other = make(path)
        const work = other.use(never, (files) => content(files, 'plain.txt'))
        if (works) assert.equal(await work, 'hello')
        else await fails(work, 'missing')
        await other.close()
      }
    })

    test('whoever gave up is not served', async () => {
      await fails(
        system.use(AbortSignal.abort(), (files) => content(files, 'plain.txt')),
        'aborted',
      )
    })
  })

suite('races', () => {
  test('a link that takes a folder’s place meanwhile leads nowhere', async () => {
    const tree = await hostileTree()
    const system = localFileSystem({ path: tree.root, answerSeconds: 10 })
    const victim = join(tree.root, 'swapped')
    let on = true
    const swapping = (async () => {
      while (on) {
        await mkdir(victim).catch(quiet)
        await writeFile(join(victim, 'secret.txt'), 'decoy').catch(quiet)
        await rename(victim, `${victim}.old`).catch(quiet)
        await symlink(join(tree.folder, 'outside'), victim).catch(quiet)
        await unlink(victim).catch(quiet)
        await rm(`${victim}.old`, { recursive: true, force: true })
      }
    })()
    const seen = new Set<string>()
    const look = () =>
      system.use(never, (files) => content(files, 'swapped/secret.txt')).catch((error) => String(fileTroubleOf(error)))
    for (let rounds = 0; rounds < 40; rounds++)
      for (const found of await Promise.all(Array.from({ length: 8 }, look))) seen.add(found)
    on = false
    await swapping
    assert.ok(!seen.has('not for you'), [...seen].join())
    assert.ok(!seen.has('undefined'), [...seen].join())
    await rm(tree.folder, { recursive: true, force: true })
  })

  test('over SSH, what was opened through a link that was there for a moment is not read', {
    skip: skipSsh,
  }, async () => {
    assert.ok(sshd)
    const tree = await hostileTree()
    const [victim, aside] = [join(tree.root, 'swapped'), join(tree.root, 'aside')]
    await mkdir(victim)
    await writeFile(join(victim, 'secret.txt'), 'decoy')
    const connection = await connect(hostOf(sshd))
    const sftp = await connection.sftp()
    let swaps = 0
    const files = filesOver(
      {
        ...sftp,
        // There while the file is opened, gone when the path is looked at again.
        open: async (path) => {
          swaps += 1
          await rename(victim, aside)
          await symlink(join(tree.folder, 'outside'), victim)
          const file = await sftp.open(path)
          await unlink(victim)
          await rename(aside, victim)
          return file
        },
      },
      await sftp.realpath(tree.root),
    )
    await fails(content(files, 'swapped/secret.txt'), 'unavailable')
    assert.ok(swaps > 0)
    await connection.end()
    await rm(tree.folder, { recursive: true, force: true })
  })
})

test('more people than a host lets channels be open are all served', { skip: skipSsh }, async () => {
  assert.ok(sshd)
  const { folder, root } = await hostileTree()
  const told: unknown[] = []
  const onTrouble = (error: unknown): void => void told.push(error)
  const system = sftpFileSystem({ path: root, host: hostOf(sshd), answerSeconds: 10, onTrouble })
  const given = new AbortController()
  const read = (signal: AbortSignal) => system.use(signal, (files) => content(files, 'plain.txt'))
  const all = Promise.all(Array.from({ length: 200 }, () => read(never)))
  const waiting = read(given.signal)
  given.abort()
  await fails(waiting, 'aborted')
  assert.deepEqual(new Set(await all), new Set(['hello']))
  assert.deepEqual(told, [])
  await system.close()
  await rm(folder, { recursive: true, force: true })
})

test('a connection that breaks ends what is under way, and the next use has a new one', { skip: skipSsh }, async () => {
  assert.ok(sshd)
  const server = sshd
  const { folder, root } = await hostileTree()
  const told: unknown[] = []
  const onTrouble = (error: unknown): void => void told.push(error)
  const system = sftpFileSystem({ path: root, host: hostOf(server), answerSeconds: 5, onTrouble })
  const broken = system.use(never, (files) =>
    files.read(parsePath('sub/data.bin'), async (file) => {
      for await (const part of file.chunks()) if (part.length > 0) await server.drop()
    }),
  )
  await fails(broken, 'unavailable')
  assert.match(String(told[0]), /lost/)
  assert.equal(await system.use(never, (files) => content(files, 'plain.txt')), 'hello')
  await system.close()
  await rm(folder, { recursive: true, force: true })
})

suite('time', () => {
  test('a call that is stuck holds up nobody: others are told at once, until it returns', async () => {
    const turns = createTurns(0.5)
    const { promise, resolve } = Promise.withResolvers<string>()
    const late: string[] = []
    await fails(
      turns.take(
        () => promise,
        (value) => void late.push(value),
      ),
      'timeout',
    )
    await fails(
      turns.take(async () => 'next'),
      'timeout',
    )
    resolve('late')
    await promise
    for (let tries = 0; tries < 10; tries++) await Promise.resolve()
    assert.deepEqual(late, ['late'])
    assert.equal(await turns.take(async () => 'again'), 'again')
  })

  test('a host that never speaks fails in time, and so does one that is not pinned', { skip: skipSsh }, async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => silent.once('listening', done))
    const { port } = silent.address() as { port: number }
    assert.ok(sshd)
    const told: string[] = []
    const onTrouble = (error: unknown): void => void told.push(String(error))
    const options = { path: '/', answerSeconds: 1, onTrouble }
    const dead = sftpFileSystem({ ...options, host: { ...hostOf(sshd), port, connectTimeout: 1 } })
    const wrong = sftpFileSystem({ ...options, host: { ...hostOf(sshd), hostKeys: [`SHA256:${'A'.repeat(43)}`] } })
    await fails(
      dead.use(never, (files) => files.facts([])),
      'timeout',
    )
    await fails(
      wrong.use(never, (files) => files.facts([])),
      'unavailable',
    )
    assert.match(told.join('\n'), /no connection within 1 s[\s\S]*SHA256:/)
    await Promise.all([dead.close(), wrong.close()])
    silent.close()
  })
})

/** Remote file systems over HTTP: who sees them, datalab's answers, lazy pages, files; hosts that are gone. @module */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { dispositionOf } from '../../../plugins/authz-datalab/remotes/handlers.ts'
import { type DatalabLab, startDatalabLab } from '../../support/datalab-lab.ts'
import { needs } from '../../support/needs.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'

const skip = needs('sshd')
const everyone = { everyone: true }

interface Tree {
  readonly name: string
  readonly type: string
  readonly status: string
  readonly last_updated: string
  readonly truncated?: boolean
  readonly contents: readonly { readonly type: string; readonly name: string; readonly details?: string }[]
}
interface Answer {
  readonly meta: Readonly<Record<string, unknown>>
  readonly data?: unknown
  readonly status?: string
  readonly title?: string
  readonly detail?: string
}

suite('remote file systems', { skip }, () => {
  let lab: DatalabLab
  let folder: string
  let sshd: Sshd
  let silent: Server
  let dials = 0
  const keys: Record<string, string> = {}

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-remotes-'))
    await mkdir(join(folder, 'root', 'run 1'), { recursive: true })
    await mkdir(join(folder, 'empty'))
    await writeFile(join(folder, 'root', 'a.txt'), 'alpha')
    await writeFile(join(folder, 'root', 'page.html'), '<script>alert(1)</script>')
    await writeFile(join(folder, 'root', 'big.bin'), Buffer.alloc(3000))
    await writeFile(join(folder, 'root', 'run 1', 'b.dat'), 'beta')
    await writeFile(join(folder, 'root', 'bell\u0007\n.txt'), 'odd')
    await symlink('/etc/passwd', join(folder, 'root', 'passwd'))
    sshd = await startSshd()
    silent = createServer(() => {
      dials += 1
    }).listen(0, '127.0.0.1')
    await new Promise((done) => silent.once('listening', done))
    const { port } = silent.address() as { port: number }
    const key = join(folder, 'key')
    await writeFile(key, sshd.key, { mode: 0o600 })
    const host = { host: '127.0.0.1', user: sshd.user, hostKeys: [sshd.fingerprint], key: { file: key } }
    const root = join(folder, 'root')
    lab = await startDatalabLab(
      {
        remotes: {
          cacheFolder: join(folder, 'cache'),
          background: false,
          limits: { fileBytes: '2k' },
          fileSystems: [
            { name: 'Shared', path: root, visibleTo: everyone },
            { name: 'Microscope', path: root, ssh: { ...host, port: sshd.port }, visibleTo: { groups: ['imaging'] } },
            { name: 'Una', path: root, visibleTo: { users: ['una'] } },
            { name: 'Fish', path: root, visibleTo: { dataset: { name: 'fish' } } },
            { name: 'Nobody', path: root },
            { name: 'Dead', path: '/', ssh: { ...host, port, connectTimeout: '1s' }, visibleTo: { users: ['dan'] } },
            { name: 'Gone', path: join(folder, 'gone'), visibleTo: { users: ['dan'] } },
            {
              name: 'Wrong',
              path: '/',
              ssh: { ...host, port: sshd.port, hostKeys: [`SHA256:${'A'.repeat(43)}`] },
              visibleTo: { users: ['dan'] },
            },
          ],
        },
      },
      {
        groups: { imaging: { title: 'Imaging', members: ['email:max@lab.example'] } },
        datasets: { fish: { title: 'Fish' } },
        grants: [{ to: 'name:email:fay@lab.example', dataset: 'fish', level: 'view', why: 'test' }],
      },
    )
    for (const name of ['una', 'max', 'fay', 'dan'])
      keys[name] = await lab.key(await lab.person(name), ['datalab:grey'])
  })

  after(async () => {
    await lab?.site.stop()
    silent.close()
    await sshd.close()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = async (path: string, who?: string) => {
    const said = await lab.call('GET', lab.at.grey + path, { key: who === undefined ? undefined : keys[who] })
    return { ...said, body: said.body as Answer }
  }
  const names = async (who: string): Promise<readonly string[]> =>
    ((await ask('/remotes', who)).body.data as readonly Tree[]).map(({ name }) => name)

  test('each person sees those that a rule shows them: everybody’s, their own, their group’s, their dataset’s', async () => {
    assert.deepEqual(await names('una'), ['Shared', 'Una'])
    assert.deepEqual(await names('max'), ['Shared', 'Microscope'])
    assert.deepEqual(await names('fay'), ['Shared', 'Fish'])
  })

  test('one that somebody does not see answers as one that does not exist, on every route', async () => {
    for (const [who, name] of [
      ['max', 'Una'],
      ['una', 'Microscope'],
      ['una', 'Fish'],
      ['una', 'Nobody'],
      ['una', 'Nothing'],
    ] as const)
      for (const rest of ['', '/list', '/file?path=a.txt']) {
        const { status, body } = await ask(`/remotes/${encodeURIComponent(name)}${rest}`, who)
        assert.deepEqual([status, body], [404, { status: 'error', title: 'Not Found', detail: 'No such remote.' }])
      }
  })

  test('without a key it is 401, in datalab’s words', async () => {
    for (const path of ['/remotes', '/remotes/Shared', '/remotes/Shared/list', '/remotes/Shared/file?path=a.txt']) {
      const { status, body } = await ask(path)
      assert.deepEqual([status, body.title], [401, 'Not Authorized'], path)
    }
  })

  test('the list has datalab’s shape, under its old name and below versions too', async () => {
    for (const path of ['/remotes', '/list-remote-directories', '/v0/remotes', '/v0.1.0/list-remote-directories']) {
      const { status, body } = await ask(path, 'fay')
      assert.equal(status, 200)
      assert.deepEqual(body.meta.remotes, [
        { name: 'Shared', hostname: null, path: '/' },
        { name: 'Fish', hostname: null, path: '/' },
      ])
      const trees = body.data as readonly Tree[]
      assert.equal(body.meta.oldest_cache_update, trees.map((tree) => tree.last_updated).toSorted()[0])
    }
    const { body } = await lab.call('GET', `${lab.at.blue}/remotes`, {
      key: await lab.key(await lab.person('eva'), ['datalab:blue']),
    })
    assert.deepEqual(body, { meta: { remotes: [] } }, 'no `data` where none is configured')
  })

  test('one remote is a tree; links are not entered, names are shown safely', async () => {
    const { body } = await ask('/remotes/Microscope', 'max')
    const tree = body.data as Tree
    assert.deepEqual([tree.name, tree.type], ['Microscope', 'toplevel'])
    assert.match(tree.status, /^(updated|cached)$/)
    assert.deepEqual(
      tree.contents.map(({ type, name }) => [type, name]),
      [
        ['file', 'a.txt'],
        ['file', 'bell\\u{7}\\u{a}.txt'],
        ['file', 'big.bin'],
        ['file', 'page.html'],
        ['link', 'passwd'],
        ['directory', 'run 1'],
      ],
    )
    assert.doesNotMatch(JSON.stringify(body), new RegExp(`${folder}|127\\.0\\.0\\.1|${sshd.user}@`))
    assert.equal(((await ask('/remotes/Microscope', 'max')).body.data as Tree).status, 'cached')
  })

  test('invalidate_cache is 0 or 1, once', async () => {
    for (const query of ['2', '', 'true', '01', '1&invalidate_cache=1'])
      for (const path of ['/remotes', '/remotes/Shared'])
        assert.equal((await ask(`${path}?invalidate_cache=${query}`, 'una')).status, 400, query)
    // Younger than the least age: made anew neither way.
    await ask('/remotes/Shared', 'una')
    for (const query of ['0', '1'])
      assert.equal(((await ask(`/remotes/Shared?invalidate_cache=${query}`, 'una')).body.data as Tree).status, 'cached')
  })

  test('a folder comes page by page', async () => {
    for (const [who, name] of [
      ['una', 'Shared'],
      ['max', 'Microscope'],
    ] as const) {
      const seen: string[] = []
      let after: string | null = ''
      for (let pages = 0; after !== null; pages++) {
        assert.ok(pages < 4)
        const query: string = new URLSearchParams({ limit: '2', ...(after === '' ? {} : { after }) }).toString()
        const { body } = await ask(`/remotes/${name}/list?${query}`, who)
        seen.push(...(body.data as { path: string }[]).map(({ path }) => path))
        after = body.meta.next as string | null
      }
      assert.deepEqual(seen, ['a.txt', 'bell\u0007\n.txt', 'big.bin', 'page.html', 'passwd', 'run 1'])
      const below = await ask(`/remotes/${name}/list?path=/run%201/`, who)
      assert.deepEqual(
        [below.body.meta.path, (below.body.data as { path: string; relative_path: string; size: number }[])[0]],
        [
          'run 1',
          { type: 'file', name: 'b.dat', relative_path: '/run 1/', path: 'run 1/b.dat', size: 4, time: timeOf(below) },
        ],
      )
    }
  })
  const timeOf = ({ body }: { body: Answer }) => (body.data as { time: string }[])[0]?.time

  test('no path leads out: not by .., a slash, a NUL, a link', async () => {
    for (const route of ['list', 'file'])
      for (const path of ['..', '../outside', 'run 1/../../x', '//etc', 'a\0b', './a.txt', 'run 1//b.dat'])
        assert.equal((await ask(`/remotes/Shared/${route}?path=${encodeURIComponent(path)}`, 'una')).status, 400, path)
    for (const path of ['passwd', '/etc/passwd', 'run 1/b.dat/x', 'nothing'])
      for (const [who, name] of [
        ['una', 'Shared'],
        ['max', 'Microscope'],
      ] as const)
        for (const route of ['list', 'file']) {
          const { status, text } = await ask(`/remotes/${name}/${route}?path=${encodeURIComponent(path)}`, who)
          assert.ok(status === 404 || (name === 'Microscope' && status === 502), `${name} ${route} ${path}: ${status}`)
          assert.doesNotMatch(text, /root:|labgate-remotes/)
        }
    for (const limit of ['0', '1001', '-1', 'x', '1.5', ''])
      assert.equal((await ask(`/remotes/Shared/list?limit=${limit}`, 'una')).status, 400, limit)
    for (const query of ['', '?path=', '?path=/', '?path=a.txt&path=b'])
      assert.equal((await ask(`/remotes/Shared/file${query}`, 'una')).status, 400, query)
  })

  test('a file is saved and never shown, and the audit trail knows who took it', async () => {
    for (const [who, name] of [
      ['una', 'Shared'],
      ['max', 'Microscope'],
    ] as const) {
      const { status, text, headers } = await ask(`/remotes/${name}/file?path=page.html`, who)
      assert.deepEqual([status, text], [200, '<script>alert(1)</script>'])
      assert.equal(headers.get('content-type'), 'application/octet-stream')
      assert.match(headers.get('content-disposition') ?? '', /^attachment; filename="page\.html"/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.match(headers.get('content-security-policy') ?? '', /sandbox/)
      assert.match(headers.get('cache-control') ?? '', /no-store/)
    }
    const lines = await lab.site.labgate.rooms.get('storage').audit.list({ type: 'dialect.issued', limit: 100 })
    const text = JSON.stringify(lines)
    assert.match(text, /"remote":"Microscope"/)
    assert.match(text, /"file":"page\.html"/)
    const odd = await ask(`/remotes/Shared/file?path=${encodeURIComponent('bell\u0007\n.txt')}`, 'una')
    assert.equal(odd.text, 'odd')
    assert.match(
      odd.headers.get('content-disposition') ?? '',
      /filename="bell__\.txt"; filename\*=UTF-8''bell%07%0A\.txt$/,
    )
  })

  test('a file beyond the limit is refused, and nothing of it is kept', async () => {
    for (const [who, name] of [
      ['una', 'Shared'],
      ['max', 'Microscope'],
    ] as const)
      assert.equal((await ask(`/remotes/${name}/file?path=big.bin`, who)).status, 413)
    const kept = join(folder, 'cache', 'grey', 'files')
    for (const file of await readdir(kept)) assert.ok((await stat(join(kept, file))).size < 1000)
  })

  test('what is kept lies where only Labgate reads it', async () => {
    const cache = join(folder, 'cache', 'grey')
    assert.equal((await stat(cache)).mode & 0o077, 0)
    for (const part of ['files', 'listings'])
      for (const file of await readdir(join(cache, part))) {
        assert.equal((await stat(join(cache, part, file))).mode & 0o077, 0)
        assert.match(file, /^[0-9a-f]{64}$/)
      }
  })

  test('hosts that are gone or not pinned fail in time, inside the tree, and hold up nobody', async () => {
    const order: string[] = []
    const askAs = async (who: string) => {
      const said = await ask('/remotes', who)
      order.push(who)
      return said
    }
    const [dan] = await Promise.all([askAs('dan'), askAs('una')])
    assert.equal(dan.status, 200)
    assert.deepEqual(order, ['una', 'dan'], 'others do not wait')
    const trees = new Map((dan.body.data as readonly Tree[]).map((tree) => [tree.name, tree]))
    assert.notEqual(trees.get('Shared')?.status, 'error')
    for (const [name, words] of [
      ['Dead', /did not answer in time/],
      ['Gone', /no such file or folder/],
      ['Wrong', /cannot be reached/],
    ] as const) {
      const tree = trees.get(name)
      assert.equal(tree?.status, 'error')
      assert.deepEqual([tree?.contents.length, tree?.contents[0]?.type, tree?.contents[0]?.name], [1, 'error', name])
      assert.match(tree?.contents[0]?.details ?? '', words)
    }
    assert.doesNotMatch(dan.text, new RegExp(`SHA256|127\\.0\\.0\\.1|${folder}`))
    // The operator is told what the person is not.
    const log = await readFile(join(lab.site.folder, 'labgate.log'), 'utf8')
    assert.ok(log.includes(sshd.fingerprint))
    assert.doesNotMatch(log, /PRIVATE KEY/)
    const before = dials
    assert.equal(((await ask('/remotes/Dead', 'dan')).body.data as Tree).status, 'error')
    assert.equal(dials, before, 'a host that just failed is left alone')
    assert.equal((await ask('/remotes/Dead/list', 'dan')).status, 504)
    assert.equal((await ask('/remotes/Wrong/file?path=x', 'dan')).status, 502)
  })
})

suite('the config of remote file systems', () => {
  const wrong = async (remotes: Record<string, unknown>, words: RegExp): Promise<void> => {
    await assert.rejects(
      startDatalabLab({ remotes: { cacheFolder: join(tmpdir(), 'labgate-never'), fileSystems: [], ...remotes } }),
      (error: unknown) => {
        assert.match(String(error), words)
        return true
      },
    )
  }
  const one = { name: 'One', path: '/srv' }
  const ssh = { host: 'data.example', user: 'lab', hostKeys: [`SHA256:${'A'.repeat(43)}`] }

  test('a least age over the greatest stops the start', () => wrong({ minAge: '2h', maxAge: '1h' }, /minAge/))
  test('a name twice stops the start', () => wrong({ fileSystems: [one, one] }, /twice/))
  test('a host without a way to sign in stops the start', () =>
    wrong({ fileSystems: [{ ...one, ssh }] }, /neither `key` nor/))
  test('datalab 1.7.13: a host is a name: no scheme, option or second word is taken for one', async () => {
    for (const host of ['ssh://files.lab', '-oProxyCommand=id', 'files.lab;id', 'files.lab -p 1', ''])
      await wrong({ fileSystems: [{ ...one, ssh: { ...ssh, agent: '/run/agent', host } }] }, /ssh\.host/)
  })
  test('a host without pinned keys stops the start', () =>
    wrong({ fileSystems: [{ ...one, ssh: { ...ssh, hostKeys: [] } }] }, /hostKeys/))
  test('a cache folder that cannot be made stops the start', () => wrong({ cacheFolder: '/dev/null/x' }, /cacheFolder/))
  test('a relative root stops the start', () => wrong({ fileSystems: [{ name: 'One', path: 'srv' }] }, /path/))
})

test('a name of a file cannot break out of its header', () => {
  for (const name of ['a"; filename=b', 'x\r\nSet-Cookie: y', 'ü€.txt', "it's (1)*.txt", '\uD800'])
    assert.match(dispositionOf(name), /^attachment; filename="[A-Za-z0-9._ -]*"; filename\*=UTF-8''[A-Za-z0-9%._~-]*$/)
})

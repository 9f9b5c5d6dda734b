/** What is kept of remote file systems, and for how long: datalab's rule, with a clock the test moves. @module */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type AuthzContext, isFault, type Log, secretOf } from '@labgate/contract'
import { systemRandom } from '../../../core/random.ts'
import { createCopies } from '../../../plugins/authz-datalab/remotes/copies.ts'
import {
  type FileSystem,
  type FileTrouble,
  fileFault,
} from '../../../plugins/authz-datalab/remotes/files/file-system.ts'
import { localFileSystem } from '../../../plugins/authz-datalab/remotes/files/local.ts'
import { parsePath } from '../../../plugins/authz-datalab/remotes/files/path.ts'
import { createListings } from '../../../plugins/authz-datalab/remotes/listings.ts'
import { createRemotes } from '../../../plugins/authz-datalab/remotes/remotes.ts'
import { keptFiles } from '../../../plugins/authz-datalab/remotes/store.ts'
import type { Systems } from '../../../plugins/authz-datalab/remotes/systems.ts'
import { tempFolder } from '../../support/program.ts'
import { createTestClock, type OpenedStorage, openSqlite } from '../../support/storage.ts'

const minute = 60
const never = new AbortController().signal
const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
function nothing(): void {
  // logs are another test's business
}

interface Counted extends FileSystem {
  uses: number
  /** What the next uses end in. */
  trouble: FileTrouble | undefined
  /** Waited for before each use. */
  gate: Promise<void>
}

let storage: OpenedStorage
let folder: Awaited<ReturnType<typeof tempFolder>>
before(async () => {
  storage = await openSqlite()
  folder = await tempFolder()
})
after(async () => {
  await storage.close()
  await folder.remove()
})

let made = 0
async function world(identity = 'here') {
  const root = join(folder.path, `world-${made++}`)
  await mkdir(join(root, 'files'), { recursive: true })
  await writeFile(join(root, 'files', 'one.txt'), 'one')
  const clock = createTestClock()
  const real = localFileSystem({ path: join(root, 'files'), answerSeconds: 5 })
  const system: Counted = {
    uses: 0,
    trouble: undefined,
    gate: Promise.resolve(),
    async use(signal, work) {
      system.uses += 1
      await system.gate
      if (system.trouble) throw fileFault(system.trouble)
      return real.use(signal, work)
    },
    close: () => real.close(),
  }
  const systems: Systems = new Map([['Lab', { files: system, identity }]])
  const stop = new AbortController()
  const common = { systems, clock, store: storage.storage.documents(`plugin:${root}`) }
  const listingsOf = (more: { readonly systems?: Systems } = {}) =>
    createListings({
      ...{
        ...common,
        log: quiet,
        stopping: stop.signal,
        kept: keptFiles(join(root, 'listings'), systemRandom),
        ...more,
      },
      ...{ maxAgeSeconds: 60 * minute, minAgeSeconds: minute, limits: { entries: 100, bytes: 10_000, seconds: 10 } },
    })
  const copies = createCopies({
    ...{ ...common, kept: keptFiles(join(root, 'copies'), systemRandom) },
    ...{ maxAgeSeconds: 60 * minute, fileBytes: 1000, cacheBytes: 3000 },
  })
  const get = async (path: string) =>
    (await copies.get({ remote: 'Lab', path: parsePath(path), signal: never })).bytes.toString()
  return { root, clock, system, stop, listings: listingsOf(), listingsOf, copies, get }
}

suite('listings', () => {
  test('are made when there is none, kept, and made anew when older than the greatest age', async () => {
    const { listings, clock, system } = await world()
    assert.equal((await listings.tree('Lab', undefined)).status, 'updated')
    clock.pass(59 * minute)
    assert.equal((await listings.tree('Lab', undefined)).status, 'cached')
    clock.pass(2 * minute)
    assert.equal((await listings.tree('Lab', undefined)).status, 'updated')
    assert.equal(system.uses, 2)
  })

  test('invalidate_cache=0 takes any there is, and makes one where there is none', async () => {
    const { listings, clock } = await world()
    assert.equal((await listings.tree('Lab', false)).status, 'updated')
    clock.pass(1000 * minute)
    const old = await listings.tree('Lab', false)
    assert.deepEqual([old.status, old.last_updated], ['cached', new Date(Date.UTC(2026, 0, 1)).toISOString()])
  })

  test('invalidate_cache=1 makes it anew unless it is younger than the least age', async () => {
    const { listings, clock } = await world()
    await listings.tree('Lab', undefined)
    clock.pass(minute)
    assert.equal((await listings.tree('Lab', true)).status, 'cached')
    clock.pass(1)
    assert.equal((await listings.tree('Lab', true)).status, 'updated')
  })

  test('outlive a restart', async () => {
    const { listings, listingsOf, system } = await world()
    await listings.tree('Lab', undefined)
    const tree = await listingsOf().tree('Lab', undefined)
    assert.deepEqual([tree.status, system.uses], ['cached', 1])
    assert.equal((tree.contents as { name: string }[])[0]?.name, 'one.txt')
  })

  test('of another folder or host do not count, whatever it is called', async () => {
    const { listings, listingsOf, system } = await world()
    await listings.tree('Lab', undefined)
    const moved = listingsOf({ systems: new Map([['Lab', { files: system, identity: 'there' }]]) })
    assert.equal((await moved.tree('Lab', undefined)).status, 'updated')
  })

  test('one that is damaged on disk is made anew', async () => {
    const { listings, root } = await world()
    await listings.tree('Lab', undefined)
    const [file = ''] = await readdir(join(root, 'listings'))
    for (const text of ['', 'no json\n[]', '{"at":"2026-01-01"}\n{', '{"at":5}\n[]']) {
      await writeFile(join(root, 'listings', file), text)
      assert.equal((await listings.tree('Lab', undefined)).status, 'updated', text)
    }
  })

  test('many who ask at once cause one, in one process and in several', async () => {
    const { listings, listingsOf, system } = await world()
    const open = Promise.withResolvers<void>()
    system.gate = open.promise
    const asked = [listings, listings, listingsOf(), listingsOf()].map((one) => one.tree('Lab', undefined))
    await new Promise((done) => setImmediate(done))
    open.resolve()
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    assert.ok(statuses.every((status) => status === 'updated' || status === 'cached'))
    assert.equal(system.uses, 1)
  })

  test('a failure is told inside the tree, and the old listing stays', async () => {
    const { listings, clock, system } = await world()
    const good = await listings.tree('Lab', undefined)
    clock.pass(61 * minute)
    system.trouble = 'timeout'
    const bad = await listings.tree('Lab', undefined)
    assert.deepEqual(
      [bad.status, bad.type, bad.contents],
      ['error', 'toplevel', [{ type: 'error', name: 'Lab', details: 'The file system did not answer in time.' }]],
    )
    const old = await listings.tree('Lab', false)
    assert.deepEqual([old.status, old.contents], ['cached', good.contents])
  })

  test('a file system that failed is left alone for the least age, and asked again then', async () => {
    const { listings, clock, system } = await world()
    system.trouble = 'unavailable'
    for (let asked = 0; asked < 5; asked++) assert.equal((await listings.tree('Lab', true)).status, 'error')
    assert.equal(system.uses, 1)
    system.trouble = undefined
    clock.pass(minute)
    assert.equal((await listings.tree('Lab', undefined)).status, 'updated')
  })

  test('a folder inside that cannot be read has an error in its place, and the rest is listed', async () => {
    const { root, system, listingsOf } = await world()
    await mkdir(join(root, 'files', 'closed'))
    const denied = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(fileFault('denied')) }) }
    const files: FileSystem = {
      close: () => system.close(),
      use: (signal, work) =>
        system.use(signal, (open) =>
          work({ ...open, list: (path) => (path[0] === 'closed' ? denied : open.list(path)) }),
        ),
    }
    const tree = await listingsOf({ systems: new Map([['Lab', { files, identity: 'here' }]]) }).tree('Lab', undefined)
    assert.equal(tree.status, 'updated')
    const [folderNode, file] = tree.contents as { name: string; contents?: unknown[] }[]
    assert.deepEqual(folderNode?.contents, [
      { type: 'error', name: 'closed', details: 'The file system does not let this be read.' },
    ])
    assert.equal(file?.name, 'one.txt')
  })

  test('are made anew in the background before anybody waits for them', async () => {
    const { listings, clock, system } = await world()
    await listings.refresh(30 * minute)
    assert.equal(system.uses, 1)
    clock.pass(29 * minute)
    await listings.refresh(30 * minute)
    assert.equal(system.uses, 1)
    clock.pass(2 * minute)
    await listings.refresh(30 * minute)
    assert.equal(system.uses, 2)
    assert.equal((await listings.tree('Lab', undefined)).status, 'cached')
  })

  test('say that they are cut off, when they come from the cache too', async () => {
    const { listings, root } = await world()
    await Promise.all(Array.from({ length: 150 }, (_, index) => writeFile(join(root, 'files', `f${index}`), '')))
    for (const status of ['updated', 'cached']) {
      const tree = await listings.tree('Lab', undefined)
      const contents = tree.contents as { type: string; details?: string }[]
      assert.deepEqual([tree.status, tree.truncated, contents.at(-1)?.type], [status, true, 'error'])
      assert.match(contents.at(-1)?.details ?? '', /first 100 entries|10000 bytes/)
      assert.ok(contents.length <= 101)
    }
  })

  test('stopping breaks off without a word to the person', async () => {
    const { listings, stop } = await world()
    stop.abort(new Error('stopping'))
    assert.equal((await listings.tree('Lab', undefined)).status, 'error')
    await listings.settled()
  })
})

suite('copies of files', () => {
  test('are fetched once an hour at most, and never older than that', async () => {
    const { get, clock, system, root } = await world()
    assert.equal(await get('one.txt'), 'one')
    await writeFile(join(root, 'files', 'one.txt'), 'two')
    clock.pass(60 * minute)
    assert.equal(await get('/one.txt'), 'one')
    assert.equal(system.uses, 1)
    clock.pass(1)
    assert.equal(await get('one.txt'), 'two')
    assert.equal(system.uses, 2)
  })

  test('an old one is not given out when the file system fails', async () => {
    const { get, clock, system } = await world()
    await get('one.txt')
    clock.pass(61 * minute)
    system.trouble = 'unavailable'
    await assert.rejects(get('one.txt'), (error: unknown) => isFault(error) && error.code === 'ERR_UPSTREAM')
  })

  test('one that came from the future is fetched anew', async () => {
    const { get, clock, system } = await world()
    clock.pass(100 * minute)
    await get('one.txt')
    clock.pass(-50 * minute)
    await get('one.txt')
    assert.equal(system.uses, 2)
  })

  test('many who want one file cause one fetch', async () => {
    const { get, system } = await world()
    assert.deepEqual(await Promise.all([get('one.txt'), get('one.txt'), get('one.txt')]), ['one', 'one', 'one'])
    assert.equal(system.uses, 1)
  })

  test('a file that is replaced by a link is not followed, and what grows beyond the limit is refused', async () => {
    const { get, root } = await world()
    await writeFile(join(root, 'files', 'big'), 'x'.repeat(1001))
    await assert.rejects(get('big'), (error: unknown) => isFault(error) && error.code === 'ERR_TOO_LARGE')
    await rename(join(root, 'files', 'big'), join(root, 'outside'))
    await assert.rejects(get('../outside'), (error: unknown) => isFault(error) && error.code === 'ERR_INPUT')
    await assert.rejects(get('big'), (error: unknown) => isFault(error) && error.code === 'ERR_NOT_FOUND')
  })

  test('together stay below their limit, the oldest go, and none outlives its age', async () => {
    const { get, clock, root, copies } = await world()
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await writeFile(join(root, 'files', name), name.repeat(900))
      assert.equal((await get(name)).length, 900)
      clock.pass(minute)
    }
    assert.equal((await readdir(join(root, 'copies'))).length, 3)
    const [left = ''] = await readdir(join(root, 'copies'))
    await writeFile(join(root, 'copies', `${left}.0000.new`), 'left behind by a crash')
    await utimes(join(root, 'copies', `${left}.0000.new`), new Date(0), new Date(0))
    clock.pass(61 * minute)
    await copies.shrink()
    assert.deepEqual(await readdir(join(root, 'copies')), [])
    await rm(join(root, 'copies'), { recursive: true })
    await copies.shrink()
  })
})

suite('all of them', () => {
  const config = (more: object) => ({
    ...{ cacheFolder: join(folder.path, 'cache'), background: true, answerTime: 5, listingTime: 30 },
    ...{ maxAge: 3600, minAge: 60, fileMaxAge: 3600, fileSystems: [] },
    limits: { entries: 100, treeBytes: 10_000, folderEntries: 100, fileBytes: 1000, cacheBytes: 3000 },
    ...more,
  })
  // What the rest of a context is for, these do not use.
  const contextOf = (id: string) =>
    ({
      ...{ id, clock: createTestClock(), log: quiet, random: systemRandom },
      store: storage.storage.documents(`plugin:${id}`),
    }) as unknown as AuthzContext

  test('start without waiting for a host that is silent, and stop without waiting for it', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = secretOf(String(privateKey.export({ type: 'pkcs1', format: 'pem' })))
    const ssh = {
      ...{ host: '127.0.0.1', port, user: 'lab', hostKeys: [`SHA256:${'A'.repeat(43)}`] },
      ...{ key, jump: [], connectTimeout: 60, keepalive: 15 },
    }
    const { root } = await world()
    const here = { name: 'Here', path: join(root, 'files') }
    const began = performance.now()
    const remotes = createRemotes(contextOf('all'), config({ fileSystems: [here, { name: 'Dead', path: '/', ssh }] }))
    await remotes.start?.()
    const listed = join(folder.path, 'cache', 'all', 'listings')
    while ((await readdir(listed).catch(() => [])).length === 0) assert.ok(performance.now() - began < 30_000)
    await Promise.all([remotes.stop?.(), remotes.stop?.()])
    assert.ok(performance.now() - began < 30_000)
    silent.close()
  })

  test('tell doctor which root is there and which is not', async () => {
    const { root } = await world()
    const fileSystems = [
      { name: 'Here', path: join(root, 'files') },
      { name: 'File', path: join(root, 'files', 'one.txt') },
      { name: 'Gone', path: join(root, 'gone') },
    ]
    const found: boolean[] = []
    for await (const { ok, what, mend } of createRemotes(contextOf('probe'), config({ fileSystems })).probe?.() ?? []) {
      found.push(ok)
      assert.equal(ok, mend === undefined)
      assert.match(what, /remote file system “/)
    }
    assert.deepEqual(found, [true, false, false])
  })
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import Database from 'better-sqlite3'
import { SettingEntity } from '../../../core/storage/entities.ts'
import type { OpenedStorage } from '../../support/storage.ts'
import { openSqlite, testKeys } from '../../support/storage.ts'
import { artifactSuite, memorySuite } from './artifact-suite.ts'
import { storageSuite } from './storage-suite.ts'

artifactSuite('SQLite', openSqlite)
memorySuite('SQLite', openSqlite)
storageSuite('SQLite', openSqlite)

async function withStorage(work: (opened: OpenedStorage) => Promise<unknown>): Promise<void> {
  const opened = await openSqlite()
  try {
    await work(opened)
  } finally {
    await opened.close()
  }
}

suite('an SQLite file', () => {
  test('is made with its folder for the owner alone, in WAL mode', () =>
    withStorage(async ({ file }) => {
      for (const name of [file, `${file}-wal`, `${file}-shm`]) {
        assert.equal((await stat(name)).mode & 0o777, 0o600, name)
      }
      assert.equal((await stat(dirname(file))).mode & 0o777, 0o700)
      const other = new Database(file, { readonly: true })
      assert.equal(other.pragma('journal_mode', { simple: true }), 'wal')
      other.close()
    }))

  test('is refused with keys that are not its own, and opens when a new key stands before the old', () =>
    withStorage(async (opened) => {
      const other = 'another key another key another key another'
      await assert.rejects(opened.reopen({ keys: [other] }), (error: { code?: string; message?: string }) => {
        return error.code === 'ERR_KEYS' && error.message?.includes('put the former key back') === true
      })
      const again = await opened.reopen({ keys: [other, ...testKeys] })
      await assert.rejects(again.reopen({ keys: [other] }), { code: 'ERR_KEYS' })
    }))

  test('that is not migrated is refused with `check`, as is one of a later version', () =>
    withStorage(async (opened) => {
      await opened.storage.close()
      const database = new Database(opened.file)
      database.exec("INSERT INTO migration (name) VALUES ('9999-later')")
      await assert.rejects(opened.reopen(), { code: 'ERR_STORAGE', message: /later Labgate \(9999-later\)/ })
      database.exec("DELETE FROM migration WHERE name = '9999-later' OR name = '0001-first'")
      database.close()
      await assert.rejects(opened.reopen({ migrate: 'check' }), { code: 'ERR_STORAGE', message: /labgate migrate/ })
    }))

  test('that is not there is not made with `check`', async () => {
    const { file, close } = await openSqlite()
    await close()
    const elsewhere = join(dirname(file), 'elsewhere', 'labgate.db')
    await assert.rejects(openSqlite({ file: elsewhere, migrate: 'check' }), (error: Error) =>
      error.message.includes(`there is no ${elsewhere}`),
    )
    assert.ok(!existsSync(dirname(elsewhere)))
  })

  test('that is a text file is refused with its name', async () => {
    const { file, close } = await openSqlite()
    await assert.rejects(
      openSqlite({ file: `${file}/below` }),
      (error: { code?: string; message?: string }) =>
        error.code === 'ERR_STORAGE' && error.message?.includes(file) === true,
    )
    await close()
  })

  test('takes any text for what it is, also one that a statement would end at', () =>
    withStorage(async ({ storage }) => {
      const texts = ['\0', 'a\0b', `'\0'`, "'", "''", '\\', "\\'", '?', '??', '\\?', '"', '`', ':a', '💩\0é']
      for (const [index, value] of texts.entries())
        await storage.transaction((em) => em.insert(SettingEntity, { key: `text.${index}`, value }))
      const em = storage.em()
      for (const [index, value] of texts.entries()) {
        const [row] = await em.find(SettingEntity, { value })
        assert.deepEqual([row?.key, row?.value], [`text.${index}`, value])
        const [found] = await em.execute<{ key: string }[]>('select "key" from setting where value = ? and 1 = ?', [
          value,
          1,
        ])
        assert.equal(found?.key, `text.${index}`)
      }
      assert.equal(await em.count(SettingEntity, { value: { $gt: '\0' }, key: { $like: 'text.%' } }), texts.length - 1)
    }))

  test('notices that another process wrote', () =>
    withStorage(async ({ storage, file }) => {
      const before = storage.dataVersion()
      await storage.settings.set('own', 'write')
      assert.equal(storage.dataVersion(), before)
      const other = new Database(file)
      other.exec("INSERT INTO setting VALUES ('other', 'process')")
      other.close()
      assert.notEqual(storage.dataVersion(), before)
    }))

  test('holds no id and no payload in clear, neither itself nor its log', () =>
    withStorage(async ({ storage, file, clock }) => {
      const secrets = Array.from({ length: 9 }, (_, n) => `secret-${n}-${'abcdefghij'.repeat(3)}`)
      const [code, grant, uid, user, payload, session, provider, key, value] = secrets as [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
      ]
      await storage.artifacts.put({
        model: 'DeviceCode',
        id: code,
        grantId: grant,
        uid,
        userCode: user,
        payload: { payload, grantId: grant },
      })
      await storage.artifacts.put({ model: 'Interaction', id: code, payload: { payload } })
      await storage.artifacts.flush()
      const now = clock.now()
      await storage.sessions.create({
        id: session,
        account: 'a',
        host: 'h',
        idleSeconds: 1,
        endsAt: now,
        remember: false,
        amr: [],
        authTime: now,
        instance: 'i',
        identity: 'i',
        address: 'a',
        userAgent: 'u',
        providerUid: provider,
        data: { value },
      })
      await storage.documents('plugin').put(key, { value }, 60)
      await storage.documents('plugin').count(key, 60)
      const dumps = await Promise.all([file, `${file}-wal`].map((name) => readFile(name)))
      assert.ok(
        dumps.some((dump) => dump.includes('DeviceCode')),
        'the dump holds the rows',
      )
      for (const secret of [...secrets, ...testKeys]) {
        assert.ok(!dumps.some((dump) => dump.includes(secret)), secret)
      }
    }))

  test('opens fast enough for a start under two seconds', () =>
    withStorage(async (opened) => {
      const begin = performance.now()
      const again = await opened.reopen()
      assert.ok(performance.now() - begin < 1_000)
      await again.close()
    }))
})

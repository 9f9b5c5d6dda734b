import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { assemble } from '../../core/assembly.ts'
import { AccountEntity } from '../../core/storage/entities.ts'
import { browser, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'

const house = { kind: 'system', name: 'test' } as const

describe('an API token at a dialect', () => {
  let site: TestLabgate
  let ada: string
  const room = () => site.labgate.rooms.get
  const made: string[] = []
  before(async () => {
    const plugins = {
      email: { use: '@labgate/auth-email' },
      here: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
    }
    site = await startLabgate({ plugins })
    await signInByEmail(site, browser(), { at: `${site.issuer}/account`, email: 'ada@example.org' })
    ada = (await room()('accounts').findByUsername('ada'))?.id ?? assert.fail('ada is not here')
  })
  after(() => site.stop())

  const make = async (account: string, scopes: readonly string[]) => {
    const token = await room()('tokens').create(house, { account, name: 'notebook', scopes })
    made.push(token.value)
    return token
  }
  const ask = (path: string, value: string) =>
    fetch(`${site.issuer}/probe${path}`, { headers: { authorization: `Bearer ${value}` } })
  const whoIs = async (value: string) => {
    const answer = await ask('/api/me', value)
    return answer.status === 200 ? ((await answer.json()) as { username: string }).username : answer.status
  }

  test('speaks for its person, with the scopes it was given and no others (datalab 1.7.12)', async () => {
    assert.deepEqual(Object.keys(room()('tokens').scopes()).toSorted(), ['admin', 'probe', 'probe.write'])
    const { value } = await make(ada, ['probe'])
    const answer = await ask('/api/me', value)
    assert.deepEqual(await answer.json(), {
      username: 'ada',
      via: 'token',
      scopes: ['probe'],
      mayAct: true,
      seen: null,
    })
    const weak = await ask('/api/me', (await make(ada, ['admin', 'probe.write'])).value)
    assert.equal(weak.status, 403)
    assert.match(weak.headers.get('www-authenticate') ?? '', /insufficient_scope.*probe/)
    await assert.rejects(make(ada, ['no-dialect-knows-it']), { code: 'ERR_INPUT' })
  })

  test('speaks for a program as a program, while its person may act', async () => {
    const { id } = await room()('serviceAccounts').create(house, { username: 'robot', displayName: 'R', parent: ada })
    const { value } = await make(id, ['probe'])
    assert.deepEqual(await (await ask('/api/any', value)).json(), { username: 'robot', kind: 'service' })
    await room()('serviceAccounts').change(house, id, { state: 'deactivated' })
    assert.equal((await ask('/api/any', value)).status, 401)
    await room()('serviceAccounts').change(house, id, { state: 'active' })
    await room()('accounts').setState(ada, 'deactivated')
    assert.equal((await ask('/api/any', value)).status, 401)
    await room()('accounts').setState(ada, 'active')
    assert.equal((await ask('/api/any', value)).status, 200)
  })

  test('is asked for with 401, by who reads HTML too, and an address is no place for one (GA4GH 4.2)', async () => {
    const { value } = await make(ada, ['probe', 'admin'])
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(new URL(path, site.issuer), { redirect: 'manual', headers: { accept: 'text/html', ...headers } }))
        .status
    for (const path of ['/probe/api/me', '/oidc/userinfo', '/api/admin/v1/me']) {
      assert.equal(await status(path), 401, path)
      assert.equal(await status(path, { authorization: 'Bearer made-up' }), 401, path)
      for (const name of ['key', 'token', 'access_token'])
        assert.match(String(await status(`${path}?${name}=${value}`)), /^40[01]$/, `${path} ${name}`)
    }
    assert.equal(await status('/probe/api/me', { authorization: `Bearer ${value}` }), 200)
  })

  test('is over at once when another process revokes it or shuts the account out', async () => {
    const [first, second] = [await make(ada, ['probe']), await make(ada, ['probe'])]
    assert.deepEqual([await whoIs(first.value), await whoIs(second.value)], ['ada', 'ada'])
    const other = await assemble(room()('config'), { storage: { migrate: 'check' } })
    try {
      await other.get('tokens').revoke(house, first.token.id)
      assert.deepEqual([await whoIs(first.value), await whoIs(second.value)], [401, 'ada'])
      const storage = other.get('storage')
      await storage.transaction((em) => em.nativeUpdate(AccountEntity, { id: ada }, { state: 'deactivated' }))
      assert.equal(await whoIs(second.value), 401)
      await storage.transaction((em) => em.nativeUpdate(AccountEntity, { id: ada }, { state: 'active' }))
      assert.equal(await whoIs(second.value), 'ada')
    } finally {
      await other.get('storage').close()
    }
  })

  test('tells when it was last used, also when the server stopped a moment later', async () => {
    const { value, token } = await make(ada, ['probe'])
    assert.equal(await whoIs(value), 'ada')
    site = await site.restart()
    const found = await room()('tokens').find(token.id)
    assert.equal(found?.lastUsedAddress, '127.0.0.1')
    assert.ok(Date.now() - (found?.lastUsedAt?.getTime() ?? 0) < 60_000)
    assert.equal(await whoIs(value), 'ada', 'a restart forgets no token')
  })

  test('stands in no log and no file of the database, not even when it came in an address', async () => {
    const value = made[0] ?? assert.fail('no token was made')
    await fetch(`${site.issuer}/probe/api/me?probe_token=${value}`)
    await site.labgate.rooms.get('storage').tokenRows.flush()
    const folder = site.labgate.rooms.get('config').database.file
    const files = [folder, `${folder}-wal`, site.labgate.rooms.get('config').log.file ?? '']
    let read = 0
    for (const file of files) {
      const bytes = await readFile(file).catch(() => undefined)
      if (bytes === undefined) continue
      read++
      for (const one of made) assert.ok(!bytes.includes(one.slice(8)), `${file} holds a token`)
    }
    assert.ok(read >= 2)
  })
})

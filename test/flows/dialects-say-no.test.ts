/**
 * What ends for everybody ends at each dialect: a dataset that is closed, a program whose person is shut out, an account that
 * was erased or merged into another.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Fact } from '@labgate/contract'
import { freePort, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { startNgauth, statusOf } from '../support/ngauth-world.ts'
import { send } from '../support/outer-app.ts'

const house = { kind: 'system', name: 'test' } as const
/** As much of the answers as is looked at. */
interface Said {
  readonly permissions_v2?: Readonly<Record<string, readonly string[]>>
  readonly permissions_v2_ignore_tos?: Readonly<Record<string, readonly string[]>>
}
const scopes = ['cave', 'gateway', 'datalab:grey', 'admin']

describe('at CAVE, a gateway and a datalab', () => {
  let [site, folder, port]: [TestLabgate, string, number] = [undefined as unknown as TestLabgate, '', 0]
  const room = () => site.labgate.rooms.get
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-no-'))
    await mkdir(join(folder, 'root'))
    port = await freePort()
    const host = `127.0.0.1:${port}`
    const remotes = {
      ...{ cacheFolder: join(folder, 'cache'), background: false },
      fileSystems: [{ name: 'Fish', path: join(folder, 'root'), visibleTo: { dataset: { name: 'fish' } } }],
    }
    const datalab = { identifierPrefix: 'grey', appUrl: 'http://grey.example', remotes }
    site = await startLabgate(
      {
        proxies: ['127.0.0.1'],
        datasets: {
          fish: {
            tables: [{ namespace: 'datastack', name: 'fish_table' }],
            publicRoots: [{ namespace: 'datastack', name: 'fish_table', roots: ['7'] }],
          },
        },
        grants: [{ to: 'signed-in', dataset: 'fish', level: 'view', why: 'for everybody here' }],
        plugins: {
          email: { use: '@labgate/auth-email' },
          cave: { use: '@labgate/authz-cave' },
          grey: { use: '@labgate/authz-datalab', prefix: '/grey', config: datalab },
          maps: {
            ...{ use: '@labgate/authz-gateway', host, prefix: '/.labgate' },
            config: { rules: [{ path: '/data/:dataset/**', dataset: ':dataset' }, { path: '/**' }] },
          },
        },
      },
      { port },
    )
  })
  after(async () => {
    await site?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const person = async (name: string, role: 'user' | 'admin' = 'user') => {
    const facts: Fact[] = [
      { claim: 'preferred_username', value: name, trust: 'asserted' },
      { claim: 'name', value: `${name} Example`, trust: 'asserted' },
      { claim: 'email', value: `${name}@lab.example`, trust: 'verified' },
    ]
    const id = await room()('storage').transaction((em) =>
      room()('accounts').createIn(em, { facts, state: 'active', role }),
    )
    return { id, token: await tokenOf(id) }
  }
  const tokenOf = async (account: string) =>
    (await room()('tokens').create(house, { account, name: 'a test', scopes })).value
  const numberOf = async (id: string) => (await room()('accounts').find(id))?.numericId ?? 0
  const hexOf = async (id: string) => `6c61626761746500${(await numberOf(id)).toString(16).padStart(8, '0')}`

  const cave = async (token: string, path: string) => {
    const headers = { authorization: `Bearer ${token}`, 'x-requested-with': 'test' }
    const answer = await fetch(`${site.issuer}/auth/api/v1/${path}`, { headers })
    return { status: answer.status, json: answer.status === 200 ? ((await answer.json()) as Said) : undefined }
  }
  const datalab = async (token: string, path: string, how: { method?: string; json?: unknown } = {}) => {
    const answer = await fetch(`${site.issuer}/grey${path}`, {
      method: how.method ?? 'GET',
      headers: { 'datalab-api-key': token, 'content-type': 'application/json' },
      ...(how.json === undefined ? {} : { body: JSON.stringify(how.json) }),
    })
    const text = await answer.text()
    return { status: answer.status, text }
  }
  const gateway = async (token: string, target: string) => {
    const headers = { host: `127.0.0.1:${port}`, authorization: `Bearer ${token}` }
    const told = { 'x-forwarded-uri': target, 'x-forwarded-method': 'GET' }
    return (await send(port, { path: '/.labgate/check', headers: { ...headers, ...told } })).status
  }
  /** What each of them says about the dataset. */
  const seen = async (token: string) => {
    const { json } = await cave(token, 'user/cache')
    const [one, all] = [
      await cave(token, 'table/fish_table/root/7/is_public'),
      await cave(token, 'table/fish_table/has_public'),
    ]
    return {
      cave: [json?.permissions_v2?.fish, json?.permissions_v2_ignore_tos?.fish, one.json, all.json],
      gateway: await gateway(token, '/data/fish/x'),
      datalab: (await datalab(token, '/remotes/Fish/list')).status,
    }
  }

  test('a dataset that is closed is closed everywhere, its public objects too, for admins too', async () => {
    const open = { cave: [['view'], ['view'], true, true], gateway: 200, datalab: 200 }
    const closed = { cave: [undefined, undefined, false, false], gateway: 403, datalab: 404 }
    const [ada, root] = [await person('ada'), await person('root', 'admin')]
    const { datasets } = room()('ledger')
    for (const { token } of [ada, root]) assert.deepEqual(await seen(token), open)
    // One of the config file is closed there; here past it.
    await room()('storage').transaction((em) =>
      em.execute(`update dataset set source = 'database' where slug = 'fish'`),
    )
    await datasets.change(house, 'fish', { frozen: 'a mistake in it' })
    for (const { token } of [ada, root]) assert.deepEqual(await seen(token), closed)
    await datasets.change(house, 'fish', { frozen: null })
    for (const { token } of [ada, root]) assert.deepEqual(await seen(token), open)
  })

  test('a program ends with its person, at once and everywhere, and comes back with them', async () => {
    const boss = await person('boss')
    const { id } = await room()('serviceAccounts').create(house, {
      username: 'robot',
      displayName: 'Robot',
      parent: boss.id,
    })
    const robot = await tokenOf(id)
    const say = async () => [
      (await cave(robot, 'user/cache')).status,
      await gateway(robot, '/x'),
      (await datalab(robot, '/get-current-user/')).status,
      (await datalab(robot, '/remotes')).status,
    ]
    assert.deepEqual(await say(), [200, 200, 200, 200])
    await room()('accounts').setState(boss.id, 'deactivated')
    assert.deepEqual(await say(), [401, 401, 401, 401])
    // What others are told of it is no right either.
    const root = await person('root2', 'admin')
    const { json } = await cave(root.token, `service_account/${await numberOf(id)}/permissions`)
    assert.deepEqual(json?.permissions_v2, {})
    const of = await cave(root.token, `user/${await numberOf(boss.id)}/permissions`)
    assert.deepEqual(of.json?.permissions_v2 ?? {}, {})
  })

  test('who was erased or merged is nobody: no token, no name, no group, no role', async () => {
    const [root, gone, from, into] = [
      await person('root3', 'admin'),
      await person('gone'),
      await person('from'),
      await person('into'),
    ]
    await room()('groups').create(house, { slug: 'team', title: 'Team' })
    const group = `6c61626761746500${((await room()('groups').find('team'))?.numericId ?? 0).toString(16).padStart(8, '0')}`
    await room()('life').erase(house, gone.id)
    await room()('life').merge(house, from.id, into.id)
    for (const { id, token } of [gone, from]) {
      assert.equal((await cave(token, 'user/cache')).status, 401)
      assert.equal(await gateway(token, '/x'), 401)
      assert.equal((await datalab(token, '/get-current-user/')).status, 401)
      const hex = await hexOf(id)
      for (const [method, path, json] of [
        ['PATCH', `/users/${hex}`, { account_status: 'active' }],
        ['PATCH', `/users/${hex}`, { display_name: 'Back' }],
        ['PATCH', `/roles/${hex}`, { role: 'admin' }],
        ['PUT', `/groups/${group}`, { user_id: hex }],
        ['PATCH', `/users/${await hexOf(into.id)}/managers`, { managers: [hex] }],
        ['PATCH', `/groups/${group}`, { managers: [hex] }],
      ] as const) {
        const { status, text } = await datalab(root.token, path, { method, json })
        assert.ok(status >= 400 && status < 500, `${method} ${path} ${JSON.stringify(json)}: ${status} ${text}`)
      }
      assert.equal((await room()('accounts').find(id))?.role, 'user')
      const grant = { subject: { kind: 'account', account: id }, dataset: 'fish', level: 'view' } as const
      await assert.rejects(room()('ledger').grants.add(house, grant), { code: 'ERR_NOT_FOUND' })
      const { text } = await datalab(root.token, '/users')
      assert.ok(!text.includes(hex), 'not listed')
      assert.ok(!(await datalab(into.token, '/search-users/?query=Example')).text.includes(hex), 'not found')
    }
    const { json: erased } = await cave(into.token, `username?id=${await numberOf(gone.id)}`)
    assert.deepEqual(erased, [])
  })
})

test('at ngauth: a closed dataset and an account that was merged get no credential by a token from before', async () => {
  const ledger = {
    datasets: { fish: { places: [{ bucket: 'gs://fish-bucket' }] } },
    grants: [{ to: 'signed-in', dataset: 'fish', level: 'view', why: 'for everybody here' }],
  }
  const world = await startNgauth({ ledger, buckets: ['fish-bucket'] })
  try {
    const { get } = world.site.labgate.rooms
    const [ada, ben] = [await world.signedIn('ada'), await world.signedIn('ben')]
    const say = async ({ client, token }: typeof ada) => statusOf(await client.credential(token, 'fish-bucket'))
    assert.deepEqual([await say(ada), await say(ben)], [200, 200])
    await get('storage').transaction((em) => em.execute(`update dataset set source = 'database' where slug = 'fish'`))
    await get('ledger').datasets.change(house, 'fish', { frozen: 'a mistake in it' })
    assert.deepEqual([await say(ada), await say(ben)], [403, 403])
    await get('ledger').datasets.change(house, 'fish', { frozen: null })
    await get('life').merge(house, await world.idOf('ada'), await world.idOf('ben'))
    assert.deepEqual([await say(ada), await say(ben)], [401, 200])
  } finally {
    await world.stop()
  }
})

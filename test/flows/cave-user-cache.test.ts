import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type GoldenLab, startGoldenLab } from '../support/golden-lab.ts'
import { middleAuthService } from '../support/middle-auth-client.ts'

const golden = JSON.parse(readFileSync(join(import.meta.dirname, '../golden/authz-cave.json'), 'utf8'))
const house = { kind: 'system', name: 'test' } as const
const viewer = 'http://viewer.example'

type Answer = Response | Promise<Response>

async function objectOf(answer: Answer) {
  return (await (await answer).json()) as Record<string, unknown>
}

async function listOf(answer: Answer) {
  return (await (await answer).json()) as Record<string, unknown>[]
}

describe('a CAVE service at Labgate', () => {
  let lab: GoldenLab
  const tokens: Record<string, string> = {}
  const at = (path: string) => `${lab.site.issuer}${path}`

  before(async () => {
    lab = await startGoldenLab({ cave: { use: '@labgate/authz-cave', config: { viewers: [viewer] } } })
    const room = lab.site.labgate.rooms.get('tokens')
    for (const name of ['ada', 'ben', 'cleo', 'dan', 'eve', 'pipeline'] as const) {
      const made = await room.create(house, { account: lab.ids[name], name, scopes: ['cave'] })
      tokens[name] = made.value
    }
    tokens.scopeless = (await room.create(house, { account: lab.ids.ben, name: 'none', scopes: [] })).value
  })
  after(() => lab?.site.stop())

  const ask = (path: string, name: string | undefined, more: RequestInit = {}) =>
    fetch(at(path), {
      ...more,
      redirect: 'manual',
      // A browser that opens an address says neither; see the tests of browsers.
      headers: {
        'x-requested-with': 'XMLHttpRequest',
        ...(name === undefined ? {} : { authorization: `Bearer ${tokens[name]}` }),
        ...more.headers,
      },
    })
  const service = (name?: string) =>
    middleAuthService({
      base: at('/auth'),
      sticky: at('/sticky_auth'),
      ...(name === undefined ? {} : { serviceToken: tokens[name] ?? '' }),
    })

  test('hears who holds a token, with every key, below both prefixes', async () => {
    for (const prefix of ['/auth', '/sticky_auth'])
      for (const name of ['ada', 'ben', 'cleo', 'dan', 'eve', 'pipeline']) {
        const answer = await ask(`${prefix}/api/v1/user/cache`, name)
        assert.equal(answer.status, 200)
        assert.equal(answer.headers.get('content-type'), 'application/json')
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
        assert.equal(await answer.text(), JSON.stringify(golden[name]))
      }
  })

  test('a token is taken from the header, a cookie or the query, by either name', async () => {
    const path = '/auth/api/v1/user/cache'
    for (const key of ['middle_auth_token', 'dsg_token']) {
      const [byCookie, byQuery] = [{ headers: { cookie: `${key}=${tokens.dan}` } }, `${path}?${key}=${tokens.dan}`]
      assert.equal((await objectOf(ask(path, undefined, byCookie))).id, 4)
      assert.equal((await objectOf(ask(byQuery, undefined))).id, 4)
      const cookieFirst = `${path}?${key}=${tokens.ben}`
      assert.equal((await objectOf(ask(cookieFirst, undefined, byCookie))).id, 4)
      assert.equal((await objectOf(ask(cookieFirst, 'dan'))).id, 4)
      assert.equal((await ask(path, 'dan', byCookie)).status, 200, 'the same token twice is no conflict')
      const conflict = await ask(path, 'ben', byCookie)
      assert.equal(conflict.status, 401)
      assert.equal((await objectOf(conflict)).error, 'invalid_token')
    }
  })

  test('what is wrong with a token is said in bytes and headers that clients parse', async () => {
    const realm = `Bearer realm="${at('/sticky_auth/api/v1/authorize')}"`
    const path = '/auth/api/v1/user/cache'
    const rows = [
      [{}, 401, '{"error":"no_token","message":"Unauthorized - No Token Provided"}', realm],
      [
        { authorization: 'Bearer 00112233445566778899aabbccddeeff' },
        401,
        '{"error":"invalid_token","message":"Unauthorized - Token is Invalid or Expired"}',
        `${realm}, error="invalid_token", error_description="Invalid/Expired Token"`,
      ],
      [
        { authorization: `Basic ${tokens.dan}` },
        400,
        `{"error":"bad_auth_header","message":"Authorization header must begin with 'Bearer'"}`,
        `${realm}, error="invalid_request", error_description="Header must begin with 'Bearer'"`,
      ],
    ] as const
    for (const [headers, status, body, challenge] of rows) {
      const answer = await ask(path, undefined, { headers })
      assert.deepEqual([answer.status, await answer.text()], [status, body])
      assert.equal(answer.headers.get('content-type'), 'application/json')
      assert.equal(answer.headers.get('www-authenticate'), challenge)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.match(answer.headers.get('access-control-expose-headers') ?? '', /WWW-Authenticate/)
    }
    assert.equal((await ask(path, 'scopeless')).status, 403, 'a token for something else')
  })

  test('asks for permissions as middle_auth_client does', async () => {
    const { ask: may } = service('pipeline')
    assert.deepEqual(await may(tokens.dan, { permission: 'edit', table: 'fish2_prod' }), { status: 200 })
    assert.deepEqual(await may(tokens.dan, { permission: 'view', table: 'fish2_em', namespace: 'aligned_volume' }), {
      status: 200,
    })
    assert.equal((await may(tokens.eve, { permission: 'view', table: 'fish2_prod' })).error, 'missing_permission')
    assert.equal((await may(tokens.ada, { permission: 'view', table: 'fish2_prod' })).error, 'missing_permission')
    assert.deepEqual(await may(tokens.cleo, { permission: 'view', table: 'fanc_production' }), {
      status: 403,
      error: 'missing_tos',
      data: {
        tos_id: 18,
        tos_name: 'FANC terms',
        tos_form_url: at('/sticky_auth/api/v1/tos/18/accept'),
      },
    })
    assert.equal((await may(tokens.dan, { permission: 'view', table: 'nowhere' })).error, 'invalid_table_id')
    assert.equal((await may(undefined, { permission: 'view', table: 'fish2_prod' })).error, 'no_token')
    assert.equal((await may('made-up', { permission: 'view', table: 'fish2_prod' })).error, 'invalid_token')
  })

  test('anybody sees public roots, told apart to the last digit, and all of them by one word', async () => {
    const { ask: may, allPublic } = service('pipeline')
    const [root, neighbour, last] = ['720575940621039145', '720575940621039146', '18446744073709551615']
    const view = { permission: 'view', table: 'fish2_prod' }
    assert.equal((await may(undefined, { ...view, root })).status, 200)
    assert.equal((await may(undefined, { ...view, root: neighbour })).status, 401)
    assert.equal((await may(undefined, { ...view, root: last })).status, 200)
    assert.equal((await may(undefined, { ...view, permission: 'edit', root })).status, 401)
    assert.equal(await allPublic('fish2_prod', [root, last]), true)
    assert.equal(await allPublic('fish2_prod', [root, neighbour]), false)
    assert.equal(await allPublic('fish2_prod', ['18446744073709551616']), false)
    const post = (body: string) =>
      ask('/auth/api/v1/table/fish2_prod/root_all_public', 'pipeline', { method: 'POST', body })
    const none = await post('[]')
    assert.deepEqual([none.status, await none.json()], [400, { error: 'missing_root_ids' }])
    for (const body of ['', '{}', '["1"x', '[[1]]']) assert.equal((await post(body)).status, 400, body)
    assert.equal(await (await post('[7.2e17, -1]')).json(), false)
    const roots = await ask('/auth/api/v1/table/fish2_prod/get_public_roots', 'pipeline')
    assert.equal(await roots.text(), `[${root},${last}]`)
    assert.equal(await (await ask('/auth/api/v1/table/fish2_prod/has_public', 'dan')).json(), true)
    assert.equal(await (await ask('/auth/api/v1/table/fanc_production/has_public', 'dan')).json(), false)
    assert.equal((await ask('/auth/api/v1/table/fish2_prod/has_public', undefined)).status, 401)
  })

  test('names and groups of others, as much as who asks may know', async () => {
    const trusted = service('pipeline')
    await lab.site.labgate.rooms.get('accounts').setRole(lab.ids.ada, 'admin')
    assert.equal((await objectOf(ask('/auth/api/v1/user/cache', 'ada'))).admin, true)
    assert.equal(await trusted.userName(4), 'Dan Tracer')
    const dan = await trusted.lookUp(tokens.dan ?? '', 'kept')
    assert.ok(dan)
    assert.equal(await trusted.sharesGroup(dan, 3), true)
    assert.equal(await trusted.sharesGroup(dan, 2), false)
    const names = await ask('/auth/api/v1/username?id=1,4,99,x', 'dan')
    assert.deepEqual(await names.json(), [
      { id: 1, name: 'Ada Admin' },
      { id: 4, name: 'Dan Tracer' },
    ])
    assert.deepEqual(await (await ask('/auth/api/v1/user?id=3', 'dan')).json(), [
      { id: 3, service_account: false, name: 'Cleo Lead' },
    ])
    for (const path of ['user?name=Cleo', 'user?email=cleo', 'user/3/permissions', 'group/11/user']) {
      const answer = await ask(`/auth/api/v1/${path}`, 'dan')
      assert.deepEqual([answer.status, await answer.text()], [403, 'Requires admin privilege.'], path)
    }
    const [byLead] = await listOf(ask('/auth/api/v1/user?name=dan', 'cleo'))
    assert.deepEqual([byLead?.name, byLead?.email], ['Dan Tracer', undefined])
    const [byAdmin] = await listOf(ask('/auth/api/v1/user?email=dan%40lab', 'ada'))
    assert.deepEqual([byAdmin?.id, byAdmin?.email, byAdmin?.admin], [4, 'dan@lab.example', false])
    assert.deepEqual(await (await ask('/auth/api/v1/group/11/user', 'cleo')).json(), [
      { id: 3, name: 'Cleo Lead', admin: true },
      { id: 4, name: 'Dan Tracer', admin: false },
      { id: 5, name: 'Eve Newcomer', admin: false },
    ])
    for (const id of ['9', '11', '13', '99999', '0', 'x'])
      assert.equal((await ask(`/auth/api/v1/user/${id}/permissions`, 'ada')).status, 404, id)
  })

  test('a grant that ends is gone at the next look', async () => {
    const { ask: may } = service('pipeline')
    const { grants } = lab.site.labgate.rooms.get('ledger')
    const subject = { kind: 'account', account: lab.ids.eve } as const
    const grant = await grants.add(house, { subject, dataset: 'fish2', level: 'view' })
    assert.equal((await may(tokens.eve, { permission: 'view', table: 'fish2_prod' })).status, 200)
    await grants.end(house, grant.id)
    const { permissions_v2 } = await objectOf(ask('/auth/api/v1/user/cache', 'eve'))
    assert.ok(permissions_v2 && !Object.hasOwn(permissions_v2 as object, 'fish2'))
  })

  test('no route is found by another spelling of its path', async () => {
    const port = Number(new URL(lab.site.issuer).port)
    for (const path of ['/auth/auth/api/v1/user/cache', '/x/y/auth/api/v1/user/cache', '/api/v1/user/cache']) {
      const status = await new Promise((done, fail) => {
        const sent = request({ port, path, headers: { authorization: `Bearer ${tokens.ben}` } }, (answer) => {
          answer.resume()
          done(answer.statusCode)
        })
        sent.on('error', fail).end()
      })
      assert.equal(status, 404, path)
    }
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DatalabApiError, DuplicateItemError, datalabClient } from '../support/datalab-client.ts'
import { apps, type DatalabLab, startDatalabLab } from '../support/datalab-lab.ts'

type Json = Readonly<Record<string, never>>

describe('datalab', () => {
  let lab: DatalabLab
  const ids: Record<string, string> = {}
  const keys: Record<string, string> = {}
  let grey = ''

  before(async () => {
    lab = await startDatalabLab({
      deployment: {
        maintainer: { displayName: 'Mia Keeper', contactEmail: 'mia@lab.example' },
        homepage: 'https://lab.example/',
      },
      blocks: [{ id: 'xrd', name: 'Diffraction', acceptedFileExtensions: ['.xrdml'] }],
      types: [{ id: 'samples', schema: { title: 'Sample' } }],
    })
    grey = lab.at.grey
    for (const name of ['root', 'una', 'max', 'pen', 'dee', 'zoe'])
      ids[name] = await lab.person(name, { role: name === 'root' ? 'admin' : 'user' })
    for (const name of Object.keys(ids)) keys[name] = await lab.key(ids[name] ?? '', ['datalab:grey'])
    keys.rootAdmin = await lab.key(ids.root ?? '', ['datalab:grey', 'admin'])
    await lab.setState(ids.pen ?? '', 'pending')
    await lab.setState(ids.dee ?? '', 'deactivated')
  })
  after(() => lab?.site.stop())

  const as = (method: string, path: string, who?: string, json?: unknown) =>
    lab.call(method, grey + path, { key: who === undefined ? undefined : keys[who], json })

  test('an unmodified client finds the API, checks it and knows whose key it has', async () => {
    const client = await datalabClient(`${grey}/`, { GREY_DATALAB_API_KEY: `'${keys.una}'` })
    assert.equal(client.url, grey)
    assert.deepEqual([client.prefix, client.keyVariable], ['grey', 'GREY_DATALAB_API_KEY'])
    const person = await client.authenticate()
    assert.deepEqual(person, {
      type: 'people',
      immutable_id: await lab.idOf(ids.una ?? ''),
      display_name: 'Una Example',
      gravatar_hash: person.gravatar_hash,
      contact_email: 'una@lab.example',
      identities: [
        {
          identity_type: 'email',
          identifier: 'una@lab.example',
          name: 'Una Example',
          verified: true,
          display_name: 'Una Example',
        },
      ],
      managers: [],
      groups: [],
      role: 'user',
      account_status: 'active',
      last_modified: null,
      relationships: null,
    })
    const blue = await datalabClient(`${lab.at.blue}`, {
      DATALAB_API_KEY: await lab.key(ids.una ?? '', ['datalab:blue']),
    })
    assert.deepEqual([blue.url, blue.prefix], [lab.at.blue, 'blue'])
    assert.equal((await blue.authenticate()).immutable_id, person.immutable_id)
  })

  test('its errors have the classes that the client makes of statuses', async () => {
    const client = await datalabClient(grey, { DATALAB_API_KEY: keys.una ?? '' })
    const raised = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => assert.fail('nothing was raised'),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof DatalabApiError && !(error instanceof DuplicateItemError), String(error))
      return [error.status, error.message] as const
    }
    const [forbidden, why] = await raised(client.request('GET', '/users'))
    assert.equal(forbidden, 403)
    assert.doesNotMatch(why, /undefined/)
    assert.equal((await raised(client.request('GET', '/info/types/nothing')))[0], 404)
    assert.equal((await raised(client.request('PATCH', '/users/x', { json: {} })))[0], 403)
    const stranger = await datalabClient(grey, { DATALAB_API_KEY: 'made-up' })
    const [unknown, said] = await raised(stranger.authenticate())
    assert.deepEqual([unknown, said.includes('User must be authenticated.')], [401, true])
  })

  for (const version of ['', '/v0', '/v0.1', '/v0.1.0'])
    test(`everything stands below “${version}”`, async () => {
      assert.equal((await as('GET', `${version}/info`)).status, 200)
      assert.equal((await as('GET', `${version}/get-current-user/`, 'una')).status, 200)
      const bare = await as('GET', `${version}/get-current-user?x=1`, 'una')
      assert.deepEqual([bare.status, bare.headers.get('location')], [308, `${grey}${version}/get-current-user/?x=1`])
      assert.deepEqual((await as('GET', `${version}/get-current-user/`)).body, {
        status: 'failure',
        message: 'User must be authenticated.',
      })
      assert.deepEqual((await as('GET', `${version}/users`)).body, { error: 'Unauthorized' })
    })

  test('/info tells of the deployment', async () => {
    const { body } = await as('GET', '/info')
    const { data, meta, links } = body as Record<string, Record<string, Json>>
    const { timestamp, ...attributes } = (data?.attributes ?? {}) as Record<string, unknown>
    assert.ok(Date.parse(String(timestamp)) > 0)
    assert.deepEqual(attributes, {
      query: '',
      api_version: '0.1.0',
      available_api_versions: ['0.1.0'],
      server_version: '0.7.5',
      datamodel_version: '0.7.5',
      maintainer: { display_name: 'Mia Keeper', dislay_name: 'Mia Keeper', contact_email: 'mia@lab.example' },
      issue_tracker: null,
      homepage: 'https://lab.example/',
      source_repository: null,
      identifier_prefix: 'grey',
      features: {
        auth_mechanisms: { github: true, orcid: false, email: true, google: false, microsoft: false },
        ai_integrations: { openai: false, anthropic: false },
        email_notifications: true,
      },
      max_upload_bytes: 10_000_000_000,
    })
    assert.deepEqual([data?.id, data?.type, meta?.api_version, links?.self], ['/', 'info', '0.1.0', `${grey}/info`])
    const blocks = (await as('GET', '/info/blocks')).body as { data: unknown[] }
    assert.deepEqual(blocks.data, [
      {
        id: 'xrd',
        type: 'block_type',
        attributes: { name: 'Diffraction', description: '', version: '0.1.0', accepted_file_extensions: ['.xrdml'] },
      },
    ])
    const one = (await as('GET', '/info/types/samples')).body as { data: unknown }
    const type = { version: '0.7.5', api_version: '0.1.0', schema: { title: 'Sample' } }
    assert.deepEqual(one.data, { id: 'samples', type: 'item_type', attributes: type })
    assert.deepEqual(((await as('GET', '/info/types')).body as { data: unknown[] }).data, [one.data])
    for (const path of ['/healthcheck/is_alive', '/healthcheck/is_ready'])
      assert.deepEqual((await as('GET', path)).body, { status: 'success' })
  })

  test('who is not known, waits or is shut out gets 401 everywhere; who is no admin 403 where admins are asked for', async () => {
    const una = await lab.idOf(ids.una ?? '')
    const max = await lab.idOf(ids.max ?? '')
    const known: [string, string, unknown?][] = [
      ['GET', '/get-current-user/'],
      ['GET', '/info/stats'],
      ['GET', '/info/user-activity'],
      ['GET', '/search-users/?query=una'],
      ['GET', '/search/users/?query=una'],
      ['GET', '/search/users?query=una'],
      ['GET', '/search/groups?query=x'],
      ['GET', `/users/${una}/activity`],
      ['PATCH', `/users/${una}`, {}],
    ]
    const keysOnly: [string, string, unknown?][] = [
      ['GET', '/api-keys'],
      ['POST', '/api-keys', { name: 'x' }],
      ['DELETE', '/api-keys/x'],
    ]
    const admins: [string, string, unknown?][] = [
      ['GET', '/users'],
      ['PATCH', `/roles/${max}`, { role: 'user' }],
      ['PATCH', `/users/${max}/managers`, { managers: [] }],
      ['GET', '/groups'],
      ['PUT', '/groups', { group_id: 'no' }],
      ['PATCH', `/groups/${max}`, {}],
      ['DELETE', `/groups/${max}`],
      ['PUT', `/groups/${max}`, { user_id: una }],
      ['DELETE', `/groups/${max}/members/${una}`],
    ]
    for (const [method, path, json] of [...known, ...keysOnly, ...admins])
      for (const who of [undefined, 'pen', 'dee']) {
        const { status, body } = await as(method, path, who, json)
        assert.equal(status, 401, `${method} ${path} ${who}`)
        if (admins.some(([, one]) => one === path)) assert.deepEqual(body, { error: 'Unauthorized' }, path)
      }
    for (const [method, path, json] of known) {
      const { status, text } = await as(method, path, 'una', json)
      assert.equal(status, 200, `${method} ${path}: ${text}`)
    }
    for (const [method, path, json] of keysOnly) assert.equal((await as(method, path, 'una', json)).status, 403, path)
    for (const [method, path, json] of admins) {
      const { status, body } = await as(method, path, 'una', json)
      assert.deepEqual([status, (body as Json).error], [403, 'Insufficient privileges'], `${method} ${path}`)
      // An admin's key that was not made for administration is an ordinary one.
      if (method !== 'GET' && !path.startsWith('/groups/'))
        assert.equal((await as(method, path, 'root', json)).status, 403, `${method} ${path}`)
    }
    assert.equal((await as('PATCH', `/users/${max}`, 'una', {})).status, 403)
    assert.equal((await as('GET', `/users/${max}/activity`, 'una')).status, 403)
  })

  test('searches tell names and ids, never addresses, and find nobody by one', async () => {
    const { body } = await as('GET', '/search/users/?query=EXAMPLE&nresults=2', 'una')
    const { users } = body as { users: Record<string, unknown>[] }
    assert.equal(users.length, 2)
    for (const user of users)
      assert.deepEqual(Object.keys(user).toSorted(), ['display_name', 'gravatar_hash', 'immutable_id'])
    const all = (await as('GET', '/search-users/?query=e', 'una')).body as { users: { display_name: string }[] }
    const names = all.users.map(({ display_name }) => display_name)
    assert.ok(names.includes('Max Example') && !names.includes('Pen Example') && !names.includes('Dee Example'))
    const byAddress = (await as('GET', '/search-users/?query=max@lab.example', 'una')).body
    assert.deepEqual(byAddress, { status: 'success', users: [] })
    for (const path of [
      '/search-users/',
      '/search/users/?query=',
      '/search/groups',
      '/search/groups?query=x&nresults=no',
    ])
      assert.equal((await as('GET', path, 'una')).status, 400, path)
  })

  test('people change their name, and their address to one that is proved', async () => {
    const zoe = await lab.idOf(ids.zoe ?? '')
    const change = (json: unknown, who = 'zoe') => as('PATCH', `/users/${zoe}`, who, json)
    assert.deepEqual((await change({ display_name: 'Zoë' })).body, {
      status: 'success',
      message: 'User updated successfully',
    })
    assert.equal(((await as('GET', '/get-current-user/', 'zoe')).body as Json).display_name, 'Zoë')
    assert.deepEqual((await change({})).body, { status: 'success', message: 'No update to perform.' })
    for (const bad of [
      { display_name: 'x'.repeat(151) },
      { display_name: 7 },
      { contact_email: 'nobody' },
      { contact_email: 'una@lab.example' },
      { contact_email: 'zoe@elsewhere.example' },
      { account_status: 'unverified' },
      { account_status: 'best' },
    ])
      assert.equal((await change(bad)).status, 400, JSON.stringify(bad))
    assert.equal((await lab.call('PATCH', `${grey}/users/${zoe}`, { key: keys.zoe, body: '{' })).status, 400)
    await change({ contact_email: null })
    assert.equal(((await as('GET', '/get-current-user/', 'zoe')).body as Json).contact_email, null)
    assert.equal((await change({ contact_email: 'ZOE@lab.example' })).status, 200)
    assert.equal(((await as('GET', '/get-current-user/', 'zoe')).body as Json).contact_email, 'zoe@lab.example')
    assert.equal((await change({ account_status: 'deactivated' })).status, 403, 'not one’s own state')
    assert.equal((await change({ display_name: 'Zoe Example' }, 'rootAdmin')).status, 200)
    assert.equal((await change({ account_status: 'deactivated' }, 'rootAdmin')).status, 200)
    assert.equal((await as('GET', '/get-current-user/', 'zoe')).status, 401)
    assert.equal((await change({ account_status: 'active' }, 'rootAdmin')).status, 200)
    const nobody = await as('PATCH', `/users/${'f'.repeat(24)}`, 'rootAdmin', { display_name: 'X' })
    assert.equal(nobody.status, 404)
  })

  test('admins see everybody with role, groups and managers', async () => {
    const { status, body } = await as('GET', '/users', 'rootAdmin')
    assert.equal(status, 200)
    const { data } = body as { data: Record<string, unknown>[] }
    const states = Object.fromEntries(data.map((one) => [one.display_name, one.account_status]))
    assert.deepEqual(
      [states['Pen Example'], states['Dee Example'], states['Una Example']],
      ['unverified', 'deactivated', 'active'],
    )
    const root = data.find((one) => one.display_name === 'Root Example')
    assert.deepEqual(
      [root?.role, root?.contact_email, root?.groups, root?.managers],
      ['admin', 'root@lab.example', [], []],
    )
  })

  test('a role is one of three; the first one is new', async () => {
    const max = await lab.idOf(ids.max ?? '')
    const set = (json: unknown, id = max) => as('PATCH', `/roles/${id}`, 'rootAdmin', json)
    assert.deepEqual((await set({ role: 'manager' })).status, 201)
    assert.deepEqual((await set({ role: 'manager' })).body, { status: 'success', message: 'No update was performed' })
    assert.deepEqual([(await set({ role: 'user' })).status, (await set({ role: 'king' })).status], [200, 400])
    assert.deepEqual([(await set({})).status, (await set({ role: 'user' }, 'f'.repeat(24))).status], [400, 404])
    const root = await lab.idOf(ids.root ?? '')
    assert.equal((await set({ role: 'user' }, root)).status, 400, 'the last admin stays one')
    const program = await lab.site.labgate.rooms
      .get('serviceAccounts')
      .create({ kind: 'system', name: 'test' }, { username: 'robot', displayName: 'Robot', parent: ids.root })
    assert.equal((await set({ role: 'admin' }, await lab.idOf(program.id))).status, 404, 'programs are nobody here')
  })

  test('managers are a tree: no circle, nobody above themselves', async () => {
    const [una, max, zoe] = await Promise.all(['una', 'max', 'zoe'].map((name) => lab.idOf(ids[name] ?? '')))
    const set = (id: string | undefined, managers: unknown) =>
      as('PATCH', `/users/${id}/managers`, 'rootAdmin', { managers })
    assert.deepEqual((await set(una, [max])).body, { status: 'success' })
    assert.deepEqual((await set(max, [zoe])).status, 200)
    assert.deepEqual(((await as('GET', '/get-current-user/', 'una')).body as Json).managers, [max])
    assert.equal((await set(zoe, [una])).status, 400, 'a circle of three')
    assert.equal((await set(max, [max])).status, 400, 'oneself')
    for (const [bad, status] of [
      ['x', 400],
      [['x'], 400],
      [['f'.repeat(24)], 404],
      [undefined, 400],
    ] as const)
      assert.equal((await set(una, bad)).status, status, JSON.stringify(bad))
    assert.equal((await set('f'.repeat(24), [])).status, 404)
    assert.deepEqual(((await as('GET', '/get-current-user/', 'una')).body as Json).managers, [max])
    await set(una, [])
    await set(max, [])
  })

  test('groups are made, changed, filled and removed', async () => {
    const [una, max] = await Promise.all(['una', 'max'].map((name) => lab.idOf(ids[name] ?? '')))
    const make = (json: unknown) => as('PUT', '/groups', 'rootAdmin', json)
    for (const bad of [
      {},
      { group_id: 'Not here' },
      { group_id: 'x'.repeat(41) },
      { group_id: 'ok', managers: 'x' },
      { group_id: 'ok', managers: ['f'.repeat(24)] },
      { group_id: 'ok', display_name: '' },
      { group_id: 'ok', description: 7 },
    ])
      assert.equal((await make(bad)).status, 400, JSON.stringify(bad))
    const made = await make({ group_id: 'xray', display_name: 'X-ray', description: 'Beams', managers: [max] })
    const { group_immutable_id: group, status } = made.body as Json
    assert.deepEqual([made.status, status], [200, 'success'])
    assert.match(group ?? '', /^[0-9a-f]{24}$/)
    assert.equal((await make({ group_id: 'xray', display_name: 'Again' })).status, 400, 'taken')
    const add = (user: unknown, at: unknown = group) => as('PUT', `/groups/${at}`, 'rootAdmin', { user_id: user })
    assert.deepEqual([(await add(una)).status, (await add(una)).status], [200, 304])
    assert.equal((await add(una)).text, '')
    assert.deepEqual([(await add(undefined)).status, (await add('f'.repeat(24))).status], [400, 400])
    assert.equal((await add(una, 'f'.repeat(24))).status, 404)
    const mine = ((await as('GET', '/get-current-user/', 'una')).body as Json).groups
    assert.deepEqual(mine, [{ immutable_id: group, display_name: 'X-ray', group_id: 'xray' }])
    const found = (await as('GET', '/search/groups?query=ray', 'max')).body
    const told = { type: 'groups', immutable_id: group, display_name: 'X-ray', group_id: 'xray', description: 'Beams' }
    assert.deepEqual(found, { status: 'success', data: [told] })
    const { data } = (await as('GET', '/groups', 'rootAdmin')).body as {
      data: Record<string, { immutable_id: string }[]>[]
    }
    assert.deepEqual(data[0]?.members?.map((one) => one.immutable_id).toSorted(), [una, max].toSorted())
    assert.deepEqual(
      data[0]?.managers?.map((one) => one.immutable_id),
      [max],
    )
    const change = (json: unknown, at: unknown = group) => as('PATCH', `/groups/${at}`, 'rootAdmin', json)
    assert.equal((await change({ display_name: 'Röntgen', managers: [una] })).status, 200)
    assert.deepEqual([(await change({ group_id: 'other' })).status, (await change({}, 'x')).status], [400, 404])
    const leave = (user: unknown) => as('DELETE', `/groups/${group}/members/${user}`, 'rootAdmin')
    assert.deepEqual([(await leave(una)).status, (await leave(una)).status], [200, 304])
    const managers = (await lab.site.labgate.rooms.get('groups').find('xray'))?.managers
    assert.deepEqual(managers, [], 'who is taken out looks after it no longer')
    const remove = () => as('DELETE', `/groups/${group}`, 'rootAdmin')
    assert.deepEqual([(await remove()).status, (await remove()).status], [200, 404])
  })

  test('keys are made, listed and ended in a browser, and open this datalab alone', async () => {
    const cookies = await lab.session('una@lab.example')
    const at = (method: string, path: string, json?: unknown) =>
      lab.call(method, grey + path, { cookie: cookies.grey, json })
    assert.equal((await at('GET', '/get-current-user/')).status, 200)
    const made = await at('POST', '/api-keys', { name: 'notebook' })
    const { key, name } = made.body as Record<string, string>
    assert.deepEqual([made.status, name], [200, 'notebook'])
    assert.equal((await at('POST', '/api-keys', { name: ' ' })).status, 400)
    assert.equal((await at('POST', '/api-keys', {})).status, 400)
    assert.equal((await lab.call('GET', `${grey}/get-current-user/`, { key })).status, 200)
    assert.equal((await lab.call('GET', `${lab.at.blue}/get-current-user/`, { key })).status, 403, 'another datalab')
    const listed = ((await at('GET', '/api-keys')).body as { api_keys: Record<string, string>[] }).api_keys
    const mine = listed.find((one) => one.name === 'notebook')
    assert.deepEqual(Object.keys(mine ?? {}).toSorted(), [
      ...['_id', 'created_at', 'digest', 'expires_at', 'name', 'type', 'version'],
    ])
    assert.ok(!JSON.stringify(listed).includes(key ?? ''))
    assert.ok(Date.parse(mine?.expires_at ?? '') > Date.now(), 'it ends')
    const other = await lab.call('GET', `${lab.at.blue}/api-keys`, { cookie: cookies.blue })
    const names = (other.body as { api_keys: { name: string }[] }).api_keys.map((one) => one.name)
    assert.ok(!names.includes('notebook'), 'nothing of it is seen there')
    const stolen = await lab.call('DELETE', `${lab.at.blue}/api-keys/${mine?._id}`, { cookie: cookies.blue })
    assert.equal(stolen.status, 404, 'nor ended from there')
    const { grey: cookie } = await lab.session('somebody-else@lab.example')
    const foreign = await lab.call('DELETE', `${grey}/api-keys/${mine?._id}`, { cookie })
    assert.equal(foreign.status, 404, 'nor by somebody else')
    const seen = await lab.call('GET', `${grey}/api-keys`, { cookie })
    assert.deepEqual(seen.body, { api_keys: [] })
    const gone = await at('DELETE', `/api-keys/${mine?._id}`)
    assert.deepEqual([gone.status, gone.text], [204, ''])
    assert.equal((await at('DELETE', `/api-keys/${mine?._id}`)).status, 404)
    assert.equal((await lab.call('GET', `${grey}/get-current-user/`, { key })).status, 401)
  })

  test('a session acts for the application and its own pages, for no other site', async () => {
    const { grey: cookie } = await lab.session('una@lab.example')
    const from = (origin: string, site: string) =>
      lab.call('POST', `${grey}/api-keys`, {
        cookie,
        json: { name: 'from a script' },
        headers: { origin, 'sec-fetch-site': site },
      })
    const own = await from(apps.grey, 'same-site')
    assert.equal(own.status, 200)
    assert.equal(own.headers.get('access-control-allow-origin'), apps.grey)
    assert.equal(own.headers.get('access-control-allow-credentials'), 'true')
    for (const origin of ['http://blue.example', 'http://evil.example', 'http://grey.example.evil.example', 'null']) {
      const other = await from(origin, 'cross-site')
      assert.equal(other.status, 401, origin)
      assert.equal(other.headers.get('access-control-allow-origin'), '*')
      assert.equal(other.headers.get('access-control-allow-credentials'), null)
    }
    const before = await fetch(`${grey}/api-keys`, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://elsewhere.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-other',
      },
    })
    assert.equal(before.headers.get('access-control-allow-headers'), 'Content-Type, DATALAB-API-KEY')
    assert.equal(before.headers.get('access-control-allow-origin'), '*')
  })

  test('who owes something gets words in JSON, and is sent nowhere', async () => {
    const { terms } = lab.site.labgate.rooms.get('ledger')
    const house = { kind: 'system', name: 'test' } as const
    await terms.add(house, { id: 'grey-terms', title: 'Of grey', services: ['grey'], markdown: '# Be kind' })
    const { grey: cookie, blue } = await lab.session('zoe@lab.example')
    for (const [method, path] of [
      ['GET', '/get-current-user/'],
      ['POST', '/api-keys'],
    ] as const) {
      const said = await lab.call(method, grey + path, { cookie, json: method === 'POST' ? { name: 'x' } : undefined })
      assert.deepEqual([said.status, (said.body as Json).status], [403, 'error'], path)
    }
    assert.equal((await lab.call('GET', `${lab.at.blue}/get-current-user/`, { cookie: blue })).status, 200)
    await terms.retire(house, 'grey-terms')
    assert.equal((await lab.call('GET', `${grey}/get-current-user/`, { cookie })).status, 200)
  })

  test('every sign-in ends at the application, whatever was asked', async () => {
    const begun = await as('GET', '/login/github?next=http://evil.example')
    const to = new URL(begun.headers.get('location') ?? '')
    assert.deepEqual([begun.status, to.origin, to.pathname], [303, lab.site.issuer, '/oidc/auth'])
    assert.equal(to.searchParams.get('labgate_sign_in'), 'github')
    const done = await as('GET', '/login/done?next=http://evil.example')
    assert.deepEqual([done.status, done.headers.get('location')], [303, `${apps.grey}/`])
    const blue = await lab.call('GET', `${lab.at.blue}/login/done`)
    assert.equal(blue.headers.get('location'), apps.blue)
    for (const name of ['orcid', 'microsoft', 'constructor', 'email2'])
      assert.equal((await as('GET', `/login/${name}`)).status, 404, name)
    assert.equal((await as('GET', '/login/github/authorized?code=x&state=y')).status, 410)
  })

  test('signing out asks first, then ends the session here and at the issuer', async () => {
    const cookies = await lab.session('max@lab.example')
    const page = await lab.call('GET', `${grey}/logout`, { cookie: cookies.grey })
    assert.equal(page.status, 200)
    assert.equal((await lab.call('GET', `${grey}/get-current-user/`, { cookie: cookies.grey })).status, 200)
    const form = { body: 'out=yes', cookie: cookies.grey }
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    await lab.call('POST', `${grey}/logout`, { ...form, headers: { ...type, origin: 'http://evil.example' } })
    assert.equal((await lab.call('GET', `${grey}/get-current-user/`, { cookie: cookies.grey })).status, 200)
    const out = await lab.call('POST', `${grey}/logout`, { ...form, headers: type })
    assert.deepEqual([out.status, out.headers.get('location')], [303, `${apps.grey}/`])
    assert.equal((await lab.call('GET', `${grey}/get-current-user/`, { cookie: cookies.grey })).status, 401)
    assert.equal((await lab.call('GET', `${lab.at.blue}/get-current-user/`, { cookie: cookies.blue })).status, 401)
    assert.equal((await as('GET', '/logout')).status, 303)
  })
})

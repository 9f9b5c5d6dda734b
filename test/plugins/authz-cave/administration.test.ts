import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CaveWorld, startCave } from './world.ts'

const house = { kind: 'system', name: 'test' } as const

type Row = Record<string, unknown>

describe('the administration of middle_auth', () => {
  let cave: CaveWorld
  const { stringify: json } = JSON
  const room = () => cave.site.labgate.rooms.get
  const well = <T = unknown>(who: string, call: string, body?: unknown) => cave.well<T>(who, call, body)
  const said = async (who: string | undefined, call: string, body?: unknown) => {
    const { status, text } = await cave.ask(who, call, body)
    return [status, text]
  }
  const success = async (who: string, call: string, body?: unknown) =>
    assert.deepEqual(await said(who, call, body), [200, '"success"'], call)
  const numberOf = (name: string) => cave.numbers[name] ?? assert.fail(name)
  const accountOf = (name: string) => room()('accounts').find(cave.ids[name] ?? '')

  before(async () => {
    const questions = [
      { id: 'pi', label: 'Your PI', type: 'text' },
      { id: 'gdpr_consent', label: 'May we?', type: 'choice', options: [{ value: 'yes', label: 'Yes' }] },
    ]
    cave = await startCave({ permissions: ['segment'] }, { profile: { questions } })
    await cave.person('root', 'admin')
    for (const name of ['dana', 'mira', 'plain', 'sam']) await cave.person(name)
    const { grants, datasets } = room()('ledger')
    await datasets.create(house, { slug: 'worm', title: 'Worm' })
    await grants.add(house, {
      subject: { kind: 'account', account: cave.ids.dana ?? '' },
      dataset: 'worm',
      level: 'admin',
    })
  })
  after(() => cave?.site.stop())

  test('groups are made, found by number and filled', async () => {
    await success('root', 'POST group', { name: 'tracers' })
    assert.deepEqual(await said('root', 'POST group', { name: 'tracers' }), [422, 'Group already exists.'])
    assert.deepEqual(await said('root', 'POST group', {}), [400, 'Missing name.'])
    for (const name of ['', 'No Such Slug', 'x:y', 7, 'a'.repeat(65)])
      assert.equal((await said('root', 'POST group', { name }))[0], 400, json(name))
    const [group] = await well<[{ id: number }]>('root', 'group?name=trac')
    numbers.tracers = group.id
    assert.deepEqual(await well('root', `group/${group.id}`), { id: group.id, name: 'tracers' })
    assert.deepEqual(await said('root', 'group/99999'), [404, "Group doesn't exist"])
    assert.deepEqual(
      await said('root', `group/${numberOf('sam')}`),
      [404, "Group doesn't exist"],
      'a number of a person',
    )
    for (const name of ['mira', 'sam'])
      await success('root', `POST group/${group.id}/user`, { user_id: numberOf(name) })
    await success('root', `PUT group/${group.id}/user/${numberOf('mira')}`, { admin: true })
    const both = ['mira', 'sam'].map((name) => ({
      ...{ id: numberOf(name), name: `${name} of the lab`, admin: name === 'mira' },
    }))
    for (const who of ['root', 'mira', 'mira cave', 'dana'])
      assert.deepEqual(await well(who, `group/${group.id}/user`), both, who)
    assert.deepEqual(await well('mira', `group/${group.id}/admin`), [{ id: numberOf('mira'), name: 'mira of the lab' }])
    assert.deepEqual(await well('root', `user/${numberOf('sam')}/group`), [{ id: group.id, name: 'tracers' }])
    const again = { user_id: numberOf('sam') }
    assert.deepEqual(await said('mira', `POST group/${group.id}/user`, again), [422, 'User already belongs to group.'])
    assert.deepEqual(await said('mira', `POST group/${group.id}/user`, {}), [400, 'Missing user_id.'])
    assert.deepEqual(await said('mira', `POST group/${group.id}/user`, { user_id: group.id }), [
      404,
      "User doesn't exist",
    ])
  })
  const numbers: Record<string, number> = {}
  const tracers = () => numbers.tracers ?? assert.fail()

  test('managers of a group fill it, and only site admins name managers', async () => {
    const at = `group/${tracers()}/user`
    await success('mira', `POST ${at}`, { user_id: numberOf('plain') })
    assert.deepEqual((await accountOf('plain'))?.groups, ['tracers'])
    await success('mira', `DELETE ${at}/${numberOf('plain')}`)
    assert.deepEqual(await said('mira', `DELETE ${at}/${numberOf('plain')}`), [404, "User doesn't belong to group"])
    const self = `${at}/${numberOf('mira')}`
    assert.deepEqual(await said('mira', `DELETE ${self}`), [403, 'Only superadmins can remove group admins.'])
    assert.equal((await said('mira', `PUT ${at}/${numberOf('sam')}`, { admin: true }))[0], 403)
    await success('mira', `PUT ${at}/${numberOf('sam')}`, { admin: false })
    assert.deepEqual(await said('mira', `PUT ${at}/${numberOf('sam')}`, { admin: 'x' }), [
      ...[400, 'admin must be true or false.'],
    ])
    for (const [who, call] of [
      ['dana', `POST ${at}`],
      ['plain', `POST ${at}`],
      ['sam', `DELETE ${self}`],
      ['dana', 'POST group/99999/user'],
    ] as const)
      assert.deepEqual(await said(who, call, { user_id: numberOf('plain') }), [403, 'Requires group admin privilege.'])
    assert.deepEqual(await said('plain', at), [403, 'Requires admin privilege.'])
    assert.deepEqual(await said('mira', 'POST group', { name: 'mine' }), [403, 'Requires superadmin privilege.'])
  })

  test('datasets are made, and groups given permissions on them', async () => {
    const made = await well<{ id: number }>('root', 'POST dataset', { name: 'fish', tos_id: null })
    assert.deepEqual(made, { id: made.id, name: 'fish', tos_id: null })
    numbers.fish = made.id
    const fish = `dataset/${made.id}`
    assert.deepEqual(await said('root', 'POST dataset', { name: 'fish', tos_id: null }), [
      422,
      'dataset already exists.',
    ])
    assert.deepEqual(await said('root', 'POST dataset', {}), [400, 'Missing fields: name, tos_id.'])
    assert.deepEqual(await said('root', 'POST dataset', { name: '', tos_id: null }), [400, 'name cannot be blank.'])
    assert.equal((await said('root', 'POST dataset', { name: 'x', tos_id: 3 }))[0], 422)
    assert.deepEqual(await said('root', 'dataset/99999'), [404, "dataset doesn't exist"])
    assert.deepEqual(await said('root', `dataset/${tracers()}`), [404, "dataset doesn't exist"], 'a number of a group')
    await success('root', `PUT ${fish}`, { name: 'fish', tos_id: null })
    assert.equal((await said('root', `PUT ${fish}`, { name: 'other' }))[0], 422)
    const group_id = tracers()
    await success('root', `POST ${fish}/group`, { group_id, permission_ids: [1, 2] })
    await success('root', `POST ${fish}/group`, { group_id, permission_ids: ['3'] })
    const segment = (await well<Row[]>('plain cave', 'permission?name=seg'))[0]?.id
    await success('root', `POST ${fish}/group`, { group_id, permission_ids: [segment] })
    const again = await cave.ask('root', `POST ${fish}/group`, { group_id, permission_ids: [1] })
    assert.deepEqual([again.status, again.text], [422, '"Dataset already includes group with permission."'])
    assert.deepEqual(await said('root', `POST ${fish}/group`, {}), [400, '"Missing group_id."'])
    assert.equal((await said('root', `POST ${fish}/group`, { group_id, permission_ids: [2, 99] }))[0], 404)
    assert.equal((await said('root', `POST ${fish}/group`, { group_id: made.id, permission_ids: [] }))[0], 404)
    const rows = ['view', 'edit', 'manage', 'segment'].map((permission, index) => ({ permission, index }))
    const held = rows.map(({ permission, index }) => ({ permission, permission_id: index < 3 ? index + 1 : segment }))
    assert.deepEqual(
      await well('root', `${fish}/group`),
      held.map((one) => ({ id: group_id, name: 'tracers', ...one })),
    )
    assert.deepEqual(
      await well('root', `group/${group_id}/dataset`),
      held.map((one) => ({ id: made.id, name: 'fish', ...one })),
    )
    const { permissions_v2 } = await well<{ permissions_v2: Row }>('sam cave', 'user/cache')
    assert.deepEqual(permissions_v2, { fish: ['edit', 'manage', 'segment', 'view'] })
    await success('root', `DELETE ${fish}/group/${group_id}/permission/3`)
    await success('root', `DELETE ${fish}/group/${group_id}/permission/3`)
    const left = await well<{ permissions_v2: Row }>('sam cave', 'user/cache')
    assert.deepEqual(left.permissions_v2, { fish: ['edit', 'segment', 'view'] })
  })

  test('admins of a dataset keep it, and who they are is for site admins to say', async () => {
    const fish = `dataset/${numbers.fish}`
    await success('root', `POST ${fish}/admin`, { user_id: numberOf('mira') })
    assert.deepEqual(await said('root', `POST ${fish}/admin`, { user_id: numberOf('mira') }), [
      ...[422, 'User is already an admin of this dataset.'],
    ])
    assert.deepEqual(await said('root', `POST ${fish}/admin`, {}), [400, 'Missing user_id.'])
    assert.deepEqual(await said('root', `POST ${fish}/admin`, { user_id: tracers() }), [404, "User doesn't exist"])
    assert.deepEqual(await well('mira', `${fish}/admin`), [{ id: numberOf('mira'), name: 'mira of the lab' }])
    assert.deepEqual(await well('mira', 'dataset'), [{ id: numbers.fish, name: 'fish', tos_id: null }])
    assert.deepEqual(await well('plain', 'dataset'), [])
    assert.equal((await well<Row[]>('root', 'dataset')).length, 2)
    const me = await well<Row>('mira cave', 'user/me')
    assert.deepEqual(me.admin_datasets, [{ id: numbers.fish, name: 'fish' }])
    const group_id = tracers()
    await success('mira', `POST ${fish}/group`, { group_id, permission_ids: [3] })
    assert.equal((await said('mira', `POST ${fish}/group`, { group_id, permission_ids: [4] }))[0], 403, 'admin level')
    assert.equal((await said('mira', `POST ${fish}/admin`, { user_id: numberOf('sam') }))[0], 403)
    for (const call of [`${fish}/admin`, `${fish}/group`, `POST ${fish}/group`, 'dataset/99999/group'])
      assert.deepEqual(await said('dana', call, call.startsWith('POST') ? { group_id } : undefined), [
        ...[403, 'Requires dataset admin privilege.'],
      ])
    assert.deepEqual(await said('dana', fish), [404, "dataset doesn't exist"])
    const end = `DELETE ${fish}/admin/${numberOf('mira')}`
    assert.deepEqual(await said('mira', end), [403, 'Requires superadmin privilege.'])
    await success('root', end)
    assert.deepEqual(await well('root', `${fish}/admin`), [])
    assert.deepEqual(await said('mira', `${fish}/admin`), [403, 'Requires dataset admin privilege.'])
  })

  test('tables lead to datasets, and two made at once are both kept', async () => {
    const at = (table: string, dataset = 'fish') => `service/datastack/table/${table}/dataset/${dataset}`
    await Promise.all(['a', 'b', 'c', 'd'].map((table) => success('root', `POST ${at(table)}`)))
    for (const table of ['a', 'b', 'c', 'd'])
      assert.equal(await well('plain cave', `service/datastack/table/${table}/dataset`), 'fish')
    assert.deepEqual(await said('root', `POST ${at('a')}`), [422, 'Table mapping already exists.'])
    assert.deepEqual(await said('root', `POST ${at('a', 'worm')}`), [422, 'Table mapping already exists.'])
    assert.deepEqual(await said('root', `POST ${at('e', 'nowhere')}`), [404, 'Dataset does not exist.'])
    assert.deepEqual(await said('root', `DELETE ${at('a', 'nowhere')}`), [404, 'Dataset does not exist.'])
    await success('root', `DELETE ${at('a', 'worm')}`)
    assert.equal(
      await well('plain cave', 'service/datastack/table/a/dataset'),
      'fish',
      'it was not a table of that one',
    )
    await success('root', `DELETE ${at('a')}`)
    assert.deepEqual(await said('plain cave', 'service/datastack/table/a/dataset'), [
      ...[404, 'No dataset for given service and table names'],
    ])
    assert.deepEqual(await said('dana', `POST ${at('z', 'worm')}`), [403, 'Requires superadmin privilege.'])
    assert.deepEqual(await said('dana', `DELETE ${at('b')}`), [403, 'Requires superadmin privilege.'])
  })

  test('terms are added to a dataset, told and changed; what was accepted goes on counting', async () => {
    const dataset_id = (await well<[{ id: number; name: string }]>('dana', 'dataset'))[0].id
    const text = '# Cite us'
    const made = await well<{ id: number }>('dana', 'POST tos', { name: 'Wörm terms', text, dataset_id })
    assert.deepEqual(made, { id: made.id, name: 'Wörm terms', text })
    assert.deepEqual(await well('dana', `tos/${made.id}`), made)
    assert.deepEqual(await well('dana', 'tos?name=terms'), [made])
    assert.deepEqual(await well('dana', `dataset/${dataset_id}`), { id: dataset_id, name: 'worm', tos_id: made.id })
    const { grants, terms } = room()('ledger')
    await grants.add(house, { subject: { kind: 'signed-in' }, dataset: 'worm', level: 'view' })
    const named = { dataset_id, dataset_name: 'worm', tos_id: made.id, tos_name: 'Wörm terms' }
    assert.deepEqual(await well('sam cave', 'user/missing'), [named])
    const [own] = (await terms.list({ limit: 10, dataset: 'worm', datasets: undefined })).rows
    const actor = { kind: 'account', account: cave.ids.sam ?? '' } as const
    await terms.accept(actor, { terms: own?.id ?? '', digest: own?.text.digest ?? '' })
    await success('dana', `PUT tos/${made.id}`, { name: 'Worm terms', text: '# Cite us, please' })
    assert.deepEqual(await well('root', `tos/${made.id}`), {
      ...{ id: made.id, name: 'Worm terms', text: '# Cite us, please' },
    })
    assert.deepEqual(await well('sam cave', 'user/missing'), [])
    assert.deepEqual(await well('root', `user/${numberOf('sam')}/tos`), [{ id: made.id, name: 'Worm terms' }])
    assert.deepEqual(await said('dana', 'POST tos', { name: 'x' }), [400, 'Missing fields: text.'])
    assert.deepEqual(await said('dana', 'POST tos', { name: 'x', text: '' }), [400, 'text cannot be blank.'])
    assert.equal((await said('dana', 'POST tos', { name: 'x', text }))[0], 403, 'terms of the whole site')
    assert.equal((await said('mira', 'POST tos', { name: 'x', text, dataset_id }))[0], 404, "somebody else's dataset")
    assert.deepEqual(await said('dana', `tos/${numberOf('dana')}`), [404, "tos doesn't exist"])
    assert.deepEqual(await said('mira', `tos/${made.id}`), [404, "tos doesn't exist"])
    assert.deepEqual(await said('plain', 'tos'), [403, 'Requires admin privilege.'])
  })

  test('permissions have the numbers of middle_auth, and names that the config gives', async () => {
    const all = await well<{ id: number; name: string }[]>('plain cave', 'permission')
    assert.deepEqual(
      all.map(({ name }) => name),
      ['view', 'edit', 'manage', 'admin', 'segment'],
    )
    assert.deepEqual(all.slice(0, 2), [
      { id: 1, name: 'view' },
      { id: 2, name: 'edit' },
    ])
    assert.deepEqual(await well('dana', `permission/${all[4]?.id}`), all[4])
    assert.deepEqual(await said('dana', 'permission/77'), [404, "permission doesn't exist"])
    assert.deepEqual(await said('root', 'POST permission', { name: 'view' }), [422, 'permission already exists.'])
    assert.equal((await said('root', 'POST permission', { name: 'new' }))[0], 422)
    await success('root', 'PUT permission/2', { name: 'edit' })
    assert.equal((await said('root', 'PUT permission/2', { name: 'write' }))[0], 422)
    assert.deepEqual(await said('dana', 'POST permission', { name: 'new' }), [403, 'Requires superadmin privilege.'])
    assert.deepEqual(await said('plain', 'permission/1'), [403, 'Requires admin privilege.'])
  })

  test('service accounts are made for who makes them, given tokens, put into groups and shut out', async () => {
    const made = await well<{ id: number; name: string }>('root', 'POST service_account', { name: 'Mesh Robot 7' })
    assert.deepEqual(Object.keys(made), ['id', 'service_account', 'name', 'created', 'pi', 'affiliations'])
    const at = `service_account/${made.id}`
    assert.deepEqual(await said('root', 'POST service_account', { name: 'mesh robot 7' }), [
      ...[422, 'Service Account with name already exists.'],
    ])
    assert.deepEqual(await said('root', 'POST service_account', {}), [400, 'Missing fields: name.'])
    assert.equal((await said('root', 'POST service_account', { name: '???' }))[0], 400)
    const full = await well<Row>('root', at)
    assert.equal(full.parent_id, numberOf('root'))
    assert.equal((full.parent as Row).name, 'root of the lab')
    assert.equal((await said('root', `${at}/token`))[0], 404)
    const value = await well<string>('root', `POST ${at}/token`, { description: 'nightly' })
    assert.match(value, /^lgs_/)
    const own = await well<Row>(value, 'user/cache')
    assert.deepEqual([own.id, own.parent_id, own.service_account], [made.id, numberOf('root'), true])
    assert.deepEqual(await said(value, 'POST group', { name: 'robots' }), [403, 'Requires superadmin privilege.'])
    const group = `group/${tracers()}/service_account`
    await success('mira', `POST ${group}`, { sa_id: made.id })
    assert.deepEqual(await said('mira', `POST ${group}`, { sa_id: made.id }), [
      ...[422, 'Service account already belongs to group.'],
    ])
    assert.deepEqual(await said('mira', `POST ${group}`, {}), [400, 'Missing sa_id.'])
    assert.deepEqual(await said('mira', `POST ${group}`, { sa_id: numberOf('sam') }), [
      ...[404, "Service account doesn't exist"],
    ])
    assert.deepEqual(await well('mira', group), [{ id: made.id, name: 'Mesh Robot 7' }])
    assert.ok(!(await well<Row[]>('mira', `group/${tracers()}/user`)).some(({ id }) => id === made.id))
    assert.deepEqual(await well('root', `${at}/group`), [{ id: tracers(), name: 'tracers' }])
    const { permissions_v2 } = await well<{ permissions_v2: Row }>('root', `${at}/permissions`)
    assert.ok(permissions_v2.fish)
    await success('mira', `DELETE ${group}/${made.id}`)
    assert.deepEqual(await said('mira', `DELETE ${group}/${made.id}`), [404, "Service account doesn't belong to group"])
    await success('root', `PUT ${at}`, { name: 'Mesh Robot 8' })
    assert.equal((await said('root', `PUT ${at}`, { read_only: true }))[0], 422)
    assert.deepEqual((await well<Row[]>('root', `service_account?id=${made.id}`)).length, 1)
    assert.equal((await well<Row[]>('root', 'service_account?name=mesh'))[0]?.name, 'Mesh Robot 8')
    assert.deepEqual(await said('root', `service_account/${numberOf('sam')}`), [404, "Service account doesn't exist"])
    assert.deepEqual(await said('root', `user/${made.id}`), [404, "User doesn't exist"])
    for (const call of [at, `${at}/token`, `DELETE ${at}`, `PUT ${at}`, `${at}/permissions`, 'POST service_account'])
      assert.deepEqual(await said('dana', call), [403, 'Requires superadmin privilege.'], call)
    await success('root', `DELETE ${at}`)
    assert.equal((await cave.ask(value, 'user/cache')).status, 401)
    assert.deepEqual(await said('root', at), [404, "Service account doesn't exist"])
    assert.deepEqual(await well('root', 'service_account'), [])
  })

  test('people are looked up by what they are known by, page by page, and by when they came', async () => {
    const first = await well<{ pages: number; items: Row[] }>('mira cave', 'user?per_page=2')
    assert.deepEqual([first.pages, first.items.map(({ id }) => id)], [3, [numberOf('root'), numberOf('dana')]])
    assert.deepEqual(Object.keys(first.items[0] ?? {}), [
      ...['id', 'service_account', 'name', 'created', 'pi', 'affiliations'],
    ])
    const last = await well<{ items: Row[] }>('mira cave', 'user?per_page=2&page=3')
    assert.deepEqual(
      last.items.map(({ id }) => id),
      [numberOf('sam')],
    )
    assert.equal((await said('mira cave', 'user?page=4&per_page=2'))[0], 404)
    for (const query of ['page=0', 'page=x', 'per_page=-1', 'page=1e3'])
      assert.equal((await said('mira cave', `user?${query}`))[0], 400, query)
    const created = (await accountOf('mira'))?.createdAt ?? new Date(0)
    assert.equal(first.items[0]?.created, (await accountOf('root'))?.createdAt.toUTCString())
    const seconds = created.getTime() / 1000
    const found = await well<Row[]>('root cave', `user?from=${seconds}&to=${seconds}`)
    assert.deepEqual(
      found.map(({ id, email, admin }) => [id, email, admin]),
      [[numberOf('mira'), 'mira@lab.example', false]],
    )
    assert.equal((await well<Row[]>('root cave', 'user?from=0')).length, 5)
    for (const query of ['to=1', 'from=x', 'from=99999999999', `to=1&from=${seconds}`])
      assert.deepEqual(await well('root cave', `user?${query}`), [], query)
    for (const query of ['', '?page=1', '?from=0', '?name=a', '?email=a'])
      assert.deepEqual(await said('plain cave', `user${query}`), [403, 'Requires admin privilege.'])
    assert.equal((await well<Row[]>('plain cave', `user?id=${numberOf('root')},x,,99999`)).length, 1)
    const service = await room()('serviceAccounts').create(house, {
      ...{ username: 'own-robot', displayName: 'Robot', parent: cave.ids.plain },
    })
    const { value } = await room()('tokens').create(house, { account: service.id, name: 'x', scopes: ['cave'] })
    assert.deepEqual(await said(value, 'user?email=a'), [403, 'Requires admin privilege.'], 'no way to addresses')
  })

  test('site admins change people as far as they could anywhere, and nobody but them', async () => {
    const sam = `user/${numberOf('sam')}`
    await success('root', `PUT ${sam}`, { admin: true })
    assert.equal((await accountOf('sam'))?.role, 'admin')
    await success('root', `PUT ${sam}`, { admin: false, name: 'Sam Tracer', pi: 'Prof X', read_only: false })
    const { admin, name } = await well<Row>('root', sam)
    assert.deepEqual([admin, name], [false, 'Sam Tracer'])
    const self = `user/${numberOf('root')}`
    assert.deepEqual(await said('root', `PUT ${self}`, { admin: false }), [
      ...[403, 'Cannot remove admin permissions from yourself.'],
    ])
    assert.deepEqual(await said('root', `DELETE ${self}`), [403, 'Cannot delete yourself.'])
    for (const body of [{ read_only: true }, { gdpr_consent: true }, { name: 'Kept out', read_only: true }])
      assert.equal((await said('root', `PUT ${sam}`, body))[0], 422, json(body))
    assert.equal((await well<Row>('root', sam)).name, 'Sam Tracer', 'all or nothing')
    for (const body of [{ admin: 'yes' }, { name: 7 }, '[]', '{', '"x"'])
      assert.equal((await said('root', `PUT ${sam}`, body))[0], 400, json(body))
    assert.deepEqual(await said('root', 'PUT user/99999', { name: 'x' }), [404, "User doesn't exist"])
    await room()('profile').answer(house, cave.ids.sam ?? '', { gdpr_consent: 'yes' })
    assert.equal((await well<Row>('root', sam)).gdpr_consent, true)
    for (const call of [`PUT ${sam}`, `DELETE ${sam}`, `${sam}/debug_redis`, `POST ${sam}/fix_redis`, 'redis'])
      assert.deepEqual(await said('dana', call), [403, 'Requires superadmin privilege.'], call)
    assert.deepEqual(await said('plain', 'POST user'), [403, 'Requires admin privilege.'])
  })

  test('somebody new is invited, and has no number before they come', async () => {
    const body = { name: 'New Person', email: 'new@lab.example' }
    const made = await well<Row>('root', 'POST user', body)
    assert.deepEqual([made.id, made.name, made.email], [null, 'New Person', 'new@lab.example'])
    assert.match((await cave.site.mail('new@lab.example')).subject, /\w/)
    assert.deepEqual(await said('root', 'POST user', { name: 'x' }), [400, 'Missing fields: email.'])
    assert.deepEqual(await said('root', 'POST user', { name: 'x', email: 'sam@lab.example' }), [
      ...[422, 'User with email already exists.'],
    ])
    assert.equal((await said('root', 'POST user', { name: 'x', email: 'a@x,b@y' }))[0], 400)
  })

  test('Redis is not here: nothing of it is told, and asking is for site admins', async () => {
    const sam = `user/${numberOf('sam')}`
    assert.deepEqual(await well('root', 'redis'), [])
    assert.deepEqual(await said('root', `redis/token_${cave.tokens.sam}`), [404, 'key does not exist'])
    assert.deepEqual(await well('root', 'redis/x/ttl'), -2)
    assert.deepEqual(await well('root', `${sam}/debug_redis`), { tokens: [], values: {} })
    assert.deepEqual(await well('root', `POST ${sam}/fix_redis`), { elements_removed: 0, tokens_to_remove: [] })
    await success('root', `${sam}/update_cache`)
    for (const call of ['redis', 'redis/x', 'redis/x/ttl'])
      assert.deepEqual(await said('mira', call), [403, 'Requires superadmin privilege.'])
  })

  test('needs the scope of the admin API besides, in a header', async () => {
    for (const [call, body] of [
      ['POST group', { name: 'sneaky' }],
      ['group', undefined],
      [`PUT user/${numberOf('sam')}`, { admin: true }],
      [`DELETE user/${numberOf('sam')}`, undefined],
      ['POST service_account', { name: 'sneaky' }],
      ['POST service/datastack/table/t/dataset/fish', undefined],
    ] as const)
      assert.deepEqual(await said('root cave', call, body), [403, 'The token lacks the scope admin.'], call)
    for (const [cookie, query] of [
      [`middle_auth_token=${cave.tokens.root}`, ''],
      ['', `?middle_auth_token=${cave.tokens.root}`],
    ]) {
      const answer = await fetch(`${cave.site.issuer}/auth/api/v1/group${query}`, {
        method: 'POST',
        headers: { 'x-requested-with': 'x', ...(cookie ? { cookie } : {}) },
        body: '{"name":"sneaky"}',
      })
      assert.equal(answer.status, 401)
    }
    assert.equal(await room()('groups').find('sneaky'), undefined)
  })

  test('answers in bytes that clients compare, to scripts of every origin, without credentials', async () => {
    const type = async (who: string, call: string, body?: unknown) => {
      const { status, headers } = await cave.ask(who, call, body)
      assert.equal(headers.get('access-control-allow-origin'), '*')
      assert.equal(headers.get('access-control-allow-credentials'), null)
      return `${status} ${headers.get('content-type')}`
    }
    const self = `user/${numberOf('root')}`
    assert.equal(await type('root', `PUT ${self}`, { admin: true }), '200 application/json')
    assert.equal(await type('root', self), '200 application/json')
    assert.equal(await type('root', `PUT ${self}`, { admin: false }), '403 text/plain; charset=utf-8')
    assert.equal(await type('root', `PUT ${self}`, { read_only: true }), '422 text/plain; charset=utf-8')
    assert.equal(await type('root', 'user/99999'), '404 text/plain; charset=utf-8')
    assert.equal(await type('root', 'POST group', '{'), '400 text/plain; charset=utf-8')
    assert.equal(await type('nothing', 'POST group', {}), '401 application/json')
    const preflight = await fetch(`${cave.site.issuer}/auth/api/v1/${self}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://admin.example',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization,content-type,x-requested-with',
      },
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    for (const method of ['GET', 'PUT', 'DELETE'])
      assert.ok(preflight.headers.get('access-control-allow-methods')?.includes(method), method)
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization.*x-requested-with/)
    assert.equal((await cave.ask('root', 'POST group', { name: 'x'.repeat(70_000) })).status, 413)
  })

  test('is written down as at the admin API, and so is who was refused', async () => {
    const lines = await room()('storage').audit.list({ limit: 1000 })
    const types = new Set(lines.filter(({ actor }) => actor === cave.ids.root).map(({ type }) => type))
    for (const type of [
      'group.created',
      'grant.added',
      'dataset.created',
      'service-account.created',
      'api-token.created',
    ])
      assert.ok(types.has(type), `${type} in ${[...types]}`)
    const refused = lines.filter(({ type, account }) => type === 'access.refused' && account === cave.ids.dana)
    assert.ok(refused.length > 5)
    assert.deepEqual(refused[0]?.detail, { service: 'cave', why: 'role' })
    for (const value of Object.values(cave.tokens)) assert.ok(!json(lines).includes(value))
  })

  test('a number is never given again, to a thing of whatever kind', async () => {
    const gone = await cave.person('short')
    const group = tracers()
    await success('root', `DELETE user/${gone}`)
    await room()('groups').remove(house, 'tracers')
    await room()('ledger').datasets.remove(house, 'fish')
    const used = new Set([...Object.values(cave.numbers), group, numbers.fish])
    await success('root', 'POST group', { name: 'tracers' })
    const [again] = await well<[{ id: number }]>('root', 'group?name=tracers')
    const dataset = await well<{ id: number }>('root', 'POST dataset', { name: 'fish', tos_id: null })
    const person = await cave.person('short2')
    const robot = await well<{ id: number }>('root', 'POST service_account', { name: 'robot' })
    const fresh = [again.id, dataset.id, person, robot.id]
    assert.equal(new Set(fresh).size, 4)
    for (const one of fresh) assert.ok(!used.has(one) && one > Math.max(gone, group), `${one}`)
    assert.deepEqual(await said('root', `user/${gone}`), [404, "User doesn't exist"])
    assert.deepEqual(await said('root', `user/${gone}/permissions`), [404, "User doesn't exist"])
    assert.deepEqual(await well('root', `username?id=${gone},${person}`), [{ id: person, name: 'short2 of the lab' }])
    assert.deepEqual(await well('root', `group/${group}/user`), [])
    assert.deepEqual(await said('root', `group/${group}`), [404, "Group doesn't exist"])
  })
})

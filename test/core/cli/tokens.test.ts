import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Done, startCommand, writeConfig } from '../../support/command-line.ts'
import { startLabgate, type TestLabgate } from '../../support/labgate.ts'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

describe('tokens and service accounts by command', () => {
  let at: CommandFolder
  let ada = ''
  before(async () => {
    at = await commandFolder({ access: { tokenLife: '30d' } })
    ada = await at.person('ada@example.org')
  })
  after(() => at.remove())
  const resolve = (value: string) => at.rooms(({ get }) => get('tokens').resolve(value, { address: '127.0.0.1' }))
  const days = ({ createdAt, expiresAt }: { createdAt: string; expiresAt: string }) =>
    Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 86_400_000)

  test('a service account is added with its parent, changed and shut out; its token goes with it', async () => {
    const made = await at.json('service-account', 'add', 'bot', '--parent', 'ada', '--description', 'Copies.')
    assert.deepEqual([made.username, made.parent, made.state], ['bot', ada, 'active'])
    const { value, expiresAt } = await at.json(
      'token',
      'add',
      'bot',
      '--name',
      'n',
      '--scope',
      'admin',
      '--life',
      'endless',
    )
    assert.deepEqual([value.slice(0, 4), expiresAt], ['lgs_', undefined])
    assert.equal((await resolve(value))?.account.id, made.id)
    assert.match(await at.text('service-account', 'list'), /bot +active +bot +ada/)
    assert.equal(await at.text('service-account', 'change', 'bot', '--state', 'deactivated'), 'bot is deactivated.\n')
    assert.equal(await resolve(value), undefined)
    assert.equal(
      (await at.json('service-account', 'change', 'bot', '--state', 'active', '--parent', 'none')).parent,
      undefined,
    )
    assert.ok(await resolve(value))
  })

  test('the value is printed once and stands nowhere else', async () => {
    const out = await at.text('token', 'add', 'ada', '--name', 'laptop', '--scope', 'admin')
    const value = out.trim().split(' ').at(-1) ?? ''
    assert.match(out, /^Token of ada \(shown only now\): lgp_[A-Za-z0-9]{38}\n$/)
    const [token] = await at.json('token', 'list', '--account', 'ada')
    assert.equal(days(token), 30, 'as the config says')
    const everything = [
      await at.text('token', 'list'),
      JSON.stringify(await at.rooms(({ get }) => get('storage').audit.list({ limit: 100 }))),
    ]
    for (const text of everything) assert.equal(text.includes(value), false)
    assert.equal(await at.text('token', 'revoke', token.id), 'The token “laptop” is revoked.\n')
    assert.equal(await resolve(value), undefined)
    assert.equal((await at.json('token', 'list', '--state', 'revoked'))[0].id, token.id)
  })

  test('what cannot be is told', async () => {
    const add = (...more: string[]) => at.fails('token', 'add', 'ada', '--name', 'x', ...more)
    assert.match(await at.fails('token', 'add', 'ada', '--scope', 'admin'), /--name is missing/)
    assert.match(await add('--scope', 'admin', '--life', 'endless'), /Only tokens of service accounts/)
    assert.match(await add('--scope', 'admin', '--life', '400d'), /at most 366 days/)
    assert.match(await add('--scope', 'admin', '--life', 'long'), /--life must be/)
    assert.match(await add('--scope', '*'), /scope/i)
    assert.match(await at.fails('token', 'revoke', 'none'), /There is no such token/)
    assert.match(await at.fails('service-account', 'add', 'ada'), /taken/)
    assert.match(await at.fails('service-account', 'change', 'ada', '--name', 'x'), /there is no service account ada/)
  })
})

describe('tokens beside a running server', () => {
  let site: TestLabgate
  before(async () => {
    site = await startLabgate()
    await writeConfig(site.folder, {
      ...{ issuer: site.issuer, demo: true, data: site.folder },
      mail: { from: { address: 'lab@example.org' }, outbox: `${site.folder}/outbox` },
      plugins: { email: { use: '@labgate/auth-email' } },
    })
  })
  after(() => site.stop())
  const run = (...argv: string[]): Promise<Done> =>
    startCommand([...argv, '--config', 'labgate.yaml'], { cwd: site.folder }).done

  test('the server takes a new token at once and refuses a revoked one', async () => {
    const resolve = (value: string) => site.labgate.rooms.get('tokens').resolve(value, { address: '127.0.0.1' })
    assert.equal((await run('service-account', 'add', 'bot')).code, 0)
    const added = await run('token', 'add', 'bot', '--name', 'n', '--scope', 'admin', '--json')
    assert.equal(added.code, 0, added.err)
    const { value, id } = JSON.parse(added.out)
    assert.equal((await resolve(value))?.account.username, 'bot')
    assert.equal((await run('token', 'revoke', id)).code, 0)
    assert.equal(await resolve(value), undefined)
  })
})

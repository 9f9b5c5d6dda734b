import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startCommand, writeConfig } from '../../support/command-line.ts'
import { browser, signInByEmail, startLabgate } from '../../support/labgate.ts'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

describe('whole accounts by command', () => {
  let folder: CommandFolder
  let [ada, twin] = ['', '']
  before(async () => {
    folder = await commandFolder()
    ada = await folder.person('ada@example.org')
    twin = await folder.person('twin@example.org')
    await folder.text('dataset', 'add', 'fish', '--title', 'Fish')
    await folder.text('grant', 'add', `account:${twin}`, 'fish', '--level', 'view')
  })
  after(() => folder.remove())

  test('a dry run tells what a merge would do and does nothing', async () => {
    const said = await folder.text('account', 'merge', twin, ada, '--dry-run')
    assert.match(said, /would move/)
    assert.match(said, /grants: view fish/)
    const { moves } = await folder.json('account', 'merge', twin, ada, '--dry-run')
    assert.equal(moves.grants.length, 1)
    assert.equal((await folder.json('account', 'show', twin)).state, 'active')
  })

  test('a merge moves, and its like the other way is refused', async () => {
    assert.match(await folder.text('account', 'merge', twin, ada), / moved/)
    assert.equal((await folder.json('account', 'show', twin)).state, 'deactivated')
    assert.match(await folder.fails('account', 'merge', ada, twin), /merged into another/)
    assert.match(await folder.fails('account', 'activate', twin), /merged into another/)
  })

  test('an export goes to the output, or to a new file for nobody else', async () => {
    assert.equal(JSON.parse(await folder.text('account', 'export', ada)).account.id, ada)
    await folder.text('account', 'export', ada, '--output', 'ada.json')
    const file = join(folder.path, 'ada.json')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal(JSON.parse(await readFile(file, 'utf8')).merged[0].id, twin)
    assert.match(await folder.fails('account', 'export', ada, '--output', 'ada.json'), /there already|EEXIST/)
  })

  test('the history is listed page by page', async () => {
    const { rows } = await folder.json('account', 'history', ada)
    assert.ok(rows.some(({ type }: { type: string }) => type === 'account.merged'))
    assert.match(await folder.text('account', 'history', ada, '--limit', '1'), /Go on with --before \d+/)
    assert.match(await folder.fails('account', 'history', ada, '--limit', 'x'), /--limit/)
    assert.match(await folder.fails('account', 'history', ada, '--before', 'x'), /--before/)
  })

  test('an erasure asks for the username, and leaves nothing of it in the file', async () => {
    assert.match(await folder.fails('account', 'erase', ada), /--confirm/)
    assert.match(await folder.fails('account', 'erase', ada, '--confirm', 'bob'), /--confirm/)
    const { username } = await folder.json('account', 'show', ada)
    const done = await folder.json('account', 'erase', ada, '--confirm', username)
    assert.deepEqual(done, { account: ada, merged: [twin], inConfig: [] })
    const text = await readFile(join(folder.path, 'labgate.db'), 'latin1')
    assert.doesNotMatch(text, /(ada|twin)@example\.org/)
    const left = await folder.json('account', 'show', ada)
    assert.match(await folder.text('account', 'erase', ada, '--confirm', left.username), /is erased/)
    assert.match(await folder.fails('account', 'activate', ada), /erased/)
  })
})

test('an erasure beside a running server leaves nothing, and the server goes on', async () => {
  const plugins = { email: { use: '@labgate/auth-email' } }
  const site = await startLabgate({ plugins })
  try {
    const cwd = site.folder
    const mail = { from: { address: 'lab@example.org' }, outbox: `${cwd}/outbox` }
    await writeConfig(cwd, { issuer: site.issuer, demo: true, data: cwd, mail, plugins })
    const account = new URL('/account', site.issuer)
    const agent = browser()
    await signInByEmail(site, agent, { at: account, email: 'server@example.org' })
    const argv = ['account', 'erase', 'server', '--confirm', 'server', '--config', 'labgate.yaml']
    const { code, err } = await startCommand(argv, { cwd }).done
    assert.equal(code, 0, err)
    for (const file of ['labgate.db', 'labgate.db-wal'])
      assert.doesNotMatch(await readFile(join(cwd, file), 'latin1'), /server@example\.org/)
    assert.doesNotMatch((await agent.open(account)).text, /server@example/)
    await signInByEmail(site, browser(), { at: account, email: 'server@example.org' })
    assert.ok(await site.labgate.rooms.get('accounts').findByUsername('server2'))
  } finally {
    await site.stop()
  }
})

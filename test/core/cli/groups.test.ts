import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

describe('groups by command', () => {
  let at: CommandFolder
  let ada = ''
  before(async () => {
    at = await commandFolder()
    ada = await at.person('ada@example.org')
  })
  after(() => at.remove())

  test('one is added, joined, looked after, left and removed', async () => {
    assert.equal(await at.text('group', 'add', 'imaging', '--title', 'Imaging team'), 'Added imaging.\n')
    assert.equal(await at.text('group', 'join', 'imaging', 'ada@example.org'), 'ada is in imaging.\n')
    assert.equal(await at.text('group', 'manager', 'imaging', 'ada'), 'ada looks after imaging.\n')
    const shown = await at.json('group', 'show', 'imaging')
    assert.deepEqual([shown.managers, shown.members[0].username, shown.members[0].sources], [[ada], 'ada', ['admin']])
    assert.match(await at.text('group', 'list'), /imaging +Imaging team +1 +ada +database/)
    assert.deepEqual(JSON.parse(await at.text('account', 'show', 'ada', '--json')).groups, ['imaging'])
    assert.equal(await at.text('group', 'manager', 'imaging', 'ada', '--off'), 'ada no longer looks after imaging.\n')
    assert.equal(await at.text('group', 'leave', 'imaging', ada), 'ada is not in imaging.\n')
    assert.match(await at.text('group', 'show', 'imaging'), /Nobody is in it\./)
    assert.equal(await at.text('group', 'remove', 'imaging'), 'Removed imaging.\n')
    assert.equal(await at.text('group', 'list'), 'No groups.\n')
  })

  test('its words are changed', async () => {
    await at.text('group', 'add', 'lasers')
    const changed = await at.json('group', 'change', 'lasers', '--title', 'Laser team', '--description', 'Beware')
    assert.deepEqual([changed.title, changed.description], ['Laser team', 'Beware'])
    assert.match(await at.fails('group', 'change', 'lasers'), /nothing to change/)
    await at.text('group', 'remove', 'lasers')
  })

  test('what was granted to a removed group ends', async () => {
    await at.text('group', 'add', 'guests')
    await at.text('dataset', 'add', 'fish2')
    await at.text('grant', 'add', 'group:guests', 'fish2', '--level', 'view')
    await at.text('group', 'remove', 'guests')
    assert.deepEqual(await at.json('grant', 'list'), [])
  })

  test('what cannot be is told', async () => {
    await at.text('group', 'add', 'twice')
    assert.match(await at.fails('group', 'add', 'twice'), /already/)
    assert.match(await at.fails('group', 'add', 'email:lab'), /short name|letters/)
    assert.match(await at.fails('group', 'join', 'none', 'ada'), /there is no group none; `labgate group list`/)
    assert.match(await at.fails('group', 'join', 'twice', 'nobody'), /there is no account/)
    assert.match(await at.fails('group', 'join', 'twice'), /ACCOUNT/)
  })
})

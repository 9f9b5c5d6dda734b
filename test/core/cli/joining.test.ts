import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newestMail } from '../../support/labgate.ts'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

describe('who comes in, by command', () => {
  let at: CommandFolder
  before(async () => {
    at = await commandFolder()
    await at.text('group', 'add', 'imaging')
  })
  after(() => at.remove())

  test('somebody is invited by mail; the link is in the mail alone', async () => {
    const said = await at.text(
      ...['account', 'invite', 'Guest@Example.org', '--group', 'imaging', '--note', 'Hello', '--days', '3'],
    )
    assert.equal(said, 'Invited guest@example.org.\n')
    const { text } = await newestMail(`${at.path}/outbox`, 'guest@example.org')
    assert.match(text, /Hello[\s\S]*http:\/\/localhost:1\/invited\/[\w-]{43}/)
    const [row, ...others] = await at.json('account', 'invitations')
    assert.deepEqual([others, row.state, row.groups, row.madeBy], [[], 'open', ['imaging'], 'labgate account invite'])
    assert.match(await at.text('account', 'invitations'), /guest@example\.org +open +user +imaging/)
  })

  test('an invitation is sent again, and withdrawn', async () => {
    const { invitation, link } = await at.json('account', 'invite', 'bo@example.org', '--role', 'manager')
    assert.equal(link, undefined)
    assert.equal((await at.json('account', 'invitations', '--resend', invitation.id, '--days', '30')).mailed, true)
    assert.match(await at.text('account', 'invitations', '--end', invitation.id), /bo@example\.org leads nowhere/)
    assert.equal((await at.json('account', 'invitations', '--state', 'ended')).length, 1)
    assert.match(await at.fails('account', 'invitations', '--resend', invitation.id), /withdrawn/)
    assert.match(await at.fails('account', 'invitations', '--resend', 'a', '--end', 'b'), /either/)
  })

  test('where no mail leaves, the link is printed', async () => {
    const mute = await commandFolder({ mail: undefined })
    try {
      assert.match(await mute.text('account', 'invite', 'bo@example.org'), /no mail left[\s\S]*\/invited\/[\w-]{43}\n$/)
      assert.match((await mute.json('account', 'invite', 'bo@example.org')).link, /\/invited\//)
    } finally {
      await mute.remove()
    }
  })

  test('who waits is listed, let in or turned down', async () => {
    assert.equal(await at.text('account', 'waiting'), 'Nobody waits.\n')
    await at.person('ada@example.org', 'pending')
    await at.person('eve@example.org', 'pending')
    assert.match(await at.text('account', 'waiting'), /ada[\s\S]*eve/)
    assert.equal((await at.json('account', 'waiting'))[0].account.username, 'ada')
    assert.equal(
      await at.text('account', 'approve', 'ada', '--group', 'imaging', '--note', 'Welcome'),
      'ada is active.\n',
    )
    assert.match((await newestMail(`${at.path}/outbox`, 'ada@example.org')).text, /approved[\s\S]*Welcome/)
    assert.equal(await at.text('account', 'turn-down', 'eve@example.org'), 'eve is turned down.\n')
    assert.deepEqual((await at.json('account', 'show', 'ada')).groups, ['imaging'])
    assert.match(await at.fails('account', 'turn-down', 'ada'), /does not wait/)
  })

  test('a question is answered for somebody, and the answer taken back', async () => {
    const site = await commandFolder({ profile: { questions: [{ id: 'desk', label: 'Your desk', type: 'text' }] } })
    const ada = await site.person('ada@example.org')
    const answers = async () => (await site.json('account', 'show', ada)).answers
    await site.text('account', 'answer', ada, 'desk', 'By the window')
    assert.equal((await answers())[0].value, 'By the window')
    assert.match(await site.fails('account', 'answer', ada, 'shoe', '44'), /no such question/)
    const { value, isDue } = await site.json('account', 'answer', ada, 'desk', '')
    assert.deepEqual([value, isDue], [undefined, false])
    assert.equal((await answers())[0].value, undefined)
    await site.remove()
  })

  test('what cannot be is told', async () => {
    assert.match(await at.fails('account', 'invite', 'nonsense'), /e-mail address/)
    assert.match(await at.fails('account', 'invite', 'a@example.org', '--role', 'owner'), /--role must be/)
    assert.match(await at.fails('account', 'invite', 'a@example.org', '--days', 'x'), /1 to 365 days/)
    assert.match(await at.fails('account', 'invite', 'a@example.org', '--group', 'none'), /no group/)
    assert.match(await at.fails('account', 'approve', 'nobody'), /there is no account/)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

describe('terms of use by command', () => {
  let at: CommandFolder
  let ada = ''
  before(async () => {
    at = await commandFolder()
    ada = await at.person('ada@example.org')
    await at.text('dataset', 'add', 'fish2', '--version', 'v1')
    await at.file('one.md', 'Be kind.\n')
    await at.file('two.md', 'Be kinder.\n')
  })
  after(() => at.remove())
  const accept = () =>
    at.rooms(async ({ get }) => {
      const found = await get('ledger').terms.find('dua')
      const accepted = { terms: 'dua', digest: found?.text.digest ?? '' }
      await get('ledger').terms.accept({ kind: 'account', account: ada }, accepted)
    })

  test('they are added, accepted, published anew, listed and withdrawn', async () => {
    const made = await at.json('terms', 'add', 'dua', '--file', 'one.md', '--title', 'Data use', '--dataset', 'fish2')
    assert.deepEqual([made.text.number, made.dataset, made.source], [1, 'fish2', 'database'])
    await accept()
    assert.match(await at.text('terms', 'accepted', 'dua'), /ada +1 /)
    const kept = await at.json('terms', 'publish', 'dua', '--file', 'two.md', '--again', 'keep')
    assert.deepEqual([kept.text.number, kept.requiredNumber], [2, 1])
    const asked = await at.json('terms', 'publish', 'dua', '--file', 'one.md', '--again', 'accept')
    assert.deepEqual([asked.text.number, asked.requiredNumber], [3, 3])
    assert.match(await at.text('terms', 'show', 'dua'), /requiredNumber +3[\s\S]*Be kind\./)
    assert.match(await at.text('terms', 'list', '--dataset', 'fish2'), /dua +Data use +fish2/)
    assert.ok((await at.json('terms', 'retire', 'dua')).retiredAt)
  })

  test('a link is printed once, and only what it leads to is kept', async () => {
    await at.text('terms', 'add', 'guests', '--file', 'one.md', '--dataset', 'fish2')
    const made = await at.json('terms', 'invite', 'guests', '--level', 'view', '--seats', '2', '--until', '2099-01-01')
    assert.match(made.link, /^http:\/\/localhost:1\/terms\/invited\/[\w-]{20,}$/)
    const token = made.link.split('/').at(-1)
    const found = await at.rooms(({ get }) => get('ledger').terms.invitation(token))
    assert.deepEqual([found?.terms, found?.seats, found?.level], ['guests', 2, 'view'])
    const trail = await at.rooms(({ get }) => get('storage').audit.list({ limit: 100 }))
    assert.equal(JSON.stringify(trail).includes(token), false)
  })

  test('links are listed with what they gave, and ended', async () => {
    const [made] = await at.json('terms', 'invitations', 'guests')
    assert.deepEqual([made.level, made.seats, made.used], ['view', 2, 0])
    await at.text('terms', 'add', 'others', '--file', 'one.md', '--dataset', 'fish2')
    assert.match(await at.fails('terms', 'uninvite', 'others', made.id), /others has no invitation/)
    assert.match(await at.text('terms', 'uninvite', 'guests', made.id), /leads nowhere/)
    const [ended] = await at.json('terms', 'invitations', 'guests')
    assert.ok(ended.endedAt)
    await at.text('terms', 'retire', 'others')
  })

  test('title and services are changed, the text never', async () => {
    const changed = await at.json('terms', 'change', 'guests', '--title', 'For guests', '--service', 'atlas')
    assert.deepEqual([changed.title, changed.services, changed.text.number], ['For guests', ['atlas'], 1])
    assert.deepEqual((await at.json('terms', 'change', 'guests', '--everywhere')).services, [])
    assert.match(await at.fails('terms', 'change', 'guests'), /nothing to change/)
    assert.match(await at.fails('terms', 'change', 'guests', '--everywhere', '--service', 'a'), /exclude each other/)
  })

  test('what cannot be is told', async () => {
    await at.file('latin.md', 'x')
    assert.match(await at.fails('terms', 'add', 'x'), /--file is missing/)
    assert.match(await at.fails('terms', 'add', 'x', '--file', 'none.md'), /none\.md cannot be read \(ENOENT\)/)
    assert.match(
      await at.fails('terms', 'add', 'x', '--file', 'one.md', '--dataset', 'none'),
      /there is no dataset none/,
    )
    assert.match(await at.fails('terms', 'publish', 'guests', '--file', 'one.md'), /--again is missing/)
    assert.match(await at.fails('terms', 'publish', 'guests', '--file', 'one.md', '--again', 'no'), /accept, keep/)
    assert.match(await at.fails('terms', 'retire', 'none'), /there are no terms none/)
    assert.match(await at.fails('terms', 'invite', 'guests', '--seats', '0'), /--seats must be/)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

const probe = fileURLToPath(new URL('../../support/plugins/authz-probe.ts', import.meta.url))

describe('explain', () => {
  let at: CommandFolder
  let ada = ''
  before(async () => {
    at = await commandFolder({
      plugins: { email: { use: '@labgate/auth-email' }, probe: { use: probe } },
    })
    ada = await at.person('ada@example.org')
    await at.file('terms.md', 'Be kind.\n')
    await at.text('dataset', 'add', 'fish2', '--version', 'v1')
    await at.text('grant', 'add', 'ada', 'fish2', '--level', 'edit', '--why', 'Her thesis')
    await at.text('grant', 'add', 'signed-in', 'fish2', '--level', 'view', '--until', '2020-01-01')
  })
  after(() => at.remove())

  test('says yes with the line that counts, and what each dialect tells its services', async () => {
    const found = await at.json('explain', 'ada@example.org', 'edit', 'fish2')
    assert.deepEqual([found.allowed, found.who, found.dataset], [true, 'ada', 'fish2'])
    assert.deepEqual(
      [found.lines[0].counts, found.lines[0].subject, found.lines[0].why, found.lines[0].grantedBy],
      [true, `account:${ada}`, 'Her thesis', 'labgate grant add'],
    )
    assert.equal(found.dialects[0].id, 'probe')
    assert.equal(found.dialects[0].answer.name, 'ada')
    const text = await at.text('explain', 'ada', 'view', 'fish2', '--version', 'v1')
    assert.match(text, /^Yes: ada may view fish2 v1\./)
    assert.match(text, /counts +\d+ +ada: edit on fish2, by labgate grant add on .*: Her thesis/)
    assert.match(text, /misses +\d+ +signed-in: view[\s\S]*missing: it was over 2020-01-02/)
    assert.match(text, /probe answers:\n\{/)
  })

  test('says no with what is missing', async () => {
    const text = await at.text('explain', 'ada', 'manage', 'fish2')
    assert.match(text, /^No: ada may not manage fish2\./)
    const anyone = await at.json('explain', 'anyone', 'view', 'fish2')
    assert.deepEqual(
      [anyone.allowed, anyone.missing.step, anyone.who, anyone.dialects],
      [false, 'sign-in', 'anyone', []],
    )
    const none = await at.json('explain', 'ada', 'view', 'nothing')
    assert.deepEqual(none.missing, { step: 'dataset', why: 'unknown' })
  })

  test('names the terms that stand before it, and the closed dataset', async () => {
    await at.text('terms', 'add', 'dua', '--file', 'terms.md', '--title', 'Data use', '--dataset', 'fish2')
    const text = await at.text('explain', 'ada', 'view', 'fish2')
    assert.match(text, /missing: terms dua \(text 1 or later\) are not accepted/)
    assert.match(text, /Terms dua \(“Data use”\), text 1 or later: not accepted/)
    await at.text('terms', 'retire', 'dua')
    await at.text('dataset', 'freeze', 'fish2', '--why', 'Under review')
    assert.match(await at.text('explain', 'ada', 'view', 'fish2'), /Under review/)
    await at.text('dataset', 'open', 'fish2')
  })

  test('finds a refusal by its code: what was asked by whom, and the answer of today', async () => {
    const eve = await at.person('eve@example.org')
    const refused = (requestId: string, account: string | undefined) =>
      at.rooms(({ get }) =>
        get('audit')({
          ...{ type: 'access.refused', requestId, account, address: '192.0.2.7' },
          detail: { dataset: 'fish2', version: null, verb: 'view', service: 'probe' },
        }),
      )
    await refused('code-of-eve', eve)
    await refused('code-of-nobody', undefined)
    const [event, ...others] = await at.json('explain', '--event', 'code-of-eve')
    assert.deepEqual(others, [])
    assert.deepEqual(
      [event.type, event.who, event.address, event.detail.verb, event.today.allowed],
      ['access.refused', 'eve', '192.0.2.7', 'view', false],
    )
    assert.match(
      await at.text('explain', '--event', 'code-of-eve'),
      /access\.refused +eve from 192\.0\.2\.7[\s\S]*Today:\nNo: eve/,
    )
    await at.text('grant', 'add', 'eve', 'fish2', '--level', 'view')
    assert.match(await at.text('explain', '--event', 'code-of-eve'), /Today:\nYes: eve may view fish2/)
    assert.match(await at.text('explain', '--event', 'code-of-nobody'), /Today:\nNo: anyone may not view fish2/)
    assert.match(await at.fails('explain', '--event', 'code'), /has nothing under the code code/)
  })

  test('a program answers for itself while its parent may act', async () => {
    await at.text('service-account', 'add', 'bot', '--parent', 'ada')
    await at.text('grant', 'add', 'bot', 'fish2', '--level', 'view')
    assert.equal((await at.json('explain', 'bot', 'view', 'fish2')).allowed, true)
    await at.text('account', 'deactivate', 'ada')
    const found = await at.json('explain', 'bot', 'view', 'fish2')
    assert.deepEqual([found.allowed, found.missing.step, found.dialects], [false, 'account', []])
  })

  test('wrong use is told', async () => {
    assert.match(await at.fails('explain', 'ada', 'view'), /wants ACCOUNT VERB DATASET, or --event/)
    assert.match(await at.fails('explain', 'ada', 'view', 'fish2', '--event', 'x'), /--event stands alone/)
    assert.match(await at.fails('explain', 'nobody', 'view', 'fish2'), /there is no account/)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { at, command } from '../../support/ledger.ts'
import { type OpenedLife, openLife } from '../../support/life.ts'

describe('an export', () => {
  let site: OpenedLife
  let ada: string
  before(async () => {
    site = await openLife()
    ada = await site.known('ada@example.org')
  })
  after(() => site.close())

  test('is for the person and for admins, and leaves a line', async () => {
    const other = await site.known('other@example.org')
    await assert.rejects(site.life.exportOf(at(other), ada), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(site.life.exportOf(command, 'nobody'), { code: 'ERR_NOT_FOUND' })
    await site.life.exportOf(at(ada), ada)
    assert.equal((await site.storage.audit.list({ account: ada, type: 'account.exported', limit: 9 })).length, 1)
  })

  test('has what plugins say, and names those that cannot', async () => {
    site.holders.push(
      {
        id: 'notes',
        lifecycle: {
          export: async function* () {
            yield { note: 1 }
          },
        },
      },
      { id: 'silent', lifecycle: {} },
      { id: 'absent', lifecycle: undefined },
      {
        id: 'broken',
        lifecycle: {
          export: async function* () {
            yield { note: 2 }
            throw new Error('no')
          },
        },
      },
    )
    const { plugins, missing } = await site.life.exportOf(command, ada)
    assert.deepEqual(plugins, { notes: [{ note: 1 }], broken: [{ note: 2 }] })
    assert.deepEqual(missing, ['absent', 'broken'])
  })

  test('tells what the person did to others without what it was', async () => {
    await site.storage.audit.append({ type: 'group.joined', actor: ada, account: 'somebody', detail: { group: 'x' } })
    await site.storage.audit.append({ type: 'account.changed', actor: 'boss', account: ada, address: '192.0.2.9' })
    const { history } = await site.life.exportOf(command, ada)
    const text = JSON.stringify(history)
    assert.match(text, /group\.joined/)
    assert.doesNotMatch(text, /somebody|192\.0\.2\.9/)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type OpenedLife, openLife } from '../../support/life.ts'

describe('a history', () => {
  let site: OpenedLife
  before(async () => {
    site = await openLife()
    for (let n = 0; n < 30; n++) {
      await site.storage.audit.append({ type: 'sign-in.done', account: 'ada', address: '192.0.2.1' })
      await site.storage.audit.append({ type: 'access.refused', account: 'ada' })
      await site.storage.audit.append({ type: 'session.revoked', actor: 'boss', account: 'ada', address: '192.0.2.2' })
      await site.storage.audit.append({ type: 'sign-in.done', account: 'bo', address: '192.0.2.3' })
    }
  })
  after(() => site.close())

  test('comes in pages that meet without a gap, of this account alone', async () => {
    const seen: number[] = []
    let before: number | undefined
    do {
      const { rows, next } = await site.life.history('ada', { seenBy: 'admin', limit: 7, before })
      assert.ok(rows.every(({ type, account }) => type !== 'access.refused' && account === 'ada'))
      seen.push(...rows.map(({ id }) => id))
      before = next
    } while (before !== undefined)
    assert.equal(seen.length, 60)
    assert.deepEqual(
      seen,
      [...new Set(seen)].toSorted((a, b) => b - a),
    )
  })

  test('does not tell a person from where others acted', async () => {
    const { rows } = await site.life.history('ada', { seenBy: 'self', limit: 100 })
    assert.deepEqual(new Set(rows.map(({ address }) => address)), new Set(['192.0.2.1', undefined]))
  })
})

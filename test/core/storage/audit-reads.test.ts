import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import Database from 'better-sqlite3'
import { auditReads } from '../../../core/storage/audit.ts'
import { openSqlite } from '../../support/storage.ts'

suite('the audit trail by statement', async () => {
  const { storage, file, close } = await openSqlite()
  const database = new Database(file)
  after(async () => {
    database.close()
    await close()
  })
  const values = { account: 'ada', party: 'ada', type: null, before: null, requestId: null, limit: 10 }
  const plan = (sql: string, more: object = {}) =>
    (database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all({ ...values, ...more }) as { detail: string }[])
      .map(({ detail }) => detail)
      .filter((detail) => detail.includes('audit_event'))

  test('each read walks along an index, or back from the newest', () => {
    const searches = (index: string, by: RegExp) => (detail: string) => detail.includes(index) && by.test(detail)
    assert.ok(plan(auditReads.ofAccount).every(searches('audit_event_account_at_index', /\(account=\?\)/)))
    assert.ok(plan(auditReads.ofRequest, { requestId: 'r' }).every(searches('request_id_index', /\(request_id=\?\)/)))
    const span = { name: 'grant', value: '1', from: 0, until: 1 }
    assert.ok(plan(auditReads.about, span).every(searches('audit_event_at_index', /\(at>\? AND at<\?\)/)))
    const [one = '', other = '', ...rest] = plan(auditReads.ofParty)
    assert.match(one, /SEARCH audit_event USING INDEX audit_event_account_at_index \(account=\?\)/)
    assert.match(other, /SEARCH audit_event USING INDEX audit_event_actor_at_index \(actor=\?\)/)
    assert.deepEqual(rest, [])
    assert.deepEqual(plan(auditReads.all), ['SCAN audit_event'], 'by id, from the end')
  })

  test('of a party: what it did, to itself or others, and what was done to it, each once', async () => {
    const { audit } = storage
    for (const [actor, account] of [
      ['ada', 'ada'],
      ['ada', 'bob'],
      ['ada', undefined],
      ['bob', 'ada'],
      [undefined, 'ada'],
      ['bob', 'bob'],
      [undefined, undefined],
    ])
      await audit.append({ type: `${actor}-${account}`, actor, account })
    const types = (await audit.list({ party: 'ada', limit: 50 })).map(({ type }) => type)
    assert.deepEqual(types, ['undefined-ada', 'bob-ada', 'ada-undefined', 'ada-bob', 'ada-ada'])
  })
})

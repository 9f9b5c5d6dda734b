import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuditEvent, createAudit } from '../../../core/observe/audit.ts'
import { keptLog } from '../../support/outer-app.ts'

test('an event is kept and logged, its details masked in both', async () => {
  const kept: AuditEvent[] = []
  const { log, lines, text } = keptLog()
  const audit = createAudit({ log, sink: { append: async (event) => kept.push(event) } })
  await audit({
    type: 'identity.linked',
    account: 'acc-1',
    actor: 'acc-1',
    detail: { instance: 'github', token: 'THE-VALUE' },
  })
  assert.deepEqual(kept, [
    { type: 'identity.linked', account: 'acc-1', actor: 'acc-1', detail: { instance: 'github', token: '[redacted]' } },
  ])
  assert.equal(lines()[0]?.audit, 'identity.linked')
  assert.doesNotMatch(text(), /THE-VALUE/)
})

test('an event that could not be kept is an error of the caller and not logged as done', async () => {
  const { log, lines } = keptLog()
  const audit = createAudit({ log, sink: { append: () => Promise.reject(new Error('disk full')) } })
  await assert.rejects(audit({ type: 'sign-out' }), /disk full/)
  assert.equal(lines().length, 0)
})

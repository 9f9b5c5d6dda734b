import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@labgate/contract'
import { createSignInWatch, isHouseTrouble, isMailTrouble } from '../../../core/observe/sign-ins.ts'

test('trouble of the house is what nobody can bring about from outside', () => {
  const refused = (error: string) => new Fault('ERR_UPSTREAM_REFUSED', 'no', { detail: { error } })
  for (const error of [new Error('a bug'), new Fault('ERR_UPSTREAM', 'down'), new Fault('ERR_MAIL', 'down')])
    assert.ok(isHouseTrouble(error, 'begin'), error.message)
  assert.ok(isHouseTrouble(refused('invalid_client'), 'later'))
  assert.ok(isHouseTrouble(new Fault('ERR_CONFIG', 'wrong'), 'later'))
  // A made-up code, an answer that makes a plugin stumble, a denial, too many tries.
  for (const error of [refused('invalid_grant'), new Error('a bug'), new Fault('ERR_UPSTREAM', 'bad answer')])
    assert.ok(!isHouseTrouble(error, 'later'), error.message)
  for (const at of ['begin', 'later'] as const)
    for (const code of ['ERR_LOGIN_DENIED', 'ERR_INPUT', 'ERR_RATE', 'ERR_METHOD_DOWN'] as const)
      assert.ok(!isHouseTrouble(new Fault(code, 'no'), at), code)
})

test('a mail that did not leave is trouble of the house, unless it is about who it is for or what it says', () => {
  const failed = (detail: Record<string, string>) => isMailTrouble(new Fault('ERR_MAIL', 'no', { detail }))
  for (const detail of [{}, { code: 'EAUTH' }, { code: 'ESOCKET' }, { code: 'EENVELOPE', command: 'MAIL' }])
    assert.ok(failed(detail), JSON.stringify(detail))
  for (const detail of [{ code: 'EENVELOPE', command: 'RCPT' }, { code: 'EENVELOPE' }, { code: 'EMESSAGE' }])
    assert.ok(!failed(detail), JSON.stringify(detail))
  assert.ok(!isMailTrouble(new Error('a bug')) && !isMailTrouble(new Fault('ERR_RATE', 'no')))
})

test('sign-ins are counted between two instants, and only those that failed are told', () => {
  const time = { now: 0 }
  const watch = createSignInWatch({ clock: { now: () => new Date(time.now) } })
  let heard = 0
  watch.onFailed(() => {
    heard += 1
  })
  for (const outcome of ['done', 'failed', 'failed'] as const) {
    time.now += 10
    watch.note(outcome)
  }
  assert.deepEqual(watch.since(new Date(20)), { done: 0, failed: 2 })
  assert.deepEqual(watch.since(new Date(0), new Date(30)), { done: 1, failed: 1 })
  assert.equal(heard, 2)
})

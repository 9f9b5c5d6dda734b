/** What is kept of an attempt to sign in, and from when on. @module */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import type { Step } from '@labgate/contract'
import { type AttemptStart, createAttempts } from '../../../core/login/attempts.ts'
import { systemRandom as random } from '../../../core/random.ts'
import { openSqlite } from '../../support/storage.ts'

suite('the first step of an attempt', async () => {
  const { storage, clock, close } = await openSqlite()
  after(close)
  const attempts = createAttempts({ artifacts: storage.artifacts, clock, random })
  const start: AttemptStart = {
    ...{ instance: 'email', purpose: 'sign-in', base: '/interaction/u', account: undefined, binding: 'b' },
    ...{ fresh: false, remember: false, returnTo: undefined },
  }
  const done: Step = {
    done: { issuer: 'https://i.example', subject: 'ada', facts: [], amr: [], at: clock.now() },
  }
  const form: Step = { form: { title: 'Code', fields: [], submit: 'Go' } }

  test('leaves no record when it is answered within one turn of the event loop', async () => {
    const { record, step, isKept } = await attempts.begin(start, async () => done)
    assert.deepEqual([step, isKept], [done, false])
    assert.equal(await attempts.find(record.state), undefined)
  })

  test('has its record while it asks somebody outside, and afterwards', async () => {
    const asked = Promise.withResolvers<Step>()
    const state = Promise.withResolvers<string>()
    const begun = attempts.begin(start, (record) => {
      state.resolve(record.state)
      return asked.promise
    })
    await new Promise((turn) => setImmediate(() => setImmediate(turn)))
    assert.equal((await attempts.find(await state.promise))?.base, '/interaction/u')
    asked.resolve(form)
    assert.equal((await begun).isKept, true)
  })

  test('that needs the person again is found by its state from then on', async () => {
    const { record, isKept } = await attempts.begin(start, async () => form)
    await attempts.update({ ...record, kept: { sent: 1 } }, { isNew: !isKept })
    assert.deepEqual((await attempts.find(record.state))?.kept, { sent: 1 })
  })

  test('that fails is told to whoever began', async () => {
    const refused = new Error('no')
    await assert.rejects(
      attempts.begin(start, async () => Promise.reject(refused)),
      refused,
    )
  })
})

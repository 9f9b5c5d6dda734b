import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createRecent, recentSeconds } from '../../../plugins/authz-ngauth/recent.ts'

suite('what was given a moment ago', () => {
  const clock = { at: Date.UTC(2026, 0, 1), now: () => new Date(clock.at) }
  const any = () => true

  test('is given again within a minute, under its own key, while it fits', () => {
    const recent = createRecent<string>(clock)
    recent.keep('session origin', 'token')
    assert.equal(recent.find('session origin', any), 'token')
    assert.equal(recent.find('session other', any), undefined)
    assert.equal(
      recent.find('session origin', (given) => given === 'another'),
      undefined,
    )
    clock.at += recentSeconds * 1000 - 1
    assert.equal(recent.find('session origin', any), 'token', 'each look counts from when it was given')
    clock.at += 1
    assert.equal(recent.find('session origin', any), undefined)
  })

  test('is not given before it was given, should the clock go back', () => {
    const recent = createRecent<string>(clock)
    recent.keep('key', 'token')
    clock.at -= 1
    assert.equal(recent.find('key', any), undefined)
    clock.at += 1
  })

  test('is bounded: the latest half stays, whatever comes', () => {
    const recent = createRecent<number>(clock, 100)
    for (let turn = 0; turn < 1000; turn++) recent.keep(String(turn), turn)
    const kept = Array.from({ length: 1000 }, (_, turn) => recent.find(String(turn), any)).filter(
      (one) => one !== undefined,
    )
    assert.ok(kept.length <= 100, String(kept.length))
    assert.deepEqual(
      kept.slice(-50),
      Array.from({ length: 50 }, (_, turn) => 950 + turn),
    )
  })
})

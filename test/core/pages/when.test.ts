import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { left, wait, when } from '../../../core/pages/when.ts'

const now = new Date('2026-03-04T10:30:00Z')
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000)

suite('when()', () => {
  const cases: readonly (readonly [secondsAgo: number, text: string])[] = [
    [5, 'now'],
    [-5, 'now'],
    [60, '1 minute ago'],
    [3599, '59 minutes ago'],
    [7200, '2 hours ago'],
    [86_400, 'yesterday'],
    [-2 * 86_400, 'in 2 days'],
    [30 * 86_400, 'February 2, 2026'],
  ]
  for (const [seconds, text] of cases)
    test(`tells ${seconds} seconds ago as "${text}"`, () => {
      assert.equal(when(before(seconds), now, 'en').text, text)
    })

  test('gives the machine the instant and the reader the full time in UTC', () => {
    const told = when(before(0), now, 'en')
    assert.equal(told.iso, '2026-03-04T10:30:00.000Z')
    assert.match(told.full, /March 4, 2026.*10:30.*UTC/)
  })

  test('makes no format twice: a list of thousands would cost seconds, and gigabytes outside the heap', () => {
    const before = process.memoryUsage().rss
    for (let index = 0; index < 20_000; index++) when(new Date(now.getTime() - index * 60_000), now, 'en')
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < 150e6, `${Math.round(grown / 1e6)} MB`)
  })
})

suite('left()', () => {
  const cases: readonly (readonly [seconds: number, text: string])[] = [
    [7199, 'in 1 hour, 59 minutes'],
    [7200, 'in 2 hours'],
    [3599, 'in 59 minutes'],
    [60, 'in 1 minute'],
    [59, 'now'],
    [2 * 86_400 - 1, 'in 1 day, 23 hours'],
    [-3600, '1 hour ago'],
    [30 * 86_400, 'April 3, 2026'],
  ]
  for (const [seconds, text] of cases)
    test(`tells an end in ${seconds} seconds as "${text}"`, () => {
      assert.equal(left(before(-seconds), now, { locale: 'en', in: (time) => `in ${time}` }).text, text)
    })
})

suite('wait()', () => {
  for (const [seconds, text] of [
    [30, '30 seconds'],
    [91, '2 minutes'],
    [3600, '60 minutes'],
    [7201, '3 hours'],
  ] as const)
    test(`tells ${seconds} seconds as "${text}"`, () => assert.equal(wait(seconds, 'en'), text))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pairsText, plain, tableText } from '../../../core/cli/table.ts'

test('a name cannot steer the terminal or reverse the line', () => {
  const hostile = `Ada${String.fromCharCode(27)}[2J\r\n\u202eevil\u0000`
  assert.doesNotMatch(plain(hostile), /[\p{Cc}\p{Bidi_Control}]/u)
  assert.equal(tableText(['NAME'], [[hostile]]).split('\n').length, 2)
})

test('columns are as wide as their longest cell, and lines end without spaces', () => {
  const text = tableText(
    ['A', 'LONG'],
    [
      ['wide one', undefined],
      [7, true],
    ],
  )
  assert.equal(text, 'A         LONG\nwide one\n7         true')
})

test('pairs without a value are left out', () => {
  assert.equal(
    pairsText([
      ['one', 'x'],
      ['none', undefined],
      ['empty', ''],
      ['when', new Date(0)],
    ]),
    'one   x\nwhen  1970-01-01 00:00',
  )
})

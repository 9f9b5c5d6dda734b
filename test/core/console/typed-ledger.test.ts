import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isFault } from '@labgate/contract'
import {
  formatLists,
  idsOf,
  instantOf,
  instantTyped,
  linesOf,
  readConditions,
  readLists,
} from '../../../core/console/typed-ledger.ts'
import fc from '../../support/chance.ts'

const refused = (work: () => unknown) =>
  assert.throws(work, (error) => isFault(error) && error.code === 'ERR_INPUT' && error.message.length < 300)
const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/)
const title = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 |._-]{0,20}$/).map((text) => text.trim())
const path = fc.stringMatching(/^([a-z0-9]{1,5}\/){0,3}[a-z0-9]{1,5}$/)

suite('what is typed about datasets', () => {
  test('lists written out and read again are the same', () => {
    const plain = { noNullPrototype: true } as const
    const dataset = fc.record(
      {
        aliases: fc.array(word),
        versions: fc.array(fc.record({ version: word, title: fc.oneof(fc.constant(''), title) }, plain)),
        places: fc.array(
          fc.record(
            {
              version: fc.option(word, { nil: undefined }),
              bucket: word.map((name) => `gs://${name}`),
              prefix: fc.oneof(fc.constant(''), path),
            },
            plain,
          ),
        ),
        tables: fc.array(fc.record({ namespace: word, name: word }, plain)),
      },
      plain,
    )
    fc.assert(
      fc.property(dataset, (made) => {
        const read = readLists(formatLists(made as never))
        const places = made.places.map(({ version, ...place }) => ({ ...place, ...(version ? { version } : {}) }))
        assert.deepEqual(read, { ...made, places })
      }),
    )
  })

  test('a list that was not sent stays; one that was sent empty is emptied', () => {
    assert.deepEqual(readLists({}), {})
    assert.deepEqual(readLists({ aliases: ' \r\n ' }), { aliases: [] })
  })

  test('lines end as any system ends them', () => {
    assert.deepEqual(linesOf(' a \r\nb\rc\n\n'), ['a', 'b', 'c'])
  })

  test('places and tables that cannot be read are refused by name', () => {
    for (const places of ['lab-bucket/fish', '://x', 'gs://', '/etc/passwd', 'x'.repeat(5000)])
      refused(() => readLists({ places }))
    for (const tables of ['only', 'a | b | c', '| b', 'a |']) refused(() => readLists({ tables }))
  })

  test('ids are apart by whatever stands between them in a paste', () => {
    assert.deepEqual(idsOf('1, 2;3\r\n\t4  5'), ['1', '2', '3', '4', '5'])
    assert.deepEqual(idsOf(''), [])
  })
})

suite('what is typed about conditions', () => {
  test('an instant is in UTC, to the minute, and of the calendar', () => {
    const at = new Date('2030-01-31T12:05:00.000Z')
    assert.deepEqual(instantOf('2030-01-31T12:05'), at)
    assert.equal(instantTyped(at), '2030-01-31T12:05')
    assert.deepEqual(instantOf('2030-01-31'), new Date('2030-01-31T00:00:00.000Z'))
    assert.equal(instantOf('  '), undefined)
    for (const typed of ['2030-02-30T00:00', '2030-13-01', 'tomorrow', '2030-01-31T25:00', '1e9'])
      refused(() => instantOf(typed))
  })

  test('facts are read with their comparison and limits', () => {
    const { facts } = readConditions({
      facts:
        'orcid\naffiliation = Max Planck; via university\nrole in staff, faculty; within 30 days\ngroups has a b; trust asserted\nok = true',
    })
    assert.deepEqual(facts, [
      { claim: 'orcid' },
      { claim: 'affiliation', equals: 'Max Planck', via: 'university' },
      { claim: 'role', oneOf: ['staff', 'faculty'], withinDays: 30 },
      { claim: 'groups', contains: 'a b', trust: 'asserted' },
      { claim: 'ok', equals: true },
    ])
  })

  test('what cannot be read is refused, never dropped: a condition that is lost would open a door', () => {
    for (const facts of [
      'a b c',
      'a = b; sometimes',
      'a; within 0 days',
      'a; within many days',
      'a; trust none',
      '= x',
      'a =',
      'a; via',
    ])
      refused(() => readConditions({ facts }))
    for (const terms of ['data-use | none', 'data-use | 0', 'a | 1 | 2']) refused(() => readConditions({ terms }))
  })

  test('nothing typed is no condition', () => {
    assert.deepEqual(readConditions({ terms: ' ', from: '', until: '', facts: '\n', withinGroup: ' ' }), {})
  })
})

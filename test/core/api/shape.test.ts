import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shaped } from '../../../core/api/shape.ts'

const named = {
  Person: {
    type: 'object',
    properties: {
      id: { type: 'string' },
      at: { type: 'string' },
      friends: { items: { $ref: '#/components/schemas/Person' } },
    },
  },
} as const
const person = { $ref: '#/components/schemas/Person' }

test('what a schema does not name stays in the house, at every depth', () => {
  const secret = { id: 'a', digest: 'x', friends: [{ id: 'b', digest: 'y' }] }
  assert.deepEqual(shaped(person, secret, named), { id: 'a', friends: [{ id: 'b' }] })
})

test('instants become RFC 3339, and what is unset is absent', () => {
  const made = shaped(person, { id: undefined, at: new Date(0) }, named)
  assert.deepEqual(Object.keys(made as object), ['at'])
  assert.deepEqual(made, { at: '1970-01-01T00:00:00.000Z' })
})

test('a name that stands in the schema is no property of every object', () => {
  const schema = {
    type: 'object',
    properties: { constructor: { type: 'string' }, toString: { type: 'string' } },
  } as const
  assert.deepEqual(shaped(schema, {}, named), {})
})

test('free JSON is left as it is', () => {
  const value = { a: [1, { b: null }], c: 'x' }
  assert.deepEqual(shaped({ description: 'More.' }, value, named), value)
})

test('a schema that is not there is a mistake of the programmer', () => {
  assert.throws(() => shaped({ $ref: '#/components/schemas/Nobody' }, {}, named), TypeError)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, isSecret, secret } from '@labgate/contract'
import { type ValidateOptions, validateAgainst } from '../../../core/config/validate.ts'

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['clientId'],
  properties: {
    clientId: { type: 'string', minLength: 1, description: 'Id.' },
    clientSecret: secret({ description: 'Secret.' }),
    life: duration({ default: '10m', description: 'Life (duration).' }),
    mode: { type: 'string', enum: ['strict', 'loose'], default: 'strict', description: 'Mode.' },
    limits: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Limits.',
      properties: { tries: { type: 'integer', minimum: 1, default: 3, description: 'Tries.' } },
    },
    choice: { anyOf: [{ type: 'null' }, { type: 'array', items: { type: 'string' } }], description: 'A choice.' },
  },
} as const

const options: ValidateOptions = { path: ['plugins', 'x', 'config'], env: { S: 'value' }, demo: false }
const messages = (value: unknown, more: Partial<ValidateOptions> = {}) =>
  validateAgainst(schema, value, { ...options, ...more }).problems.map(({ path, message }) => `${path}: ${message}`)

test('fills in defaults, also of sections within, and translates', () => {
  const given = { clientId: 'a', clientSecret: { env: 'S' } }
  const { value, problems } = validateAgainst(schema, given, options)
  assert.deepEqual(problems, [])
  assert.equal(value.life, 600)
  assert.equal(value.limits.tries, 3)
  assert.ok(isSecret(value.clientSecret))
  assert.equal(value.clientSecret?.reveal(), 'value')
  assert.deepEqual(given, { clientId: 'a', clientSecret: { env: 'S' } }, 'the given value is left alone')
})

test('the value is frozen all the way down', () => {
  const { value } = validateAgainst(schema, { clientId: 'a' }, options)
  assert.ok(Object.isFrozen(value) && Object.isFrozen(value.limits))
})

test('tells all mistakes at once', () => {
  const wrong = { clientID: 'a', life: '10 minutes', mode: 'loos', limits: { tries: 0 }, clientSecret: { env: 'NONE' } }
  assert.deepEqual(messages(wrong), [
    'plugins.x.config: `clientId` is missing',
    'plugins.x.config.clientID: unknown key; did you mean `clientId`?',
    'plugins.x.config.life: must be a length of time such as 90s, 15m, 24h or 7d, got "10 minutes"',
    'plugins.x.config.mode: must be one of strict, loose, got "loos"; did you mean `loose`?',
    'plugins.x.config.limits.tries: must be >= 1',
    'plugins.x.config.clientSecret: the environment variable NONE is not set',
  ])
})

test('types are never coerced', () => {
  assert.deepEqual(messages({ clientId: 7 }), ['plugins.x.config.clientId: must be a string, got 7 (number)'])
  assert.deepEqual(messages({ clientId: 'a', limits: { tries: '3' } }), [
    'plugins.x.config.limits.tries: must be an integer, got "3" (string)',
  ])
})

test('a choice is told in one line, or by its inner mistake', () => {
  assert.deepEqual(messages({ clientId: 'a', choice: 'x' }), [
    'plugins.x.config.choice: must be null or a list, got "x" (string)',
  ])
  assert.deepEqual(messages({ clientId: 'a', choice: [1] }), [
    'plugins.x.config.choice[0]: must be a string, got 1 (number)',
  ])
})

test('a secret in the file is refused and not repeated', () => {
  const [message, ...others] = messages({ clientId: 'a', clientSecret: 'do-not-show' })
  assert.deepEqual(others, [])
  assert.match(message ?? '', /may not stand in the file/)
  assert.doesNotMatch(message ?? '', /do-not-show/)
  assert.deepEqual(messages({ clientId: 'a', clientSecret: 'x' }, { demo: true }), [])
})

test('a mistake carries the place that `locate` knows', () => {
  const locate: ValidateOptions['locate'] = (path, part) => ({ file: `${path.join('/')}#${part}`, line: 3, column: 5 })
  const { problems } = validateAgainst(schema, { clientId: 'a', extra: 1 }, { ...options, locate })
  assert.deepEqual(problems, [
    { file: 'plugins/x/config/extra#key', line: 3, column: 5, path: 'plugins.x.config.extra', message: 'unknown key' },
  ])
})

test('a wrong schema is a TypeError that says why', () => {
  const wrong = { type: 'object', additionalProperties: false, properties: { a: { typ: 'string' } } } as const
  assert.throws(() => validateAgainst(wrong, {}, options), { name: 'TypeError', message: /unknown keyword: "typ"/ })
})

test('a default where it would never be filled in is refused', () => {
  const wrong = {
    type: 'object',
    additionalProperties: false,
    properties: { a: { anyOf: [{ type: 'object', properties: { b: { type: 'string', default: 'x' } } }] } },
  } as const
  assert.throws(() => validateAgainst(wrong, {}, options), TypeError)
})

test('a key called __proto__ is an unknown key and reaches no prototype', () => {
  assert.deepEqual(messages(JSON.parse('{"clientId":"a","__proto__":{"polluted":true}}')).length, 1)
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
})

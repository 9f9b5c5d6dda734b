import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cookieNames } from '../../../core/http/cookies.ts'

test('cookie names are prefixed under https and plain under http (S24)', () => {
  const secure = cookieNames('https://labgate.example')
  for (const name of [secure.session, secure.attempt, secure.recent, secure.provider]) assert.match(name, /^__Host-/)
  for (const name of [secure.interaction, secure.resume]) assert.match(name, /^__Secure-/)
  assert.ok(Object.values(cookieNames('http://localhost:8080')).every((name) => !name.startsWith('__')))
})

test('no two cookies have one name', () => {
  const names = Object.values(cookieNames('https://labgate.example'))
  assert.equal(new Set(names).size, names.length)
})

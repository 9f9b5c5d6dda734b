import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifiedEmail } from '../../../core/accounts/accounts.ts'

test('a verified address is compared in small ASCII letters, and never becomes another mailbox', () => {
  const of = (value: string) => verifiedEmail([{ claim: 'email', value, trust: 'verified' }])
  assert.equal(of('Kim@Lab.ORG'), 'kim@lab.org')
  // U+212A KELVIN SIGN: `toLowerCase` makes a plain `k` of it.
  assert.notEqual(of('\u212Aim@lab.org'), 'kim@lab.org')
})

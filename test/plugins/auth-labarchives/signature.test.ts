import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signatureOf } from '../../../plugins/auth-labarchives/signature.ts'

/** The vendor's published example. */
const example = { accessKeyId: '0234wedkfjrtfd34er', password: '1234567890' }
const signed = { method: 'entry_attachment', expires: 264433207000 }

test('the signature equals the vendor’s published vector (labapi 3.2)', () => {
  assert.equal(
    signatureOf({ ...example, algorithm: 'sha512' }, signed),
    'mT7pS+KgqlNseR0bo4YLQOVIsgOugMWzlQGllInXS25Q7VpA6lRmL0nUq/UUdrlF+WV7POYE1vcwvN/pnac7bw==',
  )
})

test('with sha1 the signature is the one of RFC 2104 over the same text, 20 bytes long', () => {
  const sig = signatureOf({ ...example, algorithm: 'sha1' }, signed)
  assert.equal(Buffer.from(sig, 'base64').length, 20)
})

test('every part is in the signature', () => {
  const key = { ...example, algorithm: 'sha512' } as const
  const all = [
    signatureOf(key, signed),
    signatureOf({ ...key, password: 'another' }, signed),
    signatureOf({ ...key, accessKeyId: 'another' }, signed),
    signatureOf(key, { ...signed, method: 'user_access_info' }),
    signatureOf(key, { ...signed, expires: signed.expires + 1 }),
  ]
  assert.equal(new Set(all).size, all.length)
})

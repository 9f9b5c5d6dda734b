import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { createKeyRing, digest } from '../../../core/storage/sealing.ts'

const older = 'older key older key older key older key'
const newer = 'newer key newer key newer key newer key'
const keysFault = { code: 'ERR_KEYS' }

suite('the key ring', () => {
  test('opens what it sealed, text and bytes alike, and shows nothing of it', () => {
    const ring = createKeyRing([newer])
    const box = ring.seal('a secret of the upstream', 'kept')
    assert.equal(ring.open(box, 'kept').toString(), 'a secret of the upstream')
    assert.deepEqual(ring.open(ring.seal(Buffer.of(0, 255, 7), 'kept'), 'kept'), Buffer.of(0, 255, 7))
    assert.equal(ring.open(ring.seal('', 'kept'), 'kept').length, 0)
    assert.ok(!box.includes('secret'))
  })

  test('seals the same value differently each time', () => {
    const ring = createKeyRing([newer])
    assert.notDeepEqual(ring.seal('same', 'kept'), ring.seal('same', 'kept'))
  })

  test('lays a box out as version, key id, nonce, ciphertext and tag', () => {
    const ring = createKeyRing([newer])
    const box = ring.seal('four', 'kept')
    assert.equal(box.length, 1 + 4 + 12 + 4 + 16)
    assert.equal(box[0], 1)
    assert.equal(box.subarray(1, 5).toString('hex'), ring.fingerprint)
  })

  test('refuses a box of another purpose, of another place, altered, cut short or of a later version', () => {
    const ring = createKeyRing([newer])
    const box = ring.seal('value', 'kept', Buffer.of(1))
    assert.throws(() => ring.open(box, 'other', Buffer.of(1)), keysFault)
    assert.throws(() => ring.open(box, 'kept', Buffer.of(2)), keysFault)
    assert.throws(() => ring.open(box, 'kept'), keysFault)
    assert.throws(() => ring.open(box.subarray(0, 20), 'kept', Buffer.of(1)), keysFault)
    for (const at of [0, 2, 6, 18, box.length - 1]) {
      const altered = Buffer.from(box)
      altered[at] = (altered[at] ?? 0) ^ 1
      assert.throws(() => ring.open(altered, 'kept', Buffer.of(1)), keysFault, `byte ${at}`)
    }
  })

  test('opens with every key, seals with the newest and says what is to be sealed anew', () => {
    const before = createKeyRing([older])
    const after = createKeyRing([newer, older])
    const old = before.seal('value', 'kept')
    assert.equal(after.open(old, 'kept').toString(), 'value')
    assert.equal(after.isNewest(old), false)
    const fresh = after.seal('value', 'kept')
    assert.equal(after.isNewest(fresh), true)
    assert.throws(() => before.open(fresh, 'kept'), keysFault)
    assert.throws(() => createKeyRing([newer]).open(old, 'kept'), /which is not under "keys"/)
  })

  test('refuses no key and a key under 32 characters, without showing it', () => {
    assert.throws(() => createKeyRing([]), keysFault)
    assert.doesNotThrow(() => createKeyRing(['x'.repeat(32)]))
    assert.throws(
      () => createKeyRing([newer, 'short-one']),
      (error: Error) => error.message.startsWith('keys[1] has 9 characters') && !error.message.includes('short-one'),
    )
  })

  test('gives each purpose other bytes, and cookie keys newest first', () => {
    const ring = createKeyRing([newer, older])
    assert.equal(ring.derive('csrf', 48).length, 48)
    assert.deepEqual(ring.derive('csrf', 32), createKeyRing([newer]).derive('csrf', 32))
    assert.notDeepEqual(ring.derive('csrf', 32), ring.derive('state', 32))
    assert.deepEqual(ring.cookieKeys(), [
      ...createKeyRing([newer]).cookieKeys(),
      ...createKeyRing([older]).cookieKeys(),
    ])
    assert.notEqual(ring.cookieKeys()[0], ring.cookieKeys()[1])
  })
})

test('a digest is the first 16 bytes of the SHA-256 of kind:value', () => {
  const expected = createHash('sha256').update('grant:abc').digest().subarray(0, 16)
  assert.deepEqual(digest('grant', 'abc'), expected)
  assert.notDeepEqual(digest('uid', 'abc'), expected)
})

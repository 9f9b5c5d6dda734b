import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { createKeyRing } from '../../../core/storage/sealing.ts'
import {
  childOf,
  digestOf,
  rowOf,
  type StoredSession,
  sealedUid,
  sessionOf,
} from '../../../core/storage/session-rows.ts'
import { testKeys } from '../../support/storage.ts'

const ring = createKeyRing(testKeys)
const now = Date.UTC(2026, 0, 1)
const row = rowOf(
  {
    ...{ id: 'one', account: 'ada', host: 'localhost', idleSeconds: 600, endsAt: new Date(now), remember: false },
    ...{ amr: ['pwd'], authTime: new Date(now), instance: 'email', identity: 'i-1', address: '127.0.0.1' },
    ...{ userAgent: 'Test', data: { a: [1] }, providerUid: 'uid' },
  },
  { digest: digestOf('one'), now, ring },
)

/** Bytes of memory that are kept with it. */
function keptWith(stored: Partial<StoredSession>): number {
  const buffers = Object.values(stored).flatMap((value) => (value instanceof Buffer ? [value] : []))
  assert.ok(buffers.length >= 2)
  return buffers.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
}

test('a session that is kept keeps no slab of 64 KB for a few bytes of it', () => {
  assert.ok(keptWith(row) < 1024, `${keptWith(row)} bytes`)
  assert.ok(keptWith(sealedUid('bound later', row.digest, ring)) < 1024)
  assert.equal(sessionOf(row, ring).providerUid, 'uid')
  assert.deepEqual(sessionOf(row, ring).data, { a: [1] })
})

test('thousands of opened sessions share one shape, not a table of properties each', () => {
  setFlagsFromString('--allow-natives-syntax')
  const isFast = new Function('one', 'return %HasFastProperties(one)')
  setFlagsFromString('--no-allow-natives-syntax')
  assert.equal(isFast(sessionOf(row, ring)), true)
  assert.equal(isFast(sessionOf(childOf(row, { digest: digestOf('two'), host: 'ng.localhost', now }), ring)), true)
})

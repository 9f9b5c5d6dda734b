import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createUserTokens } from '../../../plugins/authz-ngauth/user-token.ts'
import { authWorld } from '../../support/auth-context.ts'
import { memoryStore } from '../../testkit/store.ts'

const hour = 3600
const one = { account: 'ada', origin: 'https://viewer.example' }
const kidOf = (token: string) => decodeProtectedHeader(token).kid

describe('the token of a person', () => {
  const { context, advance } = authWorld({ config: {}, text: { en: {} } })
  const store = memoryStore(context.clock)
  const tokens = (tokenGeneration = 1, at = 'https://ngauth.example') =>
    createUserTokens({ ...context, store, config: { tokenGeneration }, url: (path) => new URL(path, at) })

  test('names account and origin, and counts an hour', async () => {
    const token = await tokens().give(one, 'data')
    const { sub, aud, exp = 0, iat = 0 } = decodeJwt(token)
    assert.deepEqual([sub, aud, exp - iat], [one.account, one.origin, hour])
    assert.deepEqual(await tokens().read(token, 'data'), one)
    advance(hour - 1)
    assert.deepEqual(await tokens().read(token, 'data'), one)
    advance(2)
    assert.equal(await tokens().read(token, 'data'), undefined)
  })

  test('is read as long as it counts, however often it was read before, and no other in its place', async () => {
    const same = tokens()
    const token = await same.give(one, 'data')
    for (const seconds of [0, 1, 58, 2, hour - 62]) {
      advance(seconds)
      assert.deepEqual(await same.read(token, 'data'), one)
      assert.equal(await same.read(token, 'sign-out'), undefined)
      assert.equal(await same.read(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, 'data'), undefined)
    }
    advance(1)
    assert.equal(await same.read(token, 'data'), undefined)
  })

  test('given before midnight (UTC) counts its hour under the next day’s key, which then signs', async () => {
    const seconds = Math.floor(context.clock.now().getTime() / 1000)
    advance(86_400 - (seconds % 86_400) - 60)
    const before = await tokens().give(one, 'data')
    advance(120)
    const after = await tokens().give(one, 'data')
    assert.notEqual(kidOf(after), kidOf(before))
    assert.deepEqual(await tokens().read(before, 'data'), one)
    advance(hour - 119)
    assert.equal(await tokens().read(before, 'data'), undefined)
    assert.deepEqual(await tokens().read(after, 'data'), one)
  })

  test('of a former generation is over at once, and comes back with none', async () => {
    const token = await tokens(1).give(one, 'data')
    assert.equal(await tokens(2).read(token, 'data'), undefined)
    const next = await tokens(2).give(one, 'data')
    assert.deepEqual(await tokens(2).read(next, 'data'), one)
    assert.equal(await tokens(1).read(next, 'data'), undefined)
  })

  test('is good for one use, and at one server', async () => {
    const [data, proof] = [await tokens().give(one, 'data'), await tokens().give(one, 'sign-out')]
    assert.equal(await tokens().read(data, 'sign-out'), undefined)
    assert.equal(await tokens().read(proof, 'data'), undefined)
    assert.equal(await tokens(1, 'https://other.example').read(data, 'data'), undefined)
    for (const odd of [
      '',
      '.',
      '..',
      'x',
      'e30.e30.',
      data.slice(0, -4),
      `${data}x`,
      data.replace(/^[^.]+/, btoa('{}')),
    ])
      assert.equal(await tokens().read(odd, 'data'), undefined, odd)
  })

  test('is signed with one key by many who begin the day at once', async () => {
    advance(2 * 86_400)
    const all = await Promise.all(Array.from({ length: 50 }, () => tokens().give(one, 'data')))
    for (const token of all) assert.deepEqual(await tokens().read(token, 'data'), one)
  })
})

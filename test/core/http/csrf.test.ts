import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createCsrf } from '../../../core/http/csrf.ts'
import { answering, startApp } from '../../support/outer-app.ts'

const ringKeys = ['newest-key-0123456789abcdefghijkl', 'older-key-0123456789abcdefghijklm']

describe('createCsrf()', () => {
  const csrf = createCsrf({ ringKeys })
  const token = csrf.token('session-1', 'unlink')

  test('accepts a token for the same binding and purpose only', () => {
    assert.equal(csrf.isValid(token, 'session-1', 'unlink'), true)
    assert.equal(csrf.isValid(token, 'session-2', 'unlink'), false)
    assert.equal(csrf.isValid(token, 'session-1', 'sign-out'), false)
    assert.equal(csrf.isValid(token, undefined, 'unlink'), false)
  })

  test('refuses what is no token', () => {
    for (const wrong of [undefined, '', 'x', `${token}x`, token.slice(1), '='.repeat(43)])
      assert.equal(csrf.isValid(wrong, 'session-1', 'unlink'), false)
  })

  test('tells binding and purpose apart', () => {
    assert.notEqual(csrf.token('a', 'b,c'), csrf.token('a,b', 'c'))
  })

  test('accepts tokens of an older key of the ring and of no other', () => {
    assert.equal(csrf.isValid(createCsrf({ ringKeys: ringKeys.slice(1) }).token('s', 'p'), 's', 'p'), true)
    assert.equal(csrf.isValid(createCsrf({ ringKeys: ['another-key'] }).token('s', 'p'), 's', 'p'), false)
  })
})

describe('a route with a CSRF rule', () => {
  let server: Awaited<ReturnType<typeof startApp>>
  before(async () => {
    server = await startApp()
    server.app.routes.add({
      method: 'POST',
      path: '/interaction/:uid',
      body: { type: 'form' },
      csrf: { binding: (ctx) => ctx.params.uid, purpose: 'begin' },
      handler: answering('done'),
    })
  })
  after(() => server.close())
  const post = async (uid: string, fields: Record<string, string>, headers: Record<string, string> = {}) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(fields).toString()
    return (await server.send({ method: 'POST', path: `/interaction/${uid}`, body, headers: { ...type, ...headers } }))
      .status
  }
  const tokenOf = (uid: string) => ({ _csrf: server.app.csrf.token(uid, 'begin') })

  test('takes the token from the field or the header, also of a browser that sends no Origin', async () => {
    assert.equal(await post('u1', tokenOf('u1')), 200)
    assert.equal(await post('u1', {}, { 'x-csrf-token': tokenOf('u1')._csrf }), 200)
    assert.equal(await post('u1', tokenOf('u1'), { origin: server.issuer, 'sec-fetch-site': 'same-origin' }), 200)
  })

  test('refuses a missing token and one of another interaction', async () => {
    assert.equal(await post('u1', {}, { origin: server.issuer }), 403)
    assert.equal(await post('u1', tokenOf('u2'), { origin: server.issuer }), 403)
  })

  test('refuses another site although the token is right', async () => {
    assert.equal(await post('u1', tokenOf('u1'), { origin: 'https://evil.example' }), 403)
    assert.equal(await post('u1', tokenOf('u1'), { 'sec-fetch-site': 'same-site' }), 403)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isFault } from '@labgate/contract'
import { parseForm, parseJson } from '../../../core/http/body.ts'
import { startApp } from '../../support/outer-app.ts'

const isInput = (error: unknown) => isFault(error) && error.code === 'ERR_INPUT'

test('parseForm() refuses a name sent twice unless it may repeat', () => {
  assert.throws(() => parseForm('a=1&a=2'), isInput)
  assert.deepEqual(parseForm('a=1&a=2', ['a']).getAll('a'), ['1', '2'])
})

test('parseJson() refuses __proto__ at any depth', () => {
  assert.throws(() => parseJson('{"a":[{"__proto__":{"admin":true}}]}'), isInput)
  assert.deepEqual(parseJson('{"a":1}'), { a: 1 })
})

describe('reading a body', () => {
  let server: Awaited<ReturnType<typeof startApp>>
  before(async () => {
    server = await startApp()
    for (const type of ['form', 'json', 'raw'] as const) {
      server.app.routes.add({
        method: 'POST',
        path: `/${type}`,
        csrf: 'off',
        body: { type, limit: 100 },
        handler: ({ state, response }) => {
          response.body = { form: [...(state.form ?? [])], json: state.json ?? null, raw: state.raw?.length ?? null }
        },
      })
    }
  })
  after(() => server.close())
  const post = (path: string, type: string, body: string, more: Record<string, string> = {}) =>
    server.send({ method: 'POST', path, body, headers: { 'content-type': type, ...more } })

  test('gives forms, JSON and bytes', async () => {
    const form = await post('/form', 'application/x-www-form-urlencoded', 'a=1&b=%C3%BC')
    assert.deepEqual(JSON.parse(form.text).form, [
      ['a', '1'],
      ['b', 'ü'],
    ])
    assert.deepEqual(JSON.parse((await post('/json', 'application/json', '{"a":[1]}')).text).json, { a: [1] })
    assert.equal(JSON.parse((await post('/raw', 'application/octet-stream', 'abc')).text).raw, 3)
  })

  test('refuses more than the limit with 413, with or without a length', async () => {
    assert.equal((await post('/raw', 'text/plain', 'x'.repeat(101))).status, 413)
    const chunked = await post('/raw', 'text/plain', 'x'.repeat(101), { 'transfer-encoding': 'chunked' })
    assert.equal(chunked.status, 413)
    assert.equal((await post('/raw', 'text/plain', 'x'.repeat(100))).status, 200)
  })

  test('refuses other types and compression with 415, broken JSON and broken UTF-8 with 400', async () => {
    assert.equal((await post('/form', 'text/plain', 'a=1')).status, 415)
    assert.equal((await post('/json', 'text/plain', '{}')).status, 415)
    assert.equal((await post('/json', 'application/json', '{')).status, 400)
    assert.equal((await post('/json', 'application/json', '{}', { 'content-encoding': 'gzip' })).status, 415)
  })
})

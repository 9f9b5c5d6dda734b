import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ctx } from '../../../core/http/context.ts'
import { Ask, nobody } from '../../../core/http/dialect-ask.ts'
import type { DialectNeeds } from '../../../core/http/dialect-place.ts'

const headers = {
  accept: 'text/html',
  cookie: 'a=1; labgate_session=secret; __Host-labgate_session=secret; b=2',
  'set-cookie': ['c=3'],
}
const req = { method: 'GET', headers: { ...headers } }
const ctx = { req, state: { address: '10.0.0.1', requestId: 'r' } } as unknown as Ctx
const ask = new Ask(ctx, {} as DialectNeeds, nobody)

test('a handler sees the headers without our cookies, however it looks at them', () => {
  assert.equal(ask.headers.cookie, 'a=1; b=2')
  assert.equal({ ...ask.headers }.cookie, 'a=1; b=2')
  assert.equal(
    new Headers(Object.entries(ask.headers).filter(([, value]) => value !== undefined) as [string, string][]).get(
      'cookie',
    ),
    'a=1; b=2',
  )
  assert.equal(JSON.parse(JSON.stringify(ask.headers)).cookie, 'a=1; b=2')
  assert.equal(Object.getOwnPropertyDescriptor(ask.headers, 'cookie')?.value, 'a=1; b=2')
  assert.deepEqual(ask.cookies, { a: '1', b: '2' })
  assert.equal(ask.headers.accept, 'text/html')
})

test('there is nothing in them but texts that were sent', () => {
  assert.equal(ask.headers['set-cookie'], undefined)
  for (const name of ['constructor', 'toString', '__proto__', 'none']) assert.equal(ask.headers[name], undefined, name)
})

test('a handler changes none of them', () => {
  const open = ask.headers as Record<string, string>
  assert.throws(() => {
    open.accept = 'changed'
  }, TypeError)
  assert.throws(() => {
    delete open.accept
  }, TypeError)
  assert.throws(() => Object.defineProperty(open, 'accept', { value: 'changed' }), TypeError)
  assert.deepEqual(req.headers, headers)
})

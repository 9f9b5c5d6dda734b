import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createProxies } from '../../../core/http/edge.ts'
import { startApp } from '../../support/outer-app.ts'

const issuer = 'https://labgate.example'

async function startEcho(proxies: readonly string[]) {
  const server = await startApp({ issuer, proxies })
  server.app.routes.add({
    method: 'GET',
    path: '/who',
    handler: (ctx) => {
      ctx.cookies.set('__Host-x', '1', { signed: false })
      ctx.body = { address: ctx.state.address, ip: ctx.ip, host: ctx.host, headers: ctx.headers }
    },
  })
  return server
}

describe('behind a listed proxy (S23)', () => {
  let server: Awaited<ReturnType<typeof startEcho>>
  before(async () => {
    server = await startEcho(['127.0.0.1', '10.0.0.0/8', '2001:db8::/32'])
  })
  after(() => server.close())
  const who = async (headers: Record<string, string | string[]>) => {
    const reply = await server.send({ path: '/who', headers: { 'x-forwarded-proto': 'https', ...headers } })
    assert.equal(reply.status, 200)
    return JSON.parse(reply.text) as { address: string; ip: string; host: string; headers: Record<string, string> }
  }

  test('the client is the first address from the right that is no proxy', async () => {
    assert.equal((await who({ 'x-forwarded-for': '203.0.113.9' })).address, '203.0.113.9')
    assert.equal((await who({ 'x-forwarded-for': '198.51.100.1, 203.0.113.9, 10.1.2.3' })).address, '203.0.113.9')
    assert.equal((await who({ 'x-forwarded-for': '203.0.113.9, 2001:db8::7' })).address, '203.0.113.9')
  })

  test('an unreadable hop ends the chain at the hop before it', async () => {
    assert.equal((await who({ 'x-forwarded-for': '203.0.113.9, junk, 10.1.2.3' })).address, '10.1.2.3')
    assert.equal((await who({ 'x-forwarded-for': '0x7f000001' })).address, '127.0.0.1')
  })

  test('ports and IPv4 in IPv6 are understood', async () => {
    assert.equal((await who({ 'x-forwarded-for': '203.0.113.9:4711' })).address, '203.0.113.9')
    assert.equal((await who({ 'x-forwarded-for': '[2001:470::1]:4711' })).address, '2001:470::1')
    assert.equal((await who({ 'x-forwarded-for': '::ffff:203.0.113.9' })).address, '203.0.113.9')
  })

  test('a header sent twice counts as absent', async () => {
    assert.equal((await who({ 'x-forwarded-for': ['203.0.113.9', '203.0.113.10'] })).address, '127.0.0.1')
    const twice = await server.send({ path: '/who', headers: { 'x-forwarded-proto': ['https', 'https'] } })
    assert.equal(twice.status, 421)
  })

  test('what it says of a request that it asks about stays, if it says it once and spells it right', async () => {
    const told = {
      'x-forwarded-method': 'PUT',
      'x-forwarded-uri': '/a?b',
      'x-original-method': 'GET',
      'x-original-uri': '/c',
    }
    const { headers } = await who({ ...told, x_original_uri: '/evil', 'x-original-url': '/evil' })
    for (const [name, value] of Object.entries(told)) assert.equal(headers[name], value)
    assert.ok(!JSON.stringify(headers).includes('evil'))
    const twice = await who({ 'x-original-uri': ['/a', '/b'], 'x-forwarded-uri': ['/a', '/b'] })
    assert.equal(twice.headers['x-original-uri'], undefined)
    assert.equal(twice.headers['x-forwarded-uri'], undefined)
  })

  test('forwarded host, Forwarded and underscored spellings change nothing and reach nobody', async () => {
    const seen = await who({
      'x-forwarded-host': 'evil.example',
      'x-forwarded-port': '1',
      'x-forwarded-prefix': '/evil',
      x_forwarded_for: '203.0.113.66',
      'x-real-ip': '203.0.113.66',
      forwarded: 'for=203.0.113.66;host=evil.example;proto=http',
    })
    assert.equal(seen.address, '127.0.0.1')
    assert.equal(seen.ip, '127.0.0.1')
    assert.equal(seen.host, 'labgate.example')
    assert.doesNotMatch(JSON.stringify(seen.headers), /evil|203\.0\.113\.66/)
  })

  test('plain http is refused with the https address, and the log says how to mend it', async () => {
    const reply = await server.send({
      path: '/who?code=1',
      headers: { 'x-forwarded-proto': 'http', accept: 'text/html' },
    })
    assert.equal(reply.status, 421)
    assert.match(reply.text, /href="https:\/\/labgate\.example\/who"/)
    assert.match(server.kept.text(), /list its address in `proxies`/)
  })

  test('a Secure cookie can be set', async () => {
    const reply = await server.send({ path: '/who', headers: { 'x-forwarded-proto': 'https' } })
    assert.match(String(reply.headers['set-cookie']), /__Host-x=1; path=\/; secure; httponly/i)
  })
})

test('headers of anybody who is no listed proxy change nothing', async () => {
  const server = await startEcho(['10.0.0.0/8'])
  const plain = await server.send({ path: '/who' })
  const forged = await server.send({
    path: '/who',
    headers: { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'evil.example' },
  })
  await server.close()
  assert.equal(plain.status, 421)
  assert.equal(forged.status, 421)
  assert.ok(server.kept.lines().every((line) => line.address === undefined || line.address === '127.0.0.1'))
})

test('what somebody else says of a request that they ask about reaches nobody', async () => {
  const server = await startApp({ proxies: ['10.0.0.0/8'] })
  server.app.routes.add({
    method: 'GET',
    path: '/who',
    handler: (ctx) => {
      ctx.body = { headers: ctx.headers }
    },
  })
  const told = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/evil', 'x-original-uri': '/evil' }
  const reply = await server.send({ path: '/who', headers: told })
  await server.close()
  assert.equal(reply.status, 200)
  assert.doesNotMatch(reply.text, /evil|x-forwarded-method/)
})

test('createProxies() refuses an entry that is neither address nor range', () => {
  assert.throws(() => createProxies(['not-an-address']), TypeError)
})

test('createProxies() takes an IPv4 caller on an IPv6 socket for what it is', () => {
  assert.equal(createProxies(['127.0.0.1']).has('::ffff:127.0.0.1'), true)
  assert.equal(createProxies(['127.0.0.1']).has('::ffff:127.0.0.2'), false)
  assert.equal(createProxies(['127.0.0.1']).has(undefined), false)
  assert.equal(createProxies(['unix']).has(undefined), true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { placeOf, postgresOf, redisOf } from '../../../core/config/database.ts'
import { parseConfig } from '../../../core/config/load.ts'
import { clientConfig, databaseOf } from '../../../core/storage/postgres/client.ts'

const env = { DATABASE_PASSWORD: 'of the test', REDIS_PASSWORD: 'of the test, too' }
const parse = (part: string) => parseConfig(`issuer: https://a.example\n${part}`, { name: 'c.yaml', env }).config
const database = (part: string) => parse(`database: { ${part} }\n`)
const url = 'url: postgresql://labgate@db.example.org/lab'

test('without a url there is no PostgreSQL, and its settings are mistakes', () => {
  assert.equal(postgresOf(parse('')), undefined)
  assert.equal(placeOf(parse('')), 'data/labgate.db')
  for (const alone of ['password: { env: DATABASE_PASSWORD }', 'tls: off', 'ca: x.pem'])
    assert.throws(() => database(alone), /goes with a `url`/)
})

test('a connection is verified, unless nobody can listen in between or it is said', () => {
  const tls = (part: string) => postgresOf(database(part))?.tls
  assert.deepEqual(tls(url), {})
  assert.equal(tls(`${url}, tls: "off"`), 'off')
  for (const here of ['localhost', '127.0.0.1:5433', '[::1]:5432', ''])
    assert.equal(tls(`url: "postgresql://labgate@${here}/lab"`), 'off', here)
  assert.equal(tls('url: "postgresql://labgate@/lab?host=/run/postgresql"'), 'off')
  for (const elsewhere of ['@localhost.example.org/lab', '@127.example.org/lab', '@/lab?host=db.example.org'])
    assert.deepEqual(tls(`url: "postgresql://labgate${elsewhere}"`), {}, elsewhere)
  assert.deepEqual(tls('url: "postgresql://labgate@localhost/lab?host=db.example.org"'), {})
  assert.deepEqual(tls('url: "postgresql://labgate@localhost/lab", tls: verify'), {})
  assert.throws(() => tls(`${url}, ca: /none/ca.pem`), { code: 'ERR_CONFIG' })
})

test('an address is one of a database, and never holds a password', () => {
  for (const wrong of [
    'postgresql://labgate:word@db.example.org/lab',
    'postgresql://db.example.org',
    'mysql://db.example.org/lab',
    'postgresql://db.example.org/lab?password=word',
    'postgresql://db.example.org/lab?host=/a&password=word',
    'postgresql://db.example.org/lab?sslmode=prefer',
    'postgresql://db.example.org/lab?sslmode=verify-full&sslmode=disable',
    'postgresql://db.example.org/lab?sslkey=/a',
  ])
    assert.throws(
      () => database(`url: "${wrong}"`),
      (error: Error) =>
        /database\.url: must be/.test(error.message) &&
        !error.message.includes('word@') &&
        !error.message.includes('=word'),
      wrong,
    )
  const target = postgresOf(database(`${url}, password: { env: DATABASE_PASSWORD }`))
  assert.deepEqual(
    [target?.password, target?.connections, databaseOf(target ?? { url: '' })],
    ['of the test', 20, 'lab'],
  )
  assert.equal(placeOf(database(url)), 'postgresql://labgate@db.example.org/lab')
})

test('what an address says of TLS counts as `tls` and `ca` do, and verifies at least what it asks for', () => {
  const tlsOf = (address: string) => postgresOf(database(`url: "${address}"`))?.tls
  const at = 'postgresql://db.example.org/lab'
  assert.deepEqual([tlsOf(at), tlsOf(`${at}?sslmode=disable`)], [{}, 'off'])
  for (const mode of ['require', 'verify-ca', 'verify-full']) assert.deepEqual(tlsOf(`${at}?sslmode=${mode}`), {})
  assert.deepEqual(tlsOf('postgresql://localhost/lab?sslmode=verify-full&sslrootcert=system'), {})
  assert.equal(tlsOf('postgresql://localhost/lab'), 'off')
  assert.equal(postgresOf(database(`url: "${at}?sslmode=require"`))?.url, at)
})

test('the client is given every part of the address, and the password', () => {
  const given = (address: string) => {
    const target = postgresOf(database(`url: "${address}", password: { env: DATABASE_PASSWORD }, tls: verify`))
    const {
      user,
      password,
      host,
      port,
      database: name,
      ssl,
    } = new pg.Client(clientConfig(target ?? assert.fail('no target')))
    return [user, password, host, port, name, ssl]
  }
  const word = 'of the test'
  const verified = { rejectUnauthorized: true }
  assert.deepEqual(given('postgresql://a%40b@db.example.org:6000/lab'), [
    ...['a@b', word, 'db.example.org', 6000, 'lab'],
    verified,
  ])
  assert.deepEqual(given('postgresql://ada@[::1]/lab').slice(0, 5), ['ada', word, '::1', 5432, 'lab'])
  assert.deepEqual(given('postgresql://ada@/lab?host=%2Frun%2Fpg').slice(0, 5), ['ada', word, '/run/pg', 5432, 'lab'])
})

test('a Redis is named without its password, too', () => {
  const redis = (part: string) => redisOf(parse(`redis: { ${part} }\n`))
  assert.deepEqual(redis('url: "rediss://redis.example.org:6379", password: { env: REDIS_PASSWORD }'), {
    url: 'rediss://redis.example.org:6379',
    password: 'of the test, too',
    keep: ['rate-limits'],
  })
  const own = redis('url: "redis://redis.example.org/1", username: labgate, keep: [short-lived]')
  assert.deepEqual(own, {
    ...{ url: 'redis://redis.example.org/1', username: 'labgate', password: undefined },
    keep: ['short-lived'],
  })
  assert.throws(() => redis('url: "rediss://redis.example.org", ca: /none/ca.pem'), /redis\.ca: \/none\/ca\.pem cannot/)
  assert.throws(() => redis('url: "redis://redis.example.org", keep: [sessions]'), /redis\.keep\[0\]/)
  assert.throws(() => redis('url: "redis://:word@redis.example.org"'), /redis\.url: must be/)
})

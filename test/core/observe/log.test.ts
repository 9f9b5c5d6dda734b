import assert from 'node:assert/strict'
import fs from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, secretOf } from '@labgate/contract'
import { createLog } from '../../../core/observe/log.ts'
import { keptLog } from '../../support/outer-app.ts'

const clock = { now: () => new Date('2030-01-02T03:04:05.678Z') }

function logged(fields: Readonly<Record<string, unknown>>, message = 'said'): string {
  const { log, text } = keptLog()
  log.info(fields, message)
  return text()
}

test('a line is one JSON object with level, time, message and fields', () => {
  const lines: string[] = []
  createLog({ clock, write: (line) => void lines.push(line) }).warn({ part: 'mail' }, 'slow')
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    level: 'warn',
    time: '2030-01-02T03:04:05.678Z',
    part: 'mail',
    message: 'slow',
  })
})

test('what is below the level is not written', () => {
  const lines: string[] = []
  const log = createLog({ clock, level: 'warn', write: (line) => void lines.push(line) })
  log.info({}, 'no')
  log.error({}, 'yes')
  assert.equal(lines.length, 1)
})

test('secrets by their names are masked at any depth', () => {
  const names = [
    'authorization',
    'cookie',
    'set-cookie',
    'password',
    'clientSecret',
    'access_token',
    'id_token',
    'refreshToken',
    'code',
    'state',
    'nonce',
    'codeVerifier',
    '_csrf',
    'client_assertion',
  ]
  for (const name of names) {
    const text = logged({ outer: { headers: [{ [name]: 'THE-VALUE' }] } })
    assert.doesNotMatch(text, /THE-VALUE/, name)
  }
  assert.doesNotMatch(logged({ code: 123456 }), /123456/)
  assert.doesNotMatch(logged({ some: secretOf('THE-VALUE') }), /THE-VALUE/)
})

test('codes of errors are kept', () => {
  assert.match(logged({ error: new Fault('ERR_MAIL', 'no') }), /"code":"ERR_MAIL"/)
  assert.match(logged({ error: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }), /ECONNREFUSED/)
})

test('addresses lose query and fragment, headers in texts their tokens', () => {
  const text = logged(
    { url: 'https://a.example/cb?code=THE-VALUE', at: new URL('https://a.example/x#THE-VALUE') },
    'GET https://a.example/?THE-VALUE with Bearer THE-VALUE',
  )
  assert.doesNotMatch(text, /THE-VALUE/)
  assert.match(text, /https:\/\/a\.example\/cb/)
})

test('a megabyte and new lines end as one short line (S28)', () => {
  const text = logged(
    { username: `${'x'.repeat(1_000_000)}`, name: 'a\n{"level":"error"}\r\n\u001b[31m\u009b31m\u2028' },
    'two\nlines',
  )
  assert.equal(text.trimEnd().split('\n').length, 1)
  assert.ok(text.length < 10_000)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  assert.doesNotMatch(text.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u2028]/)
})

test('an error keeps its causes and details, masked alike', () => {
  const cause = new Fault('ERR_UPSTREAM', 'the upstream said no', {
    detail: { host: 'up.example', token: 'THE-VALUE' },
  })
  const text = logged({ error: new Error('outer', { cause }) })
  assert.match(text, /the upstream said no/)
  assert.match(text, /up\.example/)
  assert.doesNotMatch(text, /THE-VALUE/)
})

test('what runs in a circle or is very wide does not break the log', () => {
  const circle: Record<string, unknown> = { many: Array.from({ length: 10_000 }, (_, index) => index) }
  circle.self = circle
  assert.ok(logged({ circle }).length < 20_000)
})

test('child() adds its fields to every line', () => {
  const { log, lines } = keptLog()
  log.child({ instance: 'github', token: 'x' }).info({}, 'hello')
  assert.equal(lines()[0]?.instance, 'github')
  assert.equal(lines()[0]?.token, '[redacted]')
})

test('the log goes to a file of mode 0600, its folder made', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-log-'))
  const file = join(folder, 'logs', 'labgate.log')
  const log = createLog({ clock, file })
  log.info({ a: 1 }, 'kept')
  log.flush()
  assert.match(await readFile(file, 'utf8'), /"a":1,"message":"kept"/)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await rm(folder, { recursive: true })
})

test('a file that cannot be opened is told as the operator’s to mend', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-log-'))
  t.after(() => rm(folder, { recursive: true }))
  for (const file of [folder, join(import.meta.filename, 'labgate.log')])
    assert.throws(() => createLog({ clock, file }), {
      code: 'ERR_CONFIG',
      message: /^log\.file: cannot open .*written$/,
    })
})

test('what goes wrong is written at once, after the lines before it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-log-'))
  const file = join(folder, 'labgate.log')
  const log = createLog({ clock, file })
  log.info({ a: 1 }, 'before')
  log.error({}, 'wrong')
  assert.match(await readFile(file, 'utf8'), /"before"[^\n]*\n[^\n]*"wrong"/)
  log.info({}, 'after')
  await sleep(50)
  assert.match(await readFile(file, 'utf8'), /"after"/)
  await rm(folder, { recursive: true })
})

test('a full disk takes no line, and nobody with it; when there is room again, what was held is written, whole', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-log-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'labgate.log')
  const log = createLog({ clock, file })
  log.warn({}, 'before')
  const { writeSync } = fs
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  let room = 10
  const disk = t.mock.method(fs, 'writeSync', (fd: number, data: string | Buffer) => {
    if (room === 0) throw full
    const some = Buffer.from(data).subarray(0, room)
    room -= some.length
    return writeSync(fd, some)
  })
  log.error({}, 'first')
  log.error({}, 'second')
  log.info({}, 'third')
  log.flush()
  disk.mock.restore()
  log.warn({}, 'after')
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  const said = lines.map((line) => (JSON.parse(line) as { message: string }).message)
  assert.deepEqual(said, ['before', 'first', 'second', 'third', 'after'])
})

test('the line of a request says the same as any other line with its fields', () => {
  const lines: string[] = []
  const log = createLog({ clock, write: (line) => void lines.push(line) })
  const usual = { requestId: 'aB3', method: 'GET', route: '/a/:id', path: undefined, status: 200, address: '10.0.0.1' }
  const odd = [
    {},
    { status: 304 },
    { method: 'POST' },
    { address: '::1' },
    { address: 'un"known' },
    { route: undefined, path: '/x y' },
    { broken: true as const },
    { method: 'A"B' },
  ]
  for (const change of odd) {
    const line = { ...usual, ms: 3, broken: undefined, ...change }
    log.request(line)
    log.info(line, 'request')
    const [own = '', plain = ''] = lines.splice(0)
    assert.equal(own, plain, JSON.stringify(change))
  }
})

test('a secret is masked also in a line of plain words', () => {
  const lines: string[] = []
  const log = createLog({ clock, write: (line) => void lines.push(line) })
  log.info({ token: 'abc', code: 'xyz' }, 'request')
  assert.doesNotMatch(lines.join(''), /abc|xyz/)
})

test('a person at a terminal gets one readable line', () => {
  const lines: string[] = []
  createLog({ clock, style: 'human', write: (line) => void lines.push(line) }).info(
    { port: 8080, why: 'as asked' },
    'listening',
  )
  assert.deepEqual(lines, ['03:04:05 info  listening port=8080 why="as asked"\n'])
})

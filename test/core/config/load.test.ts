import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { isFault } from '@labgate/contract'
import { loadConfig, parseConfig, readConfig } from '../../../core/config/load.ts'
import type { Env } from '../../../core/config/secrets.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labgate-load-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const parse = (text: string, env: Env = {}) => parseConfig(text, { name: 'lab.yaml', env }).config

function mistakes(text: string, env: Env = {}): string[] {
  try {
    parse(text, env)
  } catch (error) {
    assert.ok(isFault(error) && error.code === 'ERR_CONFIG')
    return error.message.split('\n')
  }
  return []
}

test('the smallest file gets every default', () => {
  const config = parse('issuer: https://id.example.org\n')
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 })
  assert.deepEqual(config.session, { idle: 43_200, max: 86_400, remember: 604_800 })
  assert.equal(config.database.file, 'data/labgate.db')
  assert.equal(config.registration, 'open')
  assert.equal(config.demo, false)
  assert.deepEqual(config.keys, [])
  assert.deepEqual(config.claims.orcid, { orcid: 'fact:orcid' })
})

test('the database lies in the data folder unless it is named', () => {
  assert.equal(parse('issuer: https://a.b\ndata: /srv/gate\n').database.file, '/srv/gate/labgate.db')
  assert.equal(parse('issuer: https://a.b\ndatabase: { file: x.db }\n').database.file, 'x.db')
})

test('a scope that is written replaces its default and leaves the others', () => {
  const { claims } = parse('issuer: https://a.b\nclaims: { profile: { name: fact:name }, lab: { x: fact:y } }\n')
  assert.deepEqual(claims.profile, { name: 'fact:name' })
  assert.deepEqual(claims.lab, { x: 'fact:y' })
  assert.deepEqual(claims.groups, { groups: 'account:groups' })
})

test('JSON is read as well', () => {
  assert.equal(parse('{ "issuer": "https://a.b", "listen": { "port": 0 } }').listen.port, 0)
})

test('all mistakes are told at once, each with line and column', () => {
  const text = `issuer: https://id.example.org/
listen:
  prot: 80
  port: "80"
session: { idle: 12 hours }
plugins:
  github:
    enabled: yes
clients:
  wiki:
    redirectUris:
      - wiki.example.org
`
  assert.deepEqual(mistakes(text), [
    'lab.yaml:1:9: issuer: must be an origin such as https://id.example.org, without a path or a slash at the end, got "https://id.example.org/"',
    'lab.yaml:3:3: listen.prot: unknown key; did you mean `port`?',
    'lab.yaml:4:9: listen.port: must be an integer, got "80" (string)',
    'lab.yaml:5:18: session.idle: must be a length of time such as 90s, 15m, 24h or 7d, got "12 hours"',
    'lab.yaml:7:3: plugins.github: `use` is missing',
    'lab.yaml:8:14: plugins.github.enabled: must be a boolean, got "yes" (string)',
    'lab.yaml:12:9: clients.wiki.redirectUris[0]: must be an absolute URI such as https://example.org/callback, got "wiki.example.org"',
  ])
})

test('what is no single plain YAML document is told in plain words', () => {
  const cases: [string, RegExp][] = [
    ['', /^lab\.yaml:1:1: the file is empty/],
    ['# only a comment\n', /^lab\.yaml:1:1: the file is empty/],
    ['- a\n', /^lab\.yaml:1:1: must be `key: value` lines/],
    ['issuer: a\nissuer: b\n', /^lab\.yaml:2:1: this key stands here twice/],
    ['groups: { 1: { title: a }, "1": { title: b } }\n', /^lab\.yaml:1:28: this key stands here twice/],
    ['? [issuer]\n: b\n', /^lab\.yaml:1:3: a key must be a word/],
    [`name: ${'['.repeat(3000)}`, /^lab\.yaml:1:\d+: this is nested too deeply/],
    ['name: |stack\n  x\n', /^lab\.yaml:1:8: this is not YAML: Block scalar header .*: \|stack/],
    ['listen:\n\tport: 1\n', /^lab\.yaml:2:1: a tab indents this line/],
    ['a: &x 1\n', /^lab\.yaml:1:7: an anchor/],
    ['a: 1\n---\nb: 1\n', /^lab\.yaml:2:1: a second document/],
    ['a: !env X\n', /a tag \(`!name`\) is not supported/],
    ['a: [\n', /^lab\.yaml:\d+:\d+: this is not YAML/],
    ['true: 1\n', /^lab\.yaml:1:1: a key must be a word/],
  ]
  for (const [text, wanted] of cases) assert.match(mistakes(text).join('\n'), wanted, JSON.stringify(text))
})

test('a merge key brings nothing in', () => {
  assert.match(mistakes('issuer: https://a.b\nlisten: { <<: { port: 1 } }\n').join('\n'), /listen\["<<"\]: unknown key/)
})

test('conditions between keys are told with their place', () => {
  const text = `issuer: https://a.b
mail: { from: { address: a@b.org } }
clients:
  a: { redirectUris: ["https://a.b/"] }
  b: { public: true, secret: { env: S } }
plugins:
  p:
    use: x
    admission: { allow: { domains: [a.org], not: { all: [] } } }
  q:
    use: x
    admission: { allow: { any: [{ claim: c }] } }
`
  assert.deepEqual(mistakes(text, { S: 's' }), [
    'lab.yaml:2:1: mail: exactly one of `outbox` and `smtp` must be there',
    'lab.yaml:4:3: clients.a: `secret` is missing (or `public: true` for a client that can keep none)',
    'lab.yaml:5:22: clients.b.secret: a public client can keep no secret; remove one of the two',
    'lab.yaml:9:18: plugins.p.admission.allow: a rule has exactly one of all, any, not, domains, organisations, claim',
    'lab.yaml:12:33: plugins.q.admission.allow.any[0]: `claim` goes with exactly one of equals, oneOf, contains',
  ])
})

test('secrets are resolved by `demo` and the environment handed in', () => {
  const inline = 'issuer: https://a.b\nclients: { c: { secret: shown } }\n'
  assert.match(mistakes(inline)[0] ?? '', /^lab\.yaml:2:25: clients\.c\.secret: a secret may not stand in the file/)
  assert.equal(parse(`demo: true\n${inline}`).clients.c?.secret?.reveal(), 'shown')
  const config = parse('issuer: https://a.b\nkeys: [{ env: K1 }, { env: K2 }]\n', { K1: 'one', K2: 'two' })
  assert.deepEqual(
    config.keys.map((key) => key.reveal()),
    ['one', 'two'],
  )
})

test('a config can be printed without giving a secret away', () => {
  const config = parse('issuer: https://a.b\nkeys: [{ env: K }]\n', { K: 'precious' })
  assert.doesNotMatch(JSON.stringify(config) + inspect(config, { depth: 9 }), /precious/)
})

test('a plugin’s config stays as written, for the registry to check', () => {
  const config = parse(
    'issuer: https://a.b\nplugins: { p: { use: x, config: { life: 5m, secret: { env: NOT_SET } } } }\n',
  )
  assert.deepEqual(config.plugins.p?.config, { life: '5m', secret: { env: 'NOT_SET' } })
})

test('the config is frozen all the way down', () => {
  const config = parse('issuer: https://a.b\nadmins: ["email:a@b.org"]\n')
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.admins) && Object.isFrozen(config.database))
})

test('loadConfig() reads a file relative to `cwd`', async () => {
  await writeFile(join(folder, 'a.yaml'), 'issuer: https://a.b\nname: Ours\n')
  assert.equal((await loadConfig('a.yaml', { env: {}, cwd: folder })).name, 'Ours')
})

test('loadConfig() reads no more than 8 MB', async () => {
  await writeFile(join(folder, 'large.yaml'), Buffer.alloc(8 * 1024 * 1024 + 1, '#'))
  await assert.rejects(loadConfig('large.yaml', { env: {}, cwd: folder }), /^Fault: large\.yaml: is larger than 8 MB/)
})

test('loadConfig() says that a file is no UTF-8, and where', async () => {
  await writeFile(join(folder, 'latin.yaml'), Buffer.from('issuer: https://a.b\nname: M\xfcller\n', 'latin1'))
  await assert.rejects(loadConfig('latin.yaml', { env: {}, cwd: folder }), /latin\.yaml:2:1: this is not UTF-8/)
  await writeFile(join(folder, 'bom.yaml'), '\uFEFFissuer: https://a.b\r\n')
  assert.equal((await loadConfig('bom.yaml', { env: {}, cwd: folder })).issuer, 'https://a.b')
})

test('loadConfig() says that a file is missing', async () => {
  await assert.rejects(loadConfig('none.yaml', { env: {}, cwd: folder }), {
    code: 'ERR_CONFIG',
    message: 'none.yaml: there is no such file; `labgate init` writes one',
  })
})

test('readConfig() gives the absolute name, warnings and places', async () => {
  await writeFile(join(folder, 'key'), 'x'.repeat(32), { mode: 0o644 })
  await writeFile(join(folder, 'b.yaml'), 'issuer: https://a.b\nkeys: [{ file: key }]\n')
  const { file, warnings, locate } = await readConfig('b.yaml', { env: {}, cwd: folder })
  assert.equal(file, join(folder, 'b.yaml'))
  assert.deepEqual(
    warnings.map(({ path, line }) => ({ path, line })),
    [{ path: 'keys[0]', line: 2 }],
  )
  assert.deepEqual(locate(['keys'], 'key'), { file: 'b.yaml', line: 2, column: 1 })
})

test('the demo config and the example load, each naming the schema in its first line', async () => {
  const env = { OLD_SEALING_KEY: 'k', SMTP_PASSWORD: 'p', WIKI_SECRET: 's', PIPELINE_SECRET: 's' }
  for (const name of ['labgate.yaml', 'labgate.example.yaml']) {
    const written = await readFile(new URL(`../../../config/${name}`, import.meta.url), 'utf8')
    assert.ok(written.startsWith('# yaml-language-server: $schema=../schemas/labgate.schema.json\n'), name)
    await writeFile(join(folder, 'sealing'), 'k'.repeat(32), { mode: 0o600 })
    const text = written.replace('/run/secrets/labgate-sealing-key', join(folder, 'sealing'))
    assert.match(parseConfig(text, { name, env }).config.issuer, /^http/)
  }
})

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Fault } from '@labgate/contract'
import type { Command, Io } from '../../../core/cli/command.ts'
import { commands } from '../../../core/cli/commands.ts'
import { renderSchemas } from '../../../core/cli/schemas.ts'
import { main } from '../../../core/main.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labgate-cli-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const repository = new URL('../../../', import.meta.url)

async function labgate(argv: readonly string[], more: Partial<Io> & { table?: Parameters<typeof main>[2] } = {}) {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    env: {},
    cwd: folder,
    isTty: false,
    ...more,
  }
  const code = await main(argv, io, more.table)
  return { code, out: out.join(''), err: err.join('') }
}

const probe = (run: Command['run'], more: Partial<Command> = {}) => ({
  commands: {
    'new thing': async () => ({
      command: { name: 'new thing', summary: 'Probe.', usage: 'new thing', options: {}, run, ...more },
    }),
  },
})

test('--help lists every command with its summary', async () => {
  const { code, out, err } = await labgate(['--help'])
  assert.equal(code, 0)
  assert.equal(err, '')
  for (const [name, load] of Object.entries(commands)) {
    const { command } = await load()
    assert.equal(command.name, name)
    assert.match(out, new RegExp(`^ {2}${name} +${command.summary.replaceAll(/[.()/]/g, '\\$&')}$`, 'm'))
  }
})

test('without a command the help goes to standard error and the code is 2', async () => {
  const { code, out, err } = await labgate([])
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /Commands/)
})

test('a command’s help shows usage and options', async () => {
  const { code, out } = await labgate(['check', '--help'])
  assert.equal(code, 0)
  assert.match(out, /labgate check \[--config FILE\]/)
  assert.match(out, /-c, --config FILE {2}/)
})

test('an unknown command or option exits with 2 and proposes the near one', async () => {
  const command = await labgate(['chekc'])
  assert.deepEqual([command.code, command.out], [2, ''])
  assert.match(command.err, /there is no command `chekc`; did you mean `check`\?/)
  const option = await labgate(['check', '--jsno'])
  assert.equal(option.code, 2)
  assert.match(option.err, /unknown option `--jsno`; did you mean `json`\?/)
  assert.equal((await labgate(['check', 'extra'])).code, 2)
})

const echo: Command['run'] = async ({ positionals }, io) => {
  io.stdout.write(positionals.join())
  return 0
}

test('a command of two words is found, and what follows is its own', async () => {
  const table = probe(echo, { positionals: 2 })
  assert.deepEqual(await labgate(['new', 'thing', 'auth', 'x'], { table }), { code: 0, out: 'auth,x', err: '' })
})

test('a fault is printed as its message, with --verbose where it happened', async () => {
  const table = probe(() => Promise.reject(new Fault('ERR_KEYS', 'no key; set keys')))
  const short = await labgate(['new', 'thing'], { table })
  assert.deepEqual(short, { code: 1, out: '', err: 'labgate: ERR_KEYS\nno key; set keys\n' })
  assert.match((await labgate(['new', 'thing', '--verbose'], { table })).err, /at .*main\.test\.ts/)
})

test('anything else that is thrown is a bug and shows where, with its cause', async () => {
  const table = probe(() => Promise.reject(new Error('outer', { cause: new Error('inner') })))
  const { code, err } = await labgate(['new', 'thing'], { table })
  assert.equal(code, 1)
  assert.match(err, /Error: outer\n +at [\s\S]*caused by Error: inner/)
})

test('colours are for terminals that want them', async () => {
  const control = String.fromCharCode(27)
  assert.ok((await labgate(['--help'], { isTty: true })).out.includes(control))
  assert.ok(!(await labgate(['--help'], { isTty: true, env: { NO_COLOR: '1' } })).out.includes(control))
  assert.ok(!(await labgate(['--help'])).out.includes(control))
})

test('version prints JSON for scripts', async () => {
  const versions: unknown = JSON.parse((await labgate(['version', '--json'])).out)
  assert.deepEqual(versions, { labgate: '0.1.0', node: process.versions.node })
})

test('init writes a config that check accepts, and overwrites nothing', async () => {
  const argv = ['init', '--issuer', 'https://id.example.org', '--name', 'Our "lab": x', '--email', 'ada@example.org']
  const { code, out } = await labgate(argv)
  assert.equal(code, 0)
  assert.match(out, /SEALING_KEY/)
  const env = { SEALING_KEY: 'k'.repeat(32) }
  const checked = await labgate(['check', '--json'], { env })
  const result: { ok: boolean; errors: unknown[]; redirectUris: unknown } = JSON.parse(checked.out)
  assert.deepEqual(result.errors, [])
  assert.deepEqual(result.redirectUris, { email: ['https://id.example.org/sign-in/email/callback'] })
  const before = await readFile(join(folder, 'config/labgate.yaml'), 'utf8')
  const again = await labgate(argv)
  assert.equal(again.code, 1)
  assert.match(again.err, /is there already/)
  assert.equal(await readFile(join(folder, 'config/labgate.yaml'), 'utf8'), before)
})

test('init without options writes a config that check accepts', async () => {
  assert.equal((await labgate(['init', '--config', 'plain.yaml'])).code, 0)
  const env = { SEALING_KEY: 'k'.repeat(32) }
  assert.equal((await labgate(['check', '--config', 'plain.yaml'], { env })).err, '')
})

test('init writes nothing when what it was told cannot be', async () => {
  const { code, err } = await labgate(['init', '--issuer', 'example.org', '--config', 'never.yaml'])
  assert.equal(code, 1)
  assert.match(err, /issuer: must be an origin/)
  assert.ok(!(await readdir(folder)).includes('never.yaml'))
})

test('check tells the mistakes of the file, of plugins and of their configs, and exits with 1', async () => {
  const text = `issuer: http://localhost:8080
demo: true
plugins:
  email:
    use: "@labgate/auth-email"
    config: { trys: 3 }
  none: { use: "@labgate/auth-none" }
admins: [emial:a@b.org]
`
  await writeFile(join(folder, 'wrong.yaml'), text)
  const { code, err, out } = await labgate(['check', '-c', 'wrong.yaml'])
  assert.equal(code, 1)
  assert.match(err, /^error +wrong\.yaml:6:15: plugins\.email\.config\.trys: unknown key; did you mean `tries`\?$/m)
  assert.match(err, /^error +wrong\.yaml:7:3: plugins\.none: @labgate\/auth-none: package not found/m)
  assert.match(err, /^error +wrong\.yaml:8:10: admins\[0\]: there is no plugin `emial`; did you mean `email`\?$/m)
  assert.match(err, /^warning wrong\.yaml:1:1: mail: is not set/m)
  assert.match(out, /^wrong\.yaml: 3 errors, 1 warning$/m)
})

test('check tells of a file of terms that is missing', async () => {
  const terms = 'terms: { rules: { title: Rules, text: { file: rules.md } } }'
  await writeFile(join(folder, 'terms.yaml'), `issuer: http://localhost:8080\ndemo: true\n${terms}\n`)
  const checked = () => labgate(['check', '-c', 'terms.yaml'])
  assert.match((await checked()).err, /^error +terms\.yaml:3:\d+: terms\.rules\.text\.file: there is no such file$/m)
  await writeFile(join(folder, 'rules.md'), '# Rules\n')
  assert.equal((await checked()).code, 0)
})

test('check --json gives places and exits with 1', async () => {
  await writeFile(join(folder, 'bad.yaml'), 'issuer: 7\n')
  const { code, out } = await labgate(['check', '--config', 'bad.yaml', '--json'])
  assert.equal(code, 1)
  const wanted = { file: 'bad.yaml', line: 1, column: 9, path: 'issuer', message: 'must be a string, got 7 (number)' }
  assert.deepEqual(JSON.parse(out), { ok: false, errors: [wanted], warnings: [], redirectUris: {} })
})

test('check --redirect-uris prints what to register, a line each', async () => {
  const file = new URL('config/labgate.yaml', repository).pathname
  const { code, out } = await labgate(['check', '--config', file, '--redirect-uris'])
  assert.equal(code, 0)
  assert.deepEqual(out.trim().split('\n'), [
    'email\thttp://localhost:8080/sign-in/email/callback',
    'university\thttp://localhost:8080/sign-in/university/callback',
  ])
})

test('LABGATE_CONFIG names the config file', async () => {
  const { code, err } = await labgate(['check'], { env: { LABGATE_CONFIG: 'elsewhere.yaml' } })
  assert.equal(code, 1)
  assert.match(err, /elsewhere\.yaml: there is no such file/)
})

test('what `labgate schemas` writes is up to date', async () => {
  for (const { path, text } of await renderSchemas()) {
    assert.equal(await readFile(new URL(path, repository), 'utf8'), text, `${path} is stale; run \`npm run schemas\``)
  }
})

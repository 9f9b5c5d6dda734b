import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { labgate, type RunningCommand, startCommand, writeConfig } from '../../support/command-line.ts'
import { freePort, tempFolder } from '../../support/program.ts'

describe('a Labgate that serves reads its config again', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  let command: RunningCommand
  let config: Record<string, unknown>
  let issuer: string
  let file: string
  before(async () => {
    folder = await tempFolder()
    const port = await freePort()
    issuer = `http://localhost:${port}`
    config = {
      issuer,
      name: 'First',
      demo: true,
      data: 'kept',
      listen: { port },
      management: { port: 0 },
      mail: { from: { address: 'lab@example.org' }, outbox: 'outbox' },
      plugins: { email: { use: '@labgate/auth-email' } },
    }
    file = await writeConfig(folder.path, config)
    command = startCommand(['serve', '--config', file], { cwd: folder.path })
    await command.says('the database was migrated')
    command.process.kill('SIGHUP')
    await command.says('ready at')
  })
  after(async () => {
    command.process.kill('SIGTERM')
    assert.equal((await command.done).code, 0)
    await assert.rejects(stat(join(folder.path, 'kept', 'control.sock')), /ENOENT/)
    await folder.remove()
  })

  const page = async () => (await fetch(issuer)).text()
  const write = (part: object) => writeFile(file, stringify({ ...config, ...part }))
  const ask = (...more: string[]) => labgate(['reload', '--config', file, ...more], { cwd: folder.path })

  test('one that is asked for during the start is done when it serves', async () => {
    await command.says('The config was reloaded; nothing in it differs')
  })

  test('on SIGHUP', async () => {
    await write({ name: 'By signal' })
    command.process.kill('SIGHUP')
    await command.says('The config was reloaded; changed: name.')
    assert.match(await page(), /By signal/)
  })

  test('on `labgate reload`, which says what became of it and what a restart is needed for', async () => {
    await write({ name: 'By command', log: { level: 'debug' } })
    const { code, out } = await ask()
    assert.equal(code, 0)
    assert.match(out, /changed: name\.\nCounts after a restart only: log\./)
    assert.match(await page(), /By command/)
    const again = JSON.parse((await ask('--json')).out)
    assert.deepEqual([again.outcome, again.changed, again.restart], ['applied', [], ['log']])
  })

  test('a wrong file is refused with its place, and the former goes on', async () => {
    await write({ name: 'Wrong', clients: { x: { redirectUris: 'none' } } })
    const { code, out } = await ask()
    assert.equal(code, 1)
    assert.match(
      out,
      /not reloaded; the former one goes on:\n.*labgate\.yaml:\d+:\d+: clients\.x\.redirectUris: must be a list/,
    )
    assert.match(await page(), /By command/)
    await writeFile(file, 'name: [')
    assert.match((await ask()).err, /labgate\.yaml:1:/)
    assert.match(await page(), /By command/)
  })

  test('with `watch: true` by itself, also when an editor puts a new file in its place', async () => {
    await write({ name: 'Watched', reload: { watch: true } })
    await ask()
    await write({ name: 'In place', reload: { watch: true } })
    await untilPage(/In place/)
    const beside = `${file}.new`
    await writeFile(beside, stringify({ ...config, name: 'Renamed over', reload: { watch: true } }))
    await rename(beside, file)
    await untilPage(/Renamed over/)
  })

  const untilPage = async (wanted: RegExp) => {
    for (const end = performance.now() + 10_000; !wanted.test(await page()) && performance.now() < end; )
      await new Promise((done) => setTimeout(done, 50))
    assert.match(await page(), wanted)
  }

  test('only its own user may ask it', async () => {
    const { mode } = await stat(join(folder.path, 'kept', 'control.sock'))
    assert.equal(mode & 0o777, 0o600)
  })

  test('where nothing runs, the command says so', async () => {
    await writeFile(join(folder.path, 'other.yaml'), 'issuer: http://localhost\ndata: nowhere\n')
    const { code, err } = await labgate(['reload', '--config', 'other.yaml'], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(err, /ERR_NOT_FOUND\nno Labgate serves from the data folder/)
  })
})

test('the hang-up of a terminal ends it as ever', { skip: process.platform !== 'linux' }, async (t) => {
  const folder = await tempFolder()
  t.after(() => folder.remove())
  const port = await freePort()
  const file = await writeConfig(folder.path, {
    issuer: `http://localhost:${port}`,
    demo: true,
    data: folder.path,
    listen: { port },
    management: { enabled: false },
    plugins: { email: { use: '@labgate/auth-email' } },
    mail: { from: { address: 'lab@example.org' }, outbox: join(folder.path, 'outbox') },
  })
  const main = fileURLToPath(new URL('../../../core/main.ts', import.meta.url))
  // `script` gives it a terminal, and hangs up when it is ended itself.
  const line = `exec ${process.execPath} ${main} serve --config ${file}`
  const terminal = spawn('script', ['-qfec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  terminal.stdout.on('data', (text) => {
    said += text
  })
  for (const end = performance.now() + 10_000; !said.includes('ready at') && performance.now() < end; )
    await new Promise((done) => setTimeout(done, 50))
  assert.match(said, /ready at/)
  terminal.kill('SIGKILL')
  await once(terminal, 'exit')
  const gone = async () =>
    fetch(`http://localhost:${port}`).then(
      () => false,
      () => true,
    )
  for (const end = performance.now() + 10_000; !(await gone()) && performance.now() < end; )
    await new Promise((done) => setTimeout(done, 50))
  assert.ok(await gone())
})

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type RunningCommand, startCommand, writeConfig } from '../../support/command-line.ts'
import { freePort, tempFolder } from '../../support/program.ts'

/** A sign-in that takes as long as its config says to start and to stop. */
const slowPlugin = `export default {
  kind: 'auth', name: 'slow', contract: 1, text: { en: {} },
  config: { type: 'object', additionalProperties: false, properties: {
    start: { type: 'integer', default: 0, description: 'ms' },
    stop: { type: 'integer', default: 0, description: 'ms' },
    fails: { type: 'boolean', default: false, description: 'Whether start fails.' } } },
  create: ({ config }) => ({
    issuers: ['urn:slow'],
    card: () => ({ label: 'Slow' }),
    async start(signal) {
      if (config.fails) throw new Error('the cable is cut')
      await new Promise((go) => { const t = setTimeout(go, config.start); signal.addEventListener('abort', () => { clearTimeout(t); go() }) })
    },
    stop: () => new Promise((go) => setTimeout(go, config.stop)),
    begin: async () => ({ form: { fields: [], submit: 'Go' }, keep: {} }),
    next: async () => ({ denied: 'no' }),
  }),
}
`

describe('labgate serve', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  const running: RunningCommand[] = []
  before(async () => {
    folder = await tempFolder()
    await writeFile(join(folder.path, 'slow.js'), slowPlugin)
    await writeFile(join(folder.path, 'package.json'), '{ "type": "module" }')
  })
  after(async () => {
    for (const each of running) each.process.kill('SIGKILL')
    await Promise.all(running.map((each) => each.done))
    await folder.remove()
  })

  const serve = async (part: object = {}, env: Record<string, string> = {}, under: readonly string[] = []) => {
    const port = await freePort()
    const config = {
      issuer: `http://localhost:${port}`,
      demo: true,
      data: join(folder.path, `data-${port}`),
      listen: { port },
      management: { port: 0 },
      mail: { from: { address: 'lab@example.org' }, outbox: join(folder.path, 'outbox') },
      plugins: { email: { use: '@labgate/auth-email' } },
      ...part,
    }
    const file = await writeConfig(folder.path, config)
    const start = (...under: string[]) => {
      const command = startCommand(['serve', '--config', file], { cwd: folder.path, env, under })
      running.push(command)
      return command
    }
    return { port, config, start, command: start(...under) }
  }
  const slow = (config: object) => ({ plugins: { slow: { use: './slow.js', config } } })

  test('says where it listens and how the first admin signs in, serves, and ends with 0 on SIGTERM', async () => {
    const { port, command } = await serve()
    await command.says(`ready at http://localhost:${port}`)
    await command.says('(good once)')
    assert.match(command.output(), /\/account\/first-admin and enter [a-z0-9]{10,} \(good once\)/)
    assert.equal((await fetch(`http://localhost:${port}/.well-known/openid-configuration`)).status, 200)
    command.process.kill('SIGTERM')
    const { code, err } = await command.done
    assert.equal(code, 0)
    assert.match(err, /stopping/)
  })

  test('answers without what only some requests need: the ORM, mail, Markdown and requests to upstreams are loaded by who asks', async () => {
    const list = join(folder.path, 'loaded.txt')
    const preload = new URL('../../support/programs/loaded.mjs', import.meta.url)
    const env = { NODE_OPTIONS: `--import=${preload.href}`, LOADED_MODULES: list }
    const { port, command, start } = await serve({}, env)
    // The first start makes the database, by MikroORM's migrations.
    await command.says('ready at')
    command.process.kill('SIGTERM')
    assert.equal((await command.done).code, 0)
    const second = start()
    await second.says('ready at')
    assert.equal((await fetch(`http://localhost:${port}/.well-known/openid-configuration`)).status, 200)
    second.process.kill('SIGTERM')
    assert.equal((await second.done).code, 0)
    const loaded = await readFile(list, 'utf8')
    assert.match(loaded, /oidc-provider/)
    const late = ['@mikro-orm/sqlite', '@mikro-orm/migrations', 'kysely', 'nodemailer', 'markdown-it', 'undici']
    assert.deepEqual(
      late.filter((name) => loaded.includes(`/node_modules/${name}/`)),
      [],
    )
  })

  test('standard output carries the log and nothing else, and never the one-time code', async () => {
    const { command } = await serve()
    await command.says('ready at')
    command.process.kill('SIGINT')
    const { code, out, err } = await command.done
    assert.equal(code, 0)
    const secret = /enter ([a-z0-9]+)/.exec(err)?.[1] ?? assert.fail(err)
    assert.ok(!out.includes(secret))
    for (const line of out.trim().split('\n')) assert.equal(typeof JSON.parse(line).message, 'string')
  })

  test('a taken port ends it with 1, one clear line, and leaves the code of the running one alone', async () => {
    const { config, command, start } = await serve({ management: { enabled: false } })
    await command.says('ready at')
    const kept = () => {
      const database = new Database(join(config.data, 'labgate.db'), { readonly: true })
      const row = database
        .prepare<[], { value: string }>("select value from setting where key = 'first-admin-code'")
        .get()
      database.close()
      return row?.value
    }
    const before = kept()
    const { code, err } = await start().done
    assert.equal(code, 1)
    assert.match(err, /ERR_CONFIG\nlisten: cannot listen on 127\.0\.0\.1:\d+: another process listens there/)
    assert.doesNotMatch(err, /\n +at /)
    assert.ok(before)
    assert.equal(kept(), before)
    command.process.kill('SIGTERM')
    assert.equal((await command.done).code, 0)
  })

  test('a wrong sealing key ends it with 1 and says what to do', async () => {
    const keys = [{ env: 'SEAL' }]
    const part = { demo: false, keys }
    const { command } = await serve(part, { SEAL: 'a'.repeat(40) })
    await command.says('ready at')
    command.process.kill('SIGTERM')
    await command.done
    const other = startCommand(['serve', '-c', 'labgate.yaml'], { cwd: folder.path, env: { SEAL: 'b'.repeat(40) } })
    const { code, err } = await other.done
    assert.equal(code, 1)
    assert.match(err, /ERR_KEYS\nkeys: none of the configured keys opens/)
    assert.doesNotMatch(err, /\n +at /)
  })

  test('a disk that does not take a new database ends it with 1 and says so; with room the next start goes on', async () => {
    const littleRoom = ['bash', '-c', 'ulimit -f 150; exec "$0" "$@"']
    const { command, start } = await serve({}, {}, littleRoom)
    const { code, err } = await command.done
    assert.equal(code, 1)
    assert.match(err, /ERR_STORAGE\ndatabase: writing failed \(SQLITE_[A-Z_]+\); check free space and rights\n$/)
    const second = start()
    await second.says('ready at')
    second.process.kill('SIGTERM')
    assert.equal((await second.done).code, 0)
  })

  test('what `check` calls an error ends it with 1, before anything listens', async () => {
    const { command } = await serve({ admins: ['emial:ada@example.org'] })
    const { code, err } = await command.done
    assert.equal(code, 1)
    assert.match(err, /labgate\.yaml:\d+:\d+: admins\[0\]: there is no plugin `emial`/)
    assert.doesNotMatch(err, /ready/)
  })

  test('a plugin that does not start ends it with 1, named, and the process leaves at once', async () => {
    const { command } = await serve(slow({ fails: true }))
    const { code, err } = await command.done
    assert.equal(code, 1)
    assert.match(err, /ERR_PLUGIN\nplugins\.slow: .*: did not start: the cable is cut/)
    assert.doesNotMatch(err, /\n +at /)
  })

  test('a slow start says which plugin it waits for, and SIGTERM breaks it off', async () => {
    const { command } = await serve(slow({ start: 9_000 }))
    await command.says('still waiting for slow to start')
    const began = performance.now()
    command.process.kill('SIGTERM')
    assert.equal((await command.done).code, 0)
    assert.ok(performance.now() - began < 3_000)
    assert.doesNotMatch(command.output(), /ready at/)
  })

  test('a second signal ends it at once', async () => {
    const { command } = await serve(slow({ stop: 4_500 }))
    await command.says('ready at')
    command.process.kill('SIGTERM')
    await command.says('stopping')
    // The same signal from two sides counts once.
    command.process.kill('SIGTERM')
    await sleep(500)
    assert.equal(command.process.exitCode, null)
    const began = performance.now()
    command.process.kill('SIGTERM')
    assert.equal((await command.done).code, 143)
    assert.ok(performance.now() - began < 2_000)
  })
})

/** `labgate workspace …` beside a server of another process: what a command wishes, the server does at its next look. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCommand } from '../../support/command-line.ts'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'
import { freePort, tempFolder } from '../../support/program.ts'
import { directProfile, testProfiles } from '../../support/workspaces.ts'

let folder: CommandFolder
let server: ReturnType<typeof startCommand>
let runs: Awaited<ReturnType<typeof tempFolder>>
let running: string
let alice: string

before(async () => {
  const port = await freePort()
  runs = await tempFolder()
  folder = await commandFolder({
    issuer: `http://localhost:${port}`,
    listen: { port },
    management: { enabled: false },
    log: { level: 'warn' },
    plugins: {
      email: { use: '@labgate/auth-email' },
      here: { use: join(import.meta.dirname, '../../support/plugins/runner-local.ts'), config: { folder: runs.path } },
    },
    workspaces: {
      origin: 'http://*.localhost',
      profiles: { ...testProfiles, direct: await directProfile() },
      poll: '1s',
      grace: '1s',
      quotas: { user: { instances: 2 } },
    },
  })
  running = join(runs.path, 'running')
  alice = await folder.person('alice@example.org')
  server = startCommand(['serve', '--config', 'labgate.yaml'], { cwd: folder.path })
  await server.says('ready at')
})
after(async () => {
  server.process.kill('SIGTERM')
  await server.done
  await folder.remove()
  await runs.remove()
})

const left = () => (existsSync(running) ? readdirSync(running) : [])
async function until(id: string, state: string): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    if ((await folder.json('workspace', 'show', id)).state === state) return
    await sleep(200)
  }
  assert.fail(`${id} is not ${state}: ${JSON.stringify(await folder.json('workspace', 'show', id))} ${server.output()}`)
}

test('a command starts one, the server makes it ready; it is shown, listed, extended and heard', async () => {
  const made = await folder.json(
    'workspace',
    'start',
    'alice@example.org',
    'notebook',
    '--size',
    'large',
    '--title',
    'T',
  )
  assert.equal(made.state, 'reserved')
  await until(made.id, 'ready')
  assert.deepEqual(left(), [made.id])
  const [one] = await folder.json('workspace', 'list', '--state', 'running', '--account', 'alice@example.org')
  assert.deepEqual([one.id, one.account, one.size], [made.id, alice, 'large'])
  assert.match(
    await folder.text('workspace', 'list'),
    new RegExp(`${made.id}  alice +notebook +large +here +(ready|idle)`),
  )
  assert.match(await folder.text('workspace', 'events', made.id), /requested.*ready/s)
  assert.match(await folder.text('workspace', 'logs', made.id, '--tail', '5'), /app {2}at \//)
  assert.match(await folder.text('workspace', 'extend', made.id), /may run longer/)
  assert.deepEqual(await folder.json('workspace', 'message', 'At noon', '--profile', 'notebook'), { count: 1 })
  assert.match(await folder.text('workspace', 'events', made.id), /message +At noon/)
})

test('a stop, a restart and a removal by command are wishes that the server keeps; nothing is left', async () => {
  const [{ id }] = await folder.json('workspace', 'list', '--state', 'running')
  assert.match(await folder.text('workspace', 'stop', id, '--why', 'the test'), /will be stopped/)
  // The command itself has ended nothing: it knows no runner.
  await until(id, 'stopped')
  assert.deepEqual(left(), [])
  assert.equal((await folder.json('workspace', 'show', id)).stopReason, 'admin')
  assert.match(await folder.fails('workspace', 'stop', id), /has ended already/)
  await folder.text('workspace', 'restart', id)
  await until(id, 'ready')
  assert.match(await folder.fails('workspace', 'remove', id), /--why is missing/)
  await folder.text('workspace', 'remove', id, '--why', 'it hangs')
  await until(id, 'stopped')
  assert.deepEqual(left(), [])
  assert.match(await folder.text('workspace', 'forget', id), /is forgotten/)
  assert.match(await folder.fails('workspace', 'show', id), /there is no workspace/)
})

test('the credential past the proxy is told once, by whoever has the machine', async () => {
  const { id } = await folder.json('workspace', 'start', 'alice@example.org', 'direct')
  await until(id, 'ready')
  const { address, path, credential } = await folder.json('workspace', 'reveal', id)
  assert.match(await folder.text('workspace', 'show', id), new RegExp(`past the proxy +${address}`))
  const at = `http://${address}${path.replace('tree', 'api/status')}`
  const ask = (token: string) => fetch(at, { headers: { authorization: `token ${token}`, connection: 'close' } })
  assert.equal((await ask('wrong')).status, 403)
  assert.equal((await ask(credential)).status, 200)
  assert.match(await folder.fails('workspace', 'reveal', id), /shown already/)
  assert.match(await folder.text('workspace', 'quota', 'list'), /user +2 +any +any +config/)
  await folder.text('workspace', 'stop', id)
  await until(id, 'stopped')
  await assert.rejects(ask(credential))
  await folder.text('workspace', 'forget', id)
})

test('quotas, drained places and usage are kept and told', async () => {
  await folder.text('workspace', 'quota', 'set', 'account:alice@example.org', '--instances', '0', '--memory', '2g')
  assert.match(await folder.text('workspace', 'quota', 'list'), /account:alice +0 +2048m +any +0, 0m, 0 +database/)
  assert.match(await folder.fails('workspace', 'start', 'alice@example.org', 'notebook'), /ERR_CONFLICT/)
  const [own] = await folder.json('workspace', 'quota', 'list', '--account', 'alice@example.org')
  assert.deepEqual([own.scope, own.taken.instances], [`account:${alice}`, 0])
  await folder.text('workspace', 'quota', 'unset', 'account:alice@example.org')
  assert.match(await folder.fails('workspace', 'quota', 'set', 'everybody', '--cpus', '1'), /A quota is of/)
  assert.match(await folder.fails('workspace', 'quota', 'set', 'site', '--cpus', 'many'), /--cpus must be/)
  assert.deepEqual(await folder.json('workspace', 'drain', 'here'), ['here'])
  assert.match(await folder.fails('workspace', 'start', 'alice@example.org', 'notebook'), /takes nothing new/)
  assert.deepEqual(await folder.json('workspace', 'drain', 'here', '--off'), [])
  assert.match(await folder.fails('workspace', 'drain', 'there'), /no plugin there/)
  const usage = await folder.json('workspace', 'usage', '--by', 'account')
  assert.deepEqual(usage, [])
  assert.match(await folder.text('workspace', 'usage', '--by', 'group'), /Nothing/)
})

test('leases are shown, set in part and taken back, and count for what begins after', async () => {
  const lease = (...argv: string[]) => folder.json('workspace', 'lease', ...argv)
  const byConfig = await lease('list')
  assert.deepEqual([byConfig.firstSeconds, byConfig.maxSeconds, byConfig.source], [8 * 3600, 7 * 86_400, 'config'])
  await folder.text('workspace', 'lease', 'set', '--first', '90m')
  const after = await lease('set', '--max', '2d')
  assert.deepEqual(after, { firstSeconds: 5400, extensionSeconds: 8 * 3600, maxSeconds: 2 * 86_400, source: 'console' })
  assert.match(await folder.text('workspace', 'lease', 'list'), /every profile +90m +8h +2d +database/)
  assert.match(await folder.fails('workspace', 'lease', 'set', '--max', '30m'), /no longer than the longest/)
  assert.match(await folder.fails('workspace', 'lease', 'set', '--first', 'long'), /--first must be a length of time/)
  assert.match(await folder.fails('workspace', 'lease', 'set'), /nothing to set/)
  const made = await folder.json('workspace', 'start', 'alice@example.org', 'notebook')
  assert.equal(Math.round((Date.parse(made.leaseEndsAt) - Date.parse(made.createdAt)) / 60_000), 90)
  await folder.text('workspace', 'stop', made.id)
  await until(made.id, 'stopped')
  assert.equal((await lease('unset')).source, 'config')
})

test('what somebody has stored becomes a file of one’s own, whole or not at all, and over nothing', async () => {
  const number = await folder.rooms(async (rooms) => (await rooms.get('accounts').find(alice))?.numericId)
  const people = join(runs.path, 'people', `u${number}`)
  mkdirSync(people, { recursive: true })
  writeFileSync(join(people, 'notes.txt'), 'of Alice alone')
  const write = ['workspace', 'archive', 'alice@example.org', '--profile', 'notebook', '--out'] as const
  const file = join(folder.path, 'alice.tar')
  const { bytes } = await folder.json(...write, 'alice.tar')
  assert.deepEqual([statSync(file).size, statSync(file).mode & 0o777], [bytes, 0o600])
  assert.match(readFileSync(file, 'utf8'), /notes\.txt.*of Alice alone/s)
  assert.match(await folder.fails(...write, 'alice.tar'), /is there already/)
  assert.equal(statSync(file).size, bytes)
  mkdirSync(join(runs.path, 'faults'), { recursive: true })
  writeFileSync(join(runs.path, 'faults', 'archive'), '')
  assert.match(await folder.fails(...write, 'half.tar'), /broke off/)
  assert.equal(existsSync(join(folder.path, 'half.tar')), false)
  rmSync(join(runs.path, 'faults', 'archive'))
  assert.match(await folder.fails(...write, 'none/half.tar'), /cannot be written: ENOENT/)
  assert.match(await folder.fails('workspace', 'archive', alice, '--out', 'x.tar'), /--profile is missing.*notebook/)
  assert.match(await folder.fails('workspace', 'archive', alice), /--out is missing/)
  const noted = await folder.rooms((rooms) => rooms.get('storage').audit.list({ type: 'workspace.archived', limit: 9 }))
  assert.deepEqual(noted[0]?.account, alice)
})

/** Two processes on one SQLite file: a server under load, and commands that write. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Database from 'better-sqlite3'
import { startCommand, writeConfig } from '../../support/command-line.ts'
import { freePort, tempFolder } from '../../support/program.ts'

const secret = 'a-secret-of-the-robot-for-its-tests'
const basic = `Basic ${Buffer.from(`robot:${secret}`).toString('base64')}`

let folder: Awaited<ReturnType<typeof tempFolder>>
let issuer = ''
let server: ReturnType<typeof startCommand>

before(async () => {
  folder = await tempFolder()
  const port = await freePort()
  issuer = `http://localhost:${port}`
  await writeConfig(folder.path, {
    issuer,
    demo: true,
    data: folder.path,
    listen: { port },
    management: { enabled: false },
    log: { level: 'warn' },
    mail: { from: { address: 'lab@example.org' }, outbox: `${folder.path}/outbox` },
    plugins: { email: { use: '@labgate/auth-email' } },
    clients: { robot: { secret, grantTypes: ['client_credentials'] } },
  })
  server = run('serve')
  await server.says('ready at')
})
after(async () => {
  server.process.kill('SIGTERM')
  await server.done
  await folder.remove()
})

function run(...argv: string[]) {
  return startCommand([...argv, '-c', 'labgate.yaml'], { cwd: folder.path })
}

/** Each answer is a token that was written down durably. */
async function token(): Promise<{ readonly status: number; readonly ms: number }> {
  const began = performance.now()
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  const answer = await fetch(`${issuer}/oidc/token`, { method: 'POST', headers: { authorization: basic }, body })
  await answer.arrayBuffer()
  return { status: answer.status, ms: performance.now() - began }
}

/** Eight at a time until `until` settles. */
async function load(until: Promise<unknown>) {
  let going = true
  void until.finally(() => {
    going = false
  })
  const answers: Awaited<ReturnType<typeof token>>[] = []
  const worker = async () => {
    while (going) answers.push(await token())
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  return answers
}

test('commands that write while the server works for others neither fail nor hold it up for long', async () => {
  const commands = (async () => {
    const done = []
    for (let round = 0; round < 2; round++) {
      const added = run('client', 'add', `c${round}`, '--grant-type', 'client_credentials').done
      const rotated = run('keys', 'rotate', '--alg', 'ES256').done
      done.push(await added, await rotated)
    }
    return done
  })()
  const answers = await load(commands)
  for (const { code, err } of await commands) assert.equal(code, 0, err)
  assert.ok(answers.length > 20, `only ${answers.length} answers`)
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  )
  const slowest = Math.max(...answers.map(({ ms }) => ms))
  // Whoever loses the race for the write lock inside SQLite would wait up to its busy_timeout, 5 seconds.
  assert.ok(slowest < 3_000, `one took ${slowest} ms`)
  const listed = JSON.parse((await run('client', 'list', '--json').done).out)
  assert.deepEqual(
    listed.map(({ id }: { id: string }) => id),
    ['robot', 'c0', 'c1'],
  )
})

test('a command and the server wait for whoever holds the write lock a while', async () => {
  const holder = new Database(`${folder.path}/labgate.db`)
  holder.exec('BEGIN IMMEDIATE')
  try {
    const command = run('client', 'add', 'patient', '--grant-type', 'client_credentials')
    const answer = token()
    await new Promise((go) => setTimeout(go, 1_500))
    assert.equal(command.process.exitCode, null, command.output())
    holder.exec('COMMIT')
    assert.equal((await command.done).code, 0, command.output())
    assert.equal((await answer).status, 200)
  } finally {
    holder.close()
  }
})

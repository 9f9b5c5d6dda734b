/** A real notebook past the proxy: a program without a browser runs a kernel there, and a wrong token runs none. @module */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { needs } from '../support/needs.ts'
import { tempFolder } from '../support/program.ts'
import { directProfile, workspaceWorld } from '../support/workspaces.ts'

const command = [
  ...['jupyter-notebook', '--no-browser', '--allow-root', '--ip={bind}', '--port={port}'],
  ...['--NotebookApp.base_url={basePath}', '--NotebookApp.allow_remote_access=True', '--NotebookApp.port_retries=0'],
]
const environment = { HOME: '{home}', JUPYTER_RUNTIME_DIR: '{secrets}/runtime' }
const seconds = (count: number) => AbortSignal.timeout(count * 1000)

/** Asks a kernel over its WebSocket; answers what it gave back. */
function compute(url: string, code: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    const header = {
      msg_id: randomUUID(),
      session: randomUUID(),
      username: '',
      msg_type: 'execute_request',
      version: '5.3',
    }
    const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false }
    const asked = { header, parent_header: {}, metadata: {}, content, channel: 'shell' }
    const end = (done: () => void) => {
      socket.close()
      done()
    }
    seconds(60).addEventListener('abort', () => end(() => reject(new Error('the kernel did not answer'))))
    socket.addEventListener('open', () => socket.send(JSON.stringify(asked)))
    socket.addEventListener('error', () => end(() => reject(new Error('the kernel let nobody in'))))
    socket.addEventListener('message', ({ data }) => {
      const said = JSON.parse(String(data)) as { msg_type?: string; content: { data?: Record<string, string> } }
      if (said.msg_type === 'execute_result') end(() => resolve(said.content.data?.['text/plain'] ?? ''))
    })
  })
}

suite('a notebook past the proxy', { skip: needs('jupyter-notebook') }, () => {
  test('runs a kernel for who has its token, and for nobody else; nothing is left when it ends', {
    timeout: 180_000,
  }, async (t) => {
    const folder = await tempFolder()
    t.after(() => folder.remove())
    const profile = {
      ...(await directProfile()),
      runner: 'process',
      command,
      environment,
      readiness: { timeout: '90s' },
    }
    const world = await workspaceWorld({
      plugins: {
        process: {
          use: join(import.meta.dirname, '../support/plugins/runner-local.ts'),
          config: { folder: folder.path },
        },
      },
      workspaces: { profiles: { notebook: profile } },
    })
    t.after(() => world.stop())
    const { alice, as } = world
    const room = world.site.labgate.rooms.get('workspaces')
    const { id } = await room.request(as(alice), { account: alice, profile: 'notebook' })
    await new Promise<void>((resolve) => void room.watch(id, ({ kind }) => kind === 'ready' && resolve()))
    const { address, path, credential } = await room.reveal(as(alice), id)
    assert.equal(path, '/tree')
    const ask = (token: string, method = 'GET') =>
      fetch(`http://${address}/api/kernels`, {
        ...{ method, redirect: 'manual', signal: seconds(60) },
        headers: { authorization: `token ${token}`, connection: 'close' },
      })
    for (const wrong of ['', 'wrong', credential.slice(1)]) {
      assert.equal((await ask(wrong)).status, 403, wrong)
      assert.equal((await ask(wrong, 'POST')).status, 403, wrong)
    }
    assert.deepEqual(await (await ask(credential)).json(), [])
    const made = await ask(credential, 'POST')
    assert.equal(made.status, 201)
    const kernel = ((await made.json()) as { id: string }).id
    const channels = `ws://${address}/api/kernels/${kernel}/channels`
    assert.equal(await compute(`${channels}?token=${credential}`, '6*7'), '42')
    await assert.rejects(compute(`${channels}?token=wrong`, '6*7'), /let nobody in/)
    await room.stop(as(alice), id)
    await world.until(id, 'stopped')
    await assert.rejects(ask(credential), TypeError)
  })
})

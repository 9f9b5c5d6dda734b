/** A real notebook that is a process of this machine. @module */
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { needs } from '../support/needs.ts'
import { walkNotebook } from '../support/notebook-walk.ts'

suite('a notebook in a process', { skip: needs('chromium', 'jupyter-notebook') }, () => {
  test('is launched, used, culled when idle and not when busy, extended and stopped', {
    timeout: 240_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'labgate-notebook-'))
    const running = join(folder, 'running')
    const command = [
      ...['jupyter-notebook', '--no-browser', '--allow-root', '--ip={bind}', '--port={port}'],
      ...[
        '--NotebookApp.base_url={basePath}',
        '--NotebookApp.allow_remote_access=True',
        '--NotebookApp.port_retries=0',
      ],
    ]
    const environment = { HOME: '{home}', JUPYTER_RUNTIME_DIR: '{secrets}/runtime' }
    try {
      await walkNotebook({
        plugins: {
          process: { use: join(import.meta.dirname, '../support/plugins/runner-local.ts'), config: { folder } },
        },
        runner: 'process',
        profile: { command, environment },
        left: async (id) => (existsSync(running) ? readdirSync(running).filter((name) => name === id) : []),
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

/** A real notebook on a host reached by SSH. @module */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { needs } from '../support/needs.ts'
import { walkNotebook } from '../support/notebook-walk.ts'
import { startSshd } from '../support/sshd.ts'

/** Processes whose arguments or environment name the folder of an instance. */
function processesOf(id: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const words = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\0')
      return words.includes(id) && !words.includes('chromium') ? [words.split('\0', 3).join(' ')] : []
    } catch {
      return [] // It ended while we looked.
    }
  })
}

suite('a notebook on a host reached by SSH', { skip: needs('sshd', 'chromium', 'jupyter-notebook') }, () => {
  test('is launched, used, culled when idle and not when busy, extended and stopped', {
    timeout: 240_000,
  }, async () => {
    const sshd = await startSshd()
    try {
      const key = join(sshd.folder, 'labgate_key')
      await writeFile(key, sshd.key, { mode: 0o600 })
      const host = {
        host: '127.0.0.1',
        port: sshd.port,
        user: sshd.user,
        hostKeys: [sshd.fingerprint],
        key: { file: key },
      }
      const folder = join(sshd.folder, 'labgate')
      const command = [
        ...['jupyter-notebook', '--no-browser', '--allow-root', '--ip={bind}', '--port={port}'],
        ...[
          '--NotebookApp.port_retries=0',
          '--NotebookApp.base_url={basePath}',
          '--NotebookApp.allow_remote_access=True',
        ],
        '--NotebookApp.notebook_dir={home}',
      ]
      await walkNotebook({
        plugins: { host: { use: '@labgate/runner-ssh', config: { hosts: [{ name: 'one', ...host }], folder } } },
        runner: 'host',
        profile: { command },
        async left(id) {
          const run = join(folder, 'run')
          const names = existsSync(run) ? readdirSync(run, { recursive: true }).map(String) : []
          return [...names.filter((name) => name.includes(id)), ...processesOf(id)]
        },
      })
    } finally {
      await sshd.close()
    }
  })
})

/** What the conformance cases are told of runner-ssh: one real OpenSSH server, its files, and the processes of this machine. @module */
import { globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { RunnerPlugin } from '@labgate/contract'
import plugin from '@labgate/runner-ssh'
import type { RunnerSuite } from '@labgate/testkit'
import type { Sshd } from '../../support/sshd.ts'
import { processes } from './world.ts'

const server =
  "require('http').createServer((q,s)=>{try{s.end(require('fs').readFileSync(process.argv[2]))}" +
  "catch{s.statusCode=404;s.end()}}).listen(+process.argv[1],'127.0.0.1')"

/** The suite on a server. */
export function sshSuite(sshd: Sshd): RunnerSuite {
  const folders = (instance: string) => globSync(join(sshd.folder, '.labgate/run/*/*', instance))
  const own = (instance: string) =>
    processes().filter(({ argv, environment }) =>
      [...argv, ...environment].some((word) => word.includes(`/${instance}/`)),
    )
  return {
    plugin: plugin as unknown as RunnerPlugin,
    config: {
      listenTimeout: '2s',
      hosts: [
        {
          ...{ name: 'one', host: '127.0.0.1', port: sshd.port, user: sshd.user, hostKeys: [sshd.fingerprint] },
          ...{ key: sshd.key, connectTimeout: '5s' },
        },
      ],
    },
    app: (script) => ({
      ...{ name: 'app', title: 'App', image: undefined, port: 1, environment: {}, user: undefined },
      command: [
        ...['sh', '-c', `export PAGE={secrets}/../page STORE={home}; ${script}\nexec "$0" -e "$1" {port} $PAGE`],
        ...[process.execPath, server],
      ],
      mounts: [{ name: 'home', of: 'person', source: undefined, target: '{home}', readOnly: false }],
    }),
    remains: async (instance) => [...folders(instance), ...own(instance).map(({ argv }) => argv.join(' '))],
    exposed: async (instance) => JSON.stringify(own(instance)),
    async vanish(instance) {
      for (const { pid } of own(instance)) process.kill(pid, 'SIGKILL')
      for (const folder of folders(instance)) rmSync(folder, { recursive: true })
    },
    async down() {
      await sshd.down()
      return () => sshd.up()
    },
  }
}

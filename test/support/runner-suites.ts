/** What the conformance cases are told of the runners that are tested here. @module */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AppProfile, RunnerPlugin } from '@labgate/contract'
import type { RunnerSuite } from '@labgate/testkit'
import docker from '../../plugins/runner-docker/index.ts'
import type { Engine } from './engine.ts'
import local from './plugins/runner-local.ts'

/** Label that names the workspace of a container. */
const instanceLabel = 'labgate.instance'

/** An app of the little image: a script, then a small web server. */
export function busyboxApp(script: string, image = 'labgate-test/busybox:1'): AppProfile {
  const before = 'export PAGE=/tmp/w/index.html STORE={home}; mkdir -p /tmp/w'
  return {
    ...{ name: 'app', title: 'App', image, port: 8080, environment: { HOME: '{home}' } },
    command: ['sh', '-c', `${before}; ${script}\nexec httpd -f -p {port} -h /tmp/w`],
    user: { uid: 1000, gid: 1000 },
    mounts: [{ name: 'home', of: 'person', source: undefined, target: '/home/work', readOnly: false }],
  }
}

/** runner-docker on an engine that has the little image; a killed engine must not take its containers along. */
export function engineSuite(engine: Engine, config: object = {}): RunnerSuite {
  const { client } = engine
  const containers = (instance: string) =>
    client.listContainers({ all: true, filters: { label: [`${instanceLabel}=${instance}`] } })
  return {
    plugin: docker as unknown as RunnerPlugin,
    config: { socket: engine.socket, bind: engine.bind, pull: 'never', timeout: '20s', ...config },
    app: busyboxApp,
    remains: async (instance) => (await containers(instance)).map(({ Names }) => Names.join(' ')),
    async exposed(instance) {
      const said: unknown[] = []
      for (const { Id } of await containers(instance)) {
        const container = client.getContainer(Id)
        said.push(await container.inspect(), await container.top(), processesOf(Id))
      }
      return JSON.stringify([said, await client.listVolumes()])
    },
    async vanish(instance) {
      for (const { Id } of await containers(instance)) await client.getContainer(Id).remove({ force: true, v: true })
    },
    async down() {
      await engine.kill()
      return () => engine.start()
    },
  }
}

/** Arguments and environments of a container's processes, as this machine sees them. */
function processesOf(container: string): string[] {
  return processes().flatMap((pid) => {
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').replaceAll('\0', ' ')
    try {
      return read('cgroup').includes(container) ? [read('cmdline'), read('environ')] : []
    } catch {
      return [] // It ended while we looked.
    }
  })
}

function processes(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

const server =
  "require('http').createServer((q,s)=>{try{s.end(require('fs').readFileSync(process.argv[2]))}" +
  "catch{s.statusCode=404;s.end()}}).listen(+process.argv[1],'127.0.0.1')"

/** runner-local in a folder. */
export function localSuite(folder: string, plugin: RunnerPlugin = local as unknown as RunnerPlugin): RunnerSuite {
  mkdirSync(join(folder, 'faults'), { recursive: true })
  const fault = (name: string) => {
    writeFileSync(join(folder, 'faults', name), '')
    return async () => rmSync(join(folder, 'faults', name), { force: true })
  }
  const own = (instance: string) => processes().filter((pid) => words(pid).includes(`/running/${instance}/`))
  return {
    plugin,
    config: { folder },
    app: (script) => ({
      ...{ name: 'app', title: 'App', image: undefined, port: 1, environment: {}, user: undefined },
      command: [
        ...['sh', '-c', `export PAGE={secrets}/../page STORE={home}; ${script}\nexec "$0" -e "$1" {port} $PAGE`],
        ...[process.execPath, server],
      ],
      mounts: [{ name: 'home', of: 'person', source: undefined, target: '{home}', readOnly: false }],
    }),
    async remains(instance) {
      const isThere = existsSync(join(folder, 'running', instance))
      return [...(isThere ? ['folder'] : []), ...own(instance).map(() => 'process')]
    },
    exposed: async (instance) =>
      own(instance)
        .map((pid) => words(pid) + readFileSync(`/proc/${pid}/environ`, 'utf8'))
        .join('\n'),
    async vanish(instance) {
      for (const pid of own(instance)) process.kill(Number(pid), 'SIGKILL')
      rmSync(join(folder, 'running', instance), { recursive: true, force: true })
    },
    down: async () => fault('down'),
    phases: [{ name: 'its app starts', arrange: async () => fault('slow') }],
  }
}

function words(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // It ended while we looked.
  }
}

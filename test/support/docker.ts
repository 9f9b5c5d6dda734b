/**
 * A real Docker engine of a test's own: folder, socket and bridge are its own, no firewall rule and no setting of the
 * kernel is touched. Its containers reach this machine and nothing beyond.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { type Engine, emptyEngine, endChild, freeSubnet, ip, startEngine, unmountBelow } from './engine.ts'
import { needs, programOf } from './needs.ts'
import { tempFolder } from './program.ts'

/** Why Docker cannot be tested here, or `false`. */
export const noDocker = () => needs('docker', 'ip', 'busybox')

/** What the engine is asked for. */
export interface DockerOptions {
  /** Containers go on while the engine is away. */
  readonly liveRestore?: boolean
  /** In a network namespace of its own, with its own firewall, as an engine has it by default. No port can be reached. */
  readonly apart?: boolean
  /** Where it listens besides, and its certificates. */
  readonly tls?: { readonly port: number; readonly ca: string; readonly cert: string; readonly key: string }
  /** Registries on loopback that it may ask without TLS. */
  readonly insecureRegistries?: readonly string[]
}

/** Starts one; ask {@link noDocker} first. */
export async function startDocker(options: DockerOptions = {}): Promise<Engine> {
  const folder = await tempFolder()
  const bridge = `lg${randomBytes(4).toString('hex')}`
  const subnet = freeSubnet()
  const gateway = `${subnet}.1`
  const socket = join(folder.path, 'docker.sock')
  const sweep = async () => {
    await unmountBelow(folder.path)
    if (options.apart) await ip('netns', 'delete', bridge).catch(() => undefined)
    await ip('link', 'delete', bridge).catch(() => undefined)
    await folder.remove()
  }
  try {
    if (options.apart) {
      await ip('netns', 'add', bridge)
      await ip('-n', bridge, 'link', 'set', 'lo', 'up')
    } else await makeBridge(bridge, gateway)
    const args = argumentsOf({ folder: folder.path, socket, bridge, options })
    const [command = '', ...first] = [
      ...(options.apart ? ['nsenter', `--net=/run/netns/${bridge}`] : []),
      programOf('docker'),
    ]
    const start = () => startEngine({ command, args: [...first, ...args], folder: folder.path, socket })
    let child = await start()
    const client = new Docker({ socketPath: socket, host: undefined })
    return {
      ...{ kind: 'docker', socket, bind: '127.0.0.1', gateway, folder: folder.path, client },
      async kill() {
        await endChild(child, 'SIGKILL')
        // Its containerd dies with it. Where nobody buries it, the next engine would take its number for a living one.
        await rm(join(folder.path, 'exec/containerd/containerd.pid'), { force: true })
      },
      async start() {
        child = await start()
      },
      silence() {
        child.kill('SIGSTOP')
        return { end: () => void child.kill('SIGCONT') }
      },
      async close() {
        child.kill('SIGCONT')
        await emptyEngine(client)
        await endChild(child, 'SIGTERM')
        endPidOf(join(folder.path, 'exec/containerd/containerd.pid'))
        await sweep()
      },
    }
  } catch (error) {
    await sweep()
    throw error
  }
}

interface Ground {
  readonly folder: string
  readonly socket: string
  readonly bridge: string
  readonly options: DockerOptions
}

function argumentsOf({ folder, socket, bridge, options }: Ground): string[] {
  const { liveRestore, apart, tls, insecureRegistries = [] } = options
  const quiet = ['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false']
  return [
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'docker.pid'), '-H', `unix://${socket}`, '--oom-score-adjust=0'],
    ...(apart ? [] : ['--bridge', bridge, ...quiet]),
    ...(liveRestore ? ['--live-restore'] : []),
    ...insecureRegistries.map((one) => `--insecure-registry=${one}`),
    ...(tls === undefined
      ? []
      : ['-H', `tcp://127.0.0.1:${tls.port}`, '--tlsverify', '--tlscacert', tls.ca, '--tlscert', tls.cert]),
    ...(tls === undefined ? [] : ['--tlskey', tls.key]),
  ]
}

async function makeBridge(name: string, gateway: string): Promise<void> {
  await ip('link', 'add', 'name', name, 'type', 'bridge')
  await ip('address', 'add', `${gateway}/24`, 'dev', name)
  await ip('link', 'set', name, 'up')
}

// An engine that was killed leaves its containerd behind.
function endPidOf(file: string): void {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL')
  } catch {
    // It has ended with its engine.
  }
}

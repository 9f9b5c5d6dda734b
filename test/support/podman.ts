/**
 * A real Podman of a test's own behind Docker's interface. It lives in a network namespace of its own, so that its
 * firewall rules and its bridge touch nothing else; a cable joins it to this machine.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { type Engine, emptyEngine, endChild, freeSubnet, ip, startEngine, unmountBelow } from './engine.ts'
import { needs, programOf } from './needs.ts'
import { tempFolder } from './program.ts'

/** Why Podman cannot be tested here, or `false`. */
export const noPodman = () => needs('podman', 'runc', 'netavark', 'aardvark-dns', 'iptables', 'ip', 'busybox', 'docker')

/** Starts one; ask {@link noPodman} first. */
export async function startPodman(): Promise<Engine> {
  const folder = await tempFolder()
  const space = `lg${randomBytes(4).toString('hex')}`
  const subnet = freeSubnet()
  const [gateway, bind] = [`${subnet}.1`, `${subnet}.2`]
  const socket = join(folder.path, 'podman.sock')
  const sweep = async () => {
    endMonitors(folder.path)
    await unmountBelow(folder.path)
    await ip('netns', 'delete', space).catch(() => undefined)
    await ip('link', 'delete', space).catch(() => undefined)
    await folder.remove()
  }
  try {
    await cable(space, { gateway, bind })
    const env = await configured(folder.path)
    const args = [`--net=/run/netns/${space}`, programOf('podman'), 'system', 'service', '--time=0', `unix://${socket}`]
    // `ip netns exec` would mount /sys anew and hide the cgroups.
    const start = () => startEngine({ command: 'nsenter', args, env, folder: folder.path, socket })
    let child = await start()
    const client = new Docker({ socketPath: socket, host: undefined })
    return {
      ...{ kind: 'podman', socket, bind, gateway, folder: folder.path, client },
      kill: () => endChild(child, 'SIGKILL'),
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
        await sweep()
      },
    }
  } catch (error) {
    await sweep()
    throw error
  }
}

async function cable(space: string, { gateway, bind }: { gateway: string; bind: string }): Promise<void> {
  await ip('netns', 'add', space)
  await ip('link', 'add', space, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
  await ip('address', 'add', `${gateway}/24`, 'dev', space)
  await ip('link', 'set', space, 'up')
  await ip('-n', space, 'address', 'add', `${bind}/24`, 'dev', 'eth0')
  await ip('-n', space, 'link', 'set', 'eth0', 'up')
  await ip('-n', space, 'link', 'set', 'lo', 'up')
}

async function configured(folder: string): Promise<Record<string, string>> {
  const most = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? '1024'
  const containers = join(folder, 'containers.conf')
  const storage = join(folder, 'storage.conf')
  await writeFile(
    containers,
    `[containers]
default_ulimits = ["nofile=${most}:${most}", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
init_path = "${initOf()}"
runtime = "runc"
tmp_dir = "${folder}/tmp"
[network]
network_backend = "netavark"
network_config_dir = "${folder}/networks"
`,
  )
  await writeFile(storage, `[storage]\ndriver = "overlay"\nrunroot = "${folder}/run"\ngraphroot = "${folder}/graph"\n`)
  return { CONTAINERS_CONF: containers, CONTAINERS_STORAGE_CONF: storage }
}

// It comes with Debian's docker.io; Podman's own would do as well.
function initOf(): string {
  return execFileSync('sh', ['-c', 'command -v docker-init || command -v catatonit'], { encoding: 'utf8' }).trim()
}

/** Each container has a monitor, and an exec leaves one behind for minutes: those of this folder alone. */
function endMonitors(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (words[0]?.endsWith('conmon') && words.some((word) => word.startsWith(`${folder}/`)))
        process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended while we looked.
    }
  }
}

/** A stand-in for systemd-run on machines without systemd: the same limits, kept by the kernel, in groups that go with the test. @module */
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  globSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tempFolder } from './program.ts'

/** Why there are no scopes here, or `false`. */
export function noScopes(): string | false {
  const groups = groupsOf('')
  if (process.getuid?.() !== 0) return 'control groups can be made by root alone'
  if (groups.length < 3) return 'there are no control groups of version 1 for memory, cpu and pids'
  return groups.every(isWritable) ? false : 'control groups cannot be made here'
}

/** Programs for the path of a host, and how many groups there are. */
export interface Scopes {
  /** A folder with `systemd-run` in it. */
  readonly programs: string
  /** Names of the scopes that there are. */
  names(): readonly string[]
  close(): Promise<void>
}

/** Makes the folder with the program. */
export async function startScopes(): Promise<Scopes> {
  const { path, remove } = await tempFolder()
  const root = `labgate-test-${process.pid}-${path.slice(-6)}`
  const program = join(path, 'systemd-run')
  copyFileSync(join(import.meta.dirname, 'programs/systemd-run'), program)
  chmodSync(program, 0o755)
  chmodSync(path, 0o755)
  writeFileSync(join(path, 'scopes'), root)
  const scopes = () => groupsOf(root).flatMap((group) => globSync(`${group}/*.scope`))
  return {
    programs: path,
    names: () => [...new Set(scopes().map((scope) => scope.split('/').at(-1) ?? ''))],
    async close() {
      // What a host tried for a second may still be at it.
      for (let tries = 0; scopes().some(isHeld) && tries < 100; tries += 1) await sleep(50)
      for (const folder of [...scopes(), ...groupsOf(root)]) if (existsSync(folder)) rmdirSync(folder)
      await remove()
    },
  }
}

function groupsOf(name: string): readonly string[] {
  return readFileSync('/proc/self/cgroup', 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, controllers = '', path = ''] = line.split(':')
      if (!['memory', 'cpu', 'pids'].includes(controllers)) return []
      return [join('/sys/fs/cgroup', controllers, path, name)]
    })
    .filter((group) => name !== '' || existsSync(join(group, 'cgroup.procs')))
}

function isHeld(scope: string): boolean {
  return readFileSync(join(scope, 'cgroup.procs'), 'utf8') !== ''
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false // a file system that is mounted for reading
  }
}

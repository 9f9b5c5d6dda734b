/** The nginx of Debian, with the configuration beside this file, in a folder of its own. @module */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isTaken, type Site } from './site.ts'

const absent = `nginx is not installed, and this example stands behind a real one. On Debian and Ubuntu:

  sudo apt-get install nginx

The package also starts an nginx of its own, on port 80, which this example does not need: sudo systemctl disable --now nginx`

/** What it needs. */
export interface NginxNeeds {
  /** Absolute path of its configuration. */
  readonly file: string
  /** Absolute folder for what it writes; made when it is missing. */
  readonly folder: string
  /** Port of the configuration: it answers there once it is ready. */
  readonly port: number
}

/** Starts it. @throws Error when it is not installed, its port is taken, or it ends by itself, with what it printed */
export async function startNginx({ file, folder, port }: NginxNeeds): Promise<Site> {
  const command = nginx()
  if (command === undefined) throw new Error(absent)
  if (await isTaken(port)) throw new Error(`nginx cannot listen at 127.0.0.1:${port}: another process listens there`)
  await mkdir(folder, { recursive: true })
  // Started by root it would become somebody who may not write here.
  const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : []
  const child = spawn(command, ['-p', folder, '-c', file, '-e', 'stderr', ...user], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  let isOver = false
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-4000)
    })
  const ended = new Promise<void>((resolve) => {
    for (const event of ['exit', 'error'] as const)
      child.once(event, () => {
        isOver = true
        resolve()
      })
  })
  for (let tries = 0; !isOver && tries < 200; tries++) {
    if (await isTaken(port)) return { stop: () => end(child, ended) }
    await sleep(50)
  }
  await end(child, ended)
  throw new Error(`nginx did not start:\n${printed}`)
}

async function end(child: { kill(signal: 'SIGTERM'): boolean }, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

// It lies in a folder that is not on everybody's path.
const usual = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/sbin', '/usr/local/sbin']

/** Path of nginx, or `undefined` when it is not installed. */
export function nginx(folders: readonly string[] = usual): string | undefined {
  return folders.map((folder) => join(folder, 'nginx')).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there, or not for us: neither can be started.
    return false
  }
}

/** The command `labgate` for tests: within the test's process, or as a process of its own. @module */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { Env } from '../../core/config/secrets.ts'
import { main } from '../../core/main.ts'

/** What a command did. */
export interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a command line in this process: quick, and for files that no server of this process has open. */
export async function labgate(argv: readonly string[], { cwd, env = {} }: { cwd: string; env?: Env }): Promise<Done> {
  const [out, err]: [string[], string[]] = [[], []]
  const io = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    env,
    cwd,
    isTty: false,
  }
  const code = await main(argv, io)
  return { code, out: out.join(''), err: err.join('') }
}

/** A command that runs in a process of its own. */
export interface RunningCommand {
  readonly process: ChildProcess
  /** What it printed so far, both streams. */
  output(): string
  /** Waits for a text in the output. @throws Error with the output when it ends before, or after ten seconds */
  says(text: string | RegExp): Promise<void>
  readonly done: Promise<Done>
}

const script = fileURLToPath(new URL('../../core/main.ts', import.meta.url))

/** Starts a command line in a process of its own. */
export function startCommand(
  argv: readonly string[],
  { cwd, env = {}, under = [] }: { cwd: string; env?: Env; under?: readonly string[] },
): RunningCommand {
  const [program = '', ...words] = [...under, process.execPath, script, ...argv]
  const child = spawn(program, words, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err, ended] = ['', '', false]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const done = new Promise<Done>((resolve) => {
    child.once('close', (code) => {
      ended = true
      resolve({ code, out, err })
    })
  })
  const output = () => out + err
  return {
    process: child,
    output,
    done,
    async says(text) {
      const found = () => (typeof text === 'string' ? output().includes(text) : text.test(output()))
      for (const end = performance.now() + 10_000; !found() && !ended && performance.now() < end; ) await sleep(20)
      if (!found()) throw new Error(`never said ${text}: ${output()}`)
    },
  }
}

/** Writes a config file `labgate.yaml` into a folder and returns its path. */
export async function writeConfig(folder: string, config: object): Promise<string> {
  const file = join(folder, 'labgate.yaml')
  await writeFile(file, stringify(config), { mode: 0o600 })
  return file
}

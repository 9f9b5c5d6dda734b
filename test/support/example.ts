/** An example started by its one command, as a newcomer does, until it is ready or has ended. @module */
import { spawn } from 'node:child_process'
import { root } from './sources.ts'

/** The command under way. */
export interface StartedExample {
  /** Everything it has said until then. */
  readonly said: string
  /** Its exit code when it has ended already. */
  readonly code: number | null
  /** Asks it to stop; answers its exit code. */
  stop(): Promise<number | null>
}

/** Runs `npm start NAME`'s own program with these arguments; `env` is laid over the environment. */
export async function startExample(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartedExample> {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
  const child = spawn(process.execPath, ['core/bin/start.js', ...args], { cwd: root, env: { ...inherited, ...env } })
  const ended = new Promise<number | null>((done) => child.once('close', done))
  let said = ''
  await new Promise<void>((done) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('Ctrl-C')) done()
      })
    child.once('close', () => done())
  })
  return {
    ...{ said, code: child.exitCode },
    async stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

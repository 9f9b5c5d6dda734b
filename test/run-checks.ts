/** The quick check: types, lint and format, walls, generated files. In parallel; prints what failed, nothing else. @module */
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** One of the checks. */
export interface Check {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

// Tests that look at the sources alone: walls, and files that are generated or compared with the code.
const still = ['test/architecture.test.ts', 'test/docs/**/*.test.ts', 'test/core/cli/main.test.ts']

/** What is no test: types, lint and format. */
export const beforeTests: readonly Check[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit', '--pretty', 'false'] },
  { name: 'lint and format', command: 'biome', args: ['check', '--max-diagnostics=50', '.'] },
]

/** Runs the checks, at once, and returns how many failed. */
export async function runChecks(checks: readonly Check[]): Promise<number> {
  const results = await Promise.all(checks.map(runCheck))
  return results.filter((good) => !good).length
}

function walls(): Check {
  const args = ['--test', '--test-reporter=dot', ...globSync(still).sort()]
  return { name: 'walls and generated files', command: process.execPath, args }
}

function runCheck({ name, command, args }: Check): Promise<boolean> {
  const start = performance.now()
  return new Promise((resolve) => {
    execFile(command, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      process.stdout.write(`${error ? '✖' : '✔'} ${name} (${seconds} s)\n`)
      if (error) process.stdout.write(`${stdout}${stderr || ''}\n`)
      resolve(!error)
    })
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = (await runChecks([...beforeTests, walls()])) === 0 ? 0 : 1
}

/** The quick check: types, lint and format, walls, generated files. In parallel; prints what failed, nothing else. @module */
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

interface Check {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

// Tests that look at the sources alone: walls, and files that are generated or compared with the code.
const still = ['test/architecture.test.ts', 'test/docs/**/*.test.ts', 'test/core/cli/main.test.ts']

/** Runs all checks and returns how many failed. */
export async function runChecks(): Promise<number> {
  const results = await Promise.all(checks().map(runCheck))
  return results.filter((good) => !good).length
}

function checks(): readonly Check[] {
  const files = globSync(still).sort()
  return [
    { name: 'types', command: 'tsc', args: ['--noEmit', '--pretty', 'false'] },
    { name: 'lint and format', command: 'biome', args: ['check', '--max-diagnostics=50', '.'] },
    { name: 'walls and generated files', command: process.execPath, args: ['--test', '--test-reporter=dot', ...files] },
  ]
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
  process.exitCode = (await runChecks()) === 0 ? 0 : 1
}

/**
 * Everything: programs the suites need (as root on Debian they are installed), the quick check, all tests, a summary.
 * `npm test -- mail session` runs only the test files with one of the words in their path, without the check.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { runChecks } from './run-checks.ts'
import { lackingPackages } from './support/needs.ts'

const testMs = 120_000
// Debian asks this file before it starts the service of a package it has just installed (invoke-rc.d(8)).
const policy = '/usr/sbin/policy-rc.d'

interface Outcome {
  passed: number
  readonly failed: string[]
  readonly skipped: Map<string, number>
  /** Seconds of each file. */
  readonly took: Map<string, number>
}

function installPrograms(): void {
  const lacking = lackingPackages()
  if (lacking.length === 0) return
  const allowed = process.getuid?.() === 0 && existsSync('/etc/debian_version') && !process.env.LABGATE_TEST_NO_INSTALL
  print(`${allowed ? 'installing' : 'not installed, so their suites are skipped:'} ${lacking.join(', ')}`)
  if (!allowed) return
  const ownPolicy = !existsSync(policy)
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    apt(['-qq', 'update'])
    apt(['-qq', '-y', '--no-install-recommends', 'install', ...lacking])
  } finally {
    if (ownPolicy) rmSync(policy)
  }
}

function apt(args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status, stdout, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
  if (status !== 0) print(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

function testFiles(words: readonly string[]): readonly string[] {
  const files = globSync('{test,examples,plugins}/**/*.test.{ts,js}', {
    exclude: (path) => /node_modules|dist$/.test(path),
  })
  return files.filter((file) => words.length === 0 || words.some((word) => file.includes(word))).sort()
}

function runTests(files: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: [], skipped: new Map(), took: new Map() }
  const concurrency = Math.max(2, availableParallelism())
  const stream = run({ files, concurrency, timeout: testMs })
  stream.on('test:pass', ({ name, skip, details }) => {
    const reason = typeof skip === 'string' ? skip : name
    if (skip) outcome.skipped.set(reason, (outcome.skipped.get(reason) ?? 0) + 1)
    else if (details.type !== 'suite') outcome.passed += 1
  })
  stream.on('test:fail', ({ name, file, details }) => {
    // A suite fails with its tests; only they are worth a line.
    if (!/subtests? failed/.test(details.error.message)) outcome.failed.push(`${relative('.', file ?? '')}: ${name}`)
  })
  stream.on('test:summary', ({ file, duration_ms: ms }) => {
    if (file !== undefined) outcome.took.set(relative('.', file), Math.round(ms / 1000))
  })
  stream.compose(spec).pipe(process.stdout)
  return new Promise((resolve) => stream.once('end', () => setImmediate(resolve, outcome)))
}

function summarise({ passed, failed, skipped, took }: Outcome, failedChecks: number, seconds: number): void {
  const slowest = [...took].toSorted(([, a], [, b]) => b - a).slice(0, 20)
  print(`\nslowest: ${slowest.map(([file, each]) => `${file} ${each} s`).join(', ')}`)
  const sum = [...skipped.values()].reduce((all, count) => all + count, 0)
  print(`\n${passed} passed, ${failed.length} failed, ${sum} skipped in ${seconds} s`)
  for (const [reason, count] of skipped) print(`skipped (${count}): ${reason}`)
  for (const name of failed) print(`failed: ${name}`)
  if (failedChecks > 0) print('failed: npm run check (above)')
  print(failed.length === 0 && failedChecks === 0 ? 'All is well.' : 'Not good yet.')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const words = process.argv.slice(2)
const start = performance.now()
installPrograms()
const failedChecks = words.length === 0 ? await runChecks() : 0
const outcome = await runTests(testFiles(words))
summarise(outcome, failedChecks, Math.round((performance.now() - start) / 1000))
process.exitCode = outcome.failed.length === 0 && failedChecks === 0 && outcome.passed > 0 ? 0 : 1

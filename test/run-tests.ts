/**
 * Everything: programs the suites need (as root on Debian they are installed), types and lint, all tests, a summary.
 * `npm test -- mail session` runs only the test files with one of the words in their path, without types and lint.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { beforeTests, runChecks } from './run-checks.ts'
import { lackingPackages } from './support/needs.ts'

const testMs = 120_000
// They take longest, so they begin: else one of them runs on alone when all others are done.
const first = [
  'test/pages/flows',
  'test/flows/fuzz',
  'test/pages/gallery',
  'test/pages/sign-ins',
  'test/flows/crash',
  'test/clients/',
  'test/examples/notebook-portal',
  'test/flows/two-processes',
  'test/flows/podman-notebook',
  'test/flows/ssh-notebook',
  'test/flows/docker-notebook',
  'test/plugins/runner-docker/docker.',
  'test/plugins/runner-docker/podman.',
  'test/plugins/runner-ssh/conformance',
  'test/bench/',
  'test/flows/console-',
]
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
  const wanted = files.filter((file) => words.length === 0 || words.some((word) => file.includes(word))).sort()
  return wanted.toSorted((one, other) => rank(one) - rank(other))
}

function rank(file: string): number {
  const place = first.findIndex((start) => file.startsWith(start))
  return place === -1 ? first.length : place
}

function runTests(files: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: [], skipped: new Map(), took: new Map() }
  // Much waits: for a container, a mail, the end of a lease. Another one fills the gaps.
  const concurrency = availableParallelism() + 1
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
  if (failedChecks > 0) print('failed: types or lint (above)')
  print(failed.length === 0 && failedChecks === 0 ? 'All is well.' : 'Not good yet.')
}

/** Milliseconds that the processors of this machine have idled, and all that they had. */
function processors(): { idle: number; all: number } {
  const times = cpus().map((each) => each.times)
  const sum = (parts: readonly number[]) => parts.reduce((total, part) => total + part, 0)
  return { idle: sum(times.map(({ idle }) => idle)), all: sum(times.flatMap((each) => Object.values(each))) }
}

function idleSince(start: ReturnType<typeof processors>): number {
  const now = processors()
  return Math.round((100 * (now.idle - start.idle)) / (now.all - start.all))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const words = process.argv.slice(2)
const start = performance.now()
installPrograms()
const failedChecks = words.length === 0 ? await runChecks(beforeTests) : 0
const idle = processors()
const outcome = await runTests(testFiles(words))
print(`\nthe processors idled for ${idleSince(idle)} % of the tests' time`)
summarise(outcome, failedChecks, Math.round((performance.now() - start) / 1000))
process.exitCode = outcome.failed.length === 0 && failedChecks === 0 && outcome.passed > 0 ? 0 : 1

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { tempFolder } from '../../support/program.ts'
import { root } from '../../support/sources.ts'

const entry = `
const how: string = process.argv[2] ?? ''
process.on('SIGTERM', () => process.exit(7))
console.log(JSON.stringify(process.argv.slice(2)), process.env.BROUGHT ?? 'own', ...process.execArgv)
if (how === 'wait') setTimeout(() => {}, 20_000)
else process.exitCode = 5
`
const starter = `import { launch, root } from './launch.js'
await launch({ entry: root + '/entry.ts', development: process.env.DEVELOPMENT === 'yes' })`
// Stands for npm: keeps what it was asked, and installs by writing npm's own record.
const npm = `const { copyFileSync, mkdirSync, writeFileSync } = require('node:fs')
writeFileSync('asked', process.argv.slice(2).join(' '))
if (process.env.NPM_FAILS) process.exit(1)
mkdirSync('node_modules', { recursive: true })
copyFileSync('package-lock.json', 'node_modules/.package-lock.json')`
const lock = {
  packages: {
    '': { name: 'clone' },
    core: { version: '1.0.0' },
    'node_modules/koa': { version: '3.0.0', integrity: 'sha512-a' },
    'node_modules/axe': { version: '4.0.0', dev: true },
    'node_modules/node-mars': { version: '24.0.0', optional: true },
  },
}

type Child = ReturnType<typeof spawn>

interface Clone {
  readonly path: string
  /** Writes npm's record of an install: these packages, by name and version. */
  record(packages: object): Promise<void>
  start(args: readonly string[], env?: Readonly<Record<string, string>>, node?: readonly string[]): Child
}

async function withClone(work: (clone: Clone) => Promise<void>): Promise<void> {
  const folder = await tempFolder()
  const write = (name: string, text: string) => writeFile(join(folder.path, name), text)
  await mkdir(join(folder.path, 'core', 'bin'), { recursive: true })
  await copyFile(join(root, 'core', 'bin', 'launch.js'), join(folder.path, 'core', 'bin', 'launch.js'))
  await write('package.json', '{ "type": "module" }')
  await write('package-lock.json', JSON.stringify(lock))
  await write('entry.ts', entry)
  await write('core/bin/start.js', starter)
  await write('npm-cli.cjs', npm)
  const record = async (packages: object): Promise<void> => {
    await mkdir(join(folder.path, 'node_modules', '.bin'), { recursive: true })
    await write('node_modules/.package-lock.json', JSON.stringify({ packages }))
  }
  const start: Clone['start'] = (args, env = {}, node = []) =>
    spawn(process.execPath, [...node, join(folder.path, 'core', 'bin', 'start.js'), ...args], {
      env: { ...process.env, NODE_TEST_CONTEXT: '', npm_execpath: join(folder.path, 'npm-cli.cjs'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  try {
    await work({ path: folder.path, record, start })
  } finally {
    await folder.remove()
  }
}

async function ended(child: Child): Promise<{ code: number | null; out: string; err: string }> {
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}

function asked(clone: Clone): Promise<string> {
  return readFile(join(clone.path, 'asked'), 'utf8').catch(() => 'nothing')
}

suite('launch', { concurrency: true }, () => {
  test('installs in a fresh clone, then runs the entry with arguments and exit code', () =>
    withClone(async (clone) => {
      const { code, out, err } = await ended(clone.start(['a', 'b c']))
      assert.deepEqual({ code, out }, { code: 5, out: '["a","b c"] own\n' })
      assert.match(await asked(clone), /^ci /)
      assert.match(err, /installing what is missing/)
    }))

  test('installs again when the lock file names another version, and not when it agrees with what is there', () =>
    withClone(async (clone) => {
      await clone.record({ ...lock.packages, 'node_modules/koa': { version: '2.9.9', integrity: 'sha512-a' } })
      await ended(clone.start([]))
      assert.match(await asked(clone), /^ci /)
      await writeFile(join(clone.path, 'asked'), 'nothing')
      const { code, err } = await ended(clone.start([]))
      assert.deepEqual({ code, err }, { code: 5, err: '' })
      assert.equal(await asked(clone), 'nothing')
    }))

  test('asks for test packages only when tests run, and never for packages of another machine', () =>
    withClone(async (clone) => {
      await clone.record({ 'node_modules/koa': lock.packages['node_modules/koa'] })
      await ended(clone.start([]))
      assert.equal(await asked(clone), 'nothing')
      await ended(clone.start([], { DEVELOPMENT: 'yes' }))
      assert.match(await asked(clone), /^ci .*--include=dev/)
    }))

  test('says so and runs nothing when the install fails', () =>
    withClone(async (clone) => {
      const { code, out, err } = await ended(clone.start([], { NPM_FAILS: 'yes' }))
      assert.deepEqual({ code, out }, { code: 1, out: '' })
      assert.match(err, /npm ci failed in .*; mend what it says above/)
    }))

  test('hands over to the Node that npm brought along, with signals and exit code', () =>
    withClone(async (clone) => {
      await clone.record(lock.packages)
      const brought = join(clone.path, 'node_modules', '.bin', 'node')
      await writeFile(brought, `#!/bin/sh\nBROUGHT=brought exec '${process.execPath}' "$@"\n`)
      await chmod(brought, 0o755)
      assert.deepEqual(await ended(clone.start(['x'])), { code: 5, out: '["x"] brought\n', err: '' })
      const given = await ended(clone.start(['x'], {}, ['--heap-growing-percent=300']))
      assert.equal(given.out, '["x"] brought --heap-growing-percent=300\n', 'with the options of Node')
      const waiting = clone.start(['wait'])
      waiting.stdout?.once('data', () => waiting.kill('SIGTERM'))
      assert.equal((await ended(waiting)).code, 7)
    }))

  test('passes over a brought Node that does not run here', () =>
    withClone(async (clone) => {
      await clone.record(lock.packages)
      const brought = join(clone.path, 'node_modules', '.bin', 'node')
      await writeFile(brought, '#!/bin/sh\nexit 127\n')
      await chmod(brought, 0o755)
      assert.equal((await ended(clone.start(['x']))).out, '["x"] own\n')
    }))
})

test('the oldest Node is 22.18', async () => {
  const { newEnough } = (await import('../../../core/bin/launch.js' as string)) as {
    newEnough(version: string): boolean
  }
  const versions = ['18.0.0', '20.19.5', '22.17.1', '22.18.0', '24.0.0']
  assert.deepEqual(versions.map(newEnough), [false, false, false, true, true])
})

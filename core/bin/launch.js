/**
 * Starts an entry of Labgate with the right Node, whatever Node it was called with. Plain JavaScript that runs on
 * Node 18: in a fresh clone it installs what is missing, then it hands over to the Node that npm brought along.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const oldest = [22, 18]
const passed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']

/** The folder of the clone, or of the installed package. */
export const root = rootAbove(dirname(fileURLToPath(import.meta.url)))

// Halves the time of every start but the first. Not in the temporary folder, Node's default, where others could write.
const compileCache = join(root, 'node_modules', '.cache', 'labgate-compile')

/**
 * Runs `entry` with `args`, in this process when its Node will do, else in a child that gets the signals and gives the exit code.
 * @param {{ entry: string, args?: readonly string[], development?: boolean }} what `development`: also what only tests need
 * @returns {Promise<void>}
 */
export async function launch({ entry, args = process.argv.slice(2), development = false }) {
  if (!installed({ root, development })) install()
  const node = rightNode()
  if (node === undefined) return fail(tooOld())
  process.env.PATH = `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`
  // In the environment, so that processes that are started by this one share it.
  process.env.NODE_COMPILE_CACHE ??= compileCache
  if (node !== realpathSync(process.execPath)) return handOver(node, entry, args)
  process.argv = [process.execPath, entry, ...args]
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE)
  await import(pathToFileURL(entry).href)
}

/**
 * Whether npm has installed what the lock file names: npm's own record of an install is compared with it.
 * An installed package has no lock file; npm has then seen to everything.
 * @param {{ root: string, development: boolean }} what
 * @returns {boolean}
 */
export function installed({ root, development }) {
  const lock = packagesOf(join(root, 'package-lock.json'))
  if (lock === undefined) return true
  const record = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  if (record === undefined) return false
  return Object.entries(lock).every(([path, wanted]) => {
    if (!path.includes('node_modules/') || wanted.optional || wanted.devOptional) return true
    if (wanted.dev && !development) return true
    return record[path]?.version === wanted.version && record[path]?.integrity === wanted.integrity
  })
}

/**
 * Whether a version such as `24.1.0` is one that Labgate runs on.
 * @param {string} version
 * @returns {boolean}
 */
export function newEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}

function rootAbove(folder) {
  const clone = join(folder, '..', '..')
  return existsSync(join(clone, 'package-lock.json')) ? clone : join(folder, '..')
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined
}

function install() {
  process.stderr.write('labgate: installing what is missing (npm ci), this takes a minute\n')
  // Under another package manager it names that one, which knows nothing of `ci`.
  const npm = process.env.npm_execpath ?? ''
  const [command, ...first] = /npm-cli\.c?js$/.test(npm) ? [process.execPath, npm] : ['npm']
  // Whatever omitted parts for the caller must not omit them here, and engine warnings of an older Node are expected.
  const args = [...first, 'ci', '--include=dev', '--include=optional', '--loglevel=error']
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0)
    fail(`npm ci failed in ${root}${error ? `: ${error.message}` : ''}; mend what it says above and try again`)
}

function rightNode() {
  const current = realpathSync(process.execPath)
  const link = join(root, 'node_modules', '.bin', 'node')
  const brought = existsSync(link) ? realpathSync(link) : current
  if (brought !== current && runs(brought)) return brought
  return newEnough(process.versions.node) ? current : undefined
}

// A Node brought along for another C library starts nowhere: then the caller's own has to do.
function runs(node) {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return typeof stdout === 'string' && newEnough(stdout.trim().replace('v', ''))
}

function tooOld() {
  const have = `this is Node ${process.versions.node} for ${process.platform} ${process.arch}`
  return `Node ${oldest.join('.')} or newer is needed and ${have}; install Node 24 (https://nodejs.org)`
}

function handOver(node, entry, args) {
  // With the options that were given to Node before the script, which else counted for this process alone.
  const child = spawn(node, [...process.execArgv, entry, ...args], { stdio: 'inherit' })
  for (const signal of passed) {
    // A terminal sends Ctrl-C to the child as well; passed on it would come twice.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)))
  }
  return new Promise((resolve) => {
    child.once('error', (error) => fail(`${node}: ${error.message}`))
    child.once('exit', (code, signal) => {
      resolve()
      if (signal === null) process.exit(code)
      for (const each of passed) process.removeAllListeners(each)
      process.kill(process.pid, signal)
    })
  })
}

function fail(message) {
  process.stderr.write(`labgate: ${message}\n`)
  process.exit(1)
}

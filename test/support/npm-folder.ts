/**
 * Clients from npm that only one suite drives: each has a folder below `test/clients` with a package.json and a lock of its own,
 * and is installed there when its suite runs first. No workspace of Labgate, so that nobody else has to download them.
 * @module
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './sources.ts'

const run = promisify(execFile)
const installMs = 60_000
const stamp = '.installed-by-lock'

/** Where a client's files are. */
export function npmFolder(name: string): string {
  return join(root, 'test', 'clients', name)
}

/**
 * Installs a client unless it is there as its lock says, by `npm ci --ignore-scripts`. Why its suite has to be skipped, or `false`:
 * `test('…', { skip: await npmNeeds('neuroglancer') }, …)`.
 * @throws Error when `CI` is set: there a skipped suite is a failure
 */
export async function npmNeeds(name: string, folder = npmFolder(name)): Promise<string | false> {
  const wanted = await digestOf(folder)
  if ((await installed(folder)) === wanted) return false
  try {
    await install(folder, wanted)
    return false
  } catch (error) {
    const reason = `npm could not install test/clients/${name}: ${firstError(error as Failure)}`
    if (process.env.CI) throw new Error(`${reason}; with CI set a suite must not be skipped`, { cause: error })
    return reason
  }
}

interface Failure {
  readonly stderr?: string
  readonly message: string
}

/** npm warns before, and says where its log is after. */
function firstError({ stderr = '', message }: Failure): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('npm error'))
  return (lines.find((line) => !line.startsWith('npm error code')) ?? message).split('\n')[0] ?? ''
}

async function digestOf(folder: string): Promise<string> {
  const files = await Promise.all(['package.json', 'package-lock.json'].map((file) => readFile(join(folder, file))))
  return createHash('sha256').update(Buffer.concat(files)).digest('hex')
}

function installed(folder: string): Promise<string | undefined> {
  return readFile(join(folder, 'node_modules', stamp), 'utf8').catch(() => undefined)
}

/** Beside, and then moved into its place: two suites that do this at once both find it whole. */
async function install(folder: string, digest: string): Promise<void> {
  // Where Git and the checks do not look, and on the same disk.
  const beside = join(root, 'node_modules', '.clients')
  await mkdir(beside, { recursive: true })
  const ground = await mkdtemp(join(beside, 'install-'))
  try {
    await cp(folder, ground, { recursive: true, filter: (path) => !path.includes(join(folder, 'node_modules')) })
    // Through a shell only where npm is a script of one. The environment of an outer npm speaks of the outer package.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !/^npm_(?:package|lifecycle)_/.test(key)),
    )
    const shell = process.platform === 'win32'
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: ground,
      env,
      shell,
      timeout: installMs,
    })
    await writeFile(join(ground, 'node_modules', stamp), digest)
    if ((await installed(folder)) === digest) return
    await rename(join(folder, 'node_modules'), join(ground, 'old')).catch(ignoreAbsent)
    await rename(join(ground, 'node_modules'), join(folder, 'node_modules')).catch(async (error: unknown) => {
      if ((await installed(folder)) !== digest) throw error
    })
  } finally {
    await rm(ground, { recursive: true, force: true })
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

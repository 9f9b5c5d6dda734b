/** A project of somebody else's, outside the repository, with Labgate's packages installed as links. @module */
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { root } from './sources.ts'

/** What a command said and how it ended. */
export interface Ran {
  readonly code: number | null
  readonly output: string
}

/** A new folder whose `node_modules` holds contract, testkit, the sign-ins and the command `labgate`. */
export async function projectFolder(t: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'labgate-project-')))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const scope = join(folder, 'node_modules', '@labgate')
  const bin = join(folder, 'node_modules', '.bin')
  await mkdir(scope, { recursive: true })
  await mkdir(bin)
  const packages = { contract: 'core/contract', testkit: 'test/testkit', 'auth-email': 'plugins/auth-email' }
  for (const [name, path] of Object.entries(packages)) await symlink(join(root, path), join(scope, name))
  // The starter would look after the clone's own node_modules; that is tested elsewhere.
  await writeFile(join(bin, 'labgate'), `#!/bin/sh\nexec node ${JSON.stringify(join(root, 'core/main.ts'))} "$@"\n`)
  await chmod(join(bin, 'labgate'), 0o755)
  await writeFile(join(folder, 'package.json'), '{ "name": "somebody-elses", "private": true }\n')
  return folder
}

/** Runs a script in a folder, with the tested Node and the project's commands first on the path. */
export function run(script: string, cwd: string, project = cwd): Promise<Ran> {
  const path = [join(project, 'node_modules', '.bin'), join(process.execPath, '..'), process.env.PATH].join(delimiter)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn('bash', ['-e', '-c', script], { cwd, env: { ...env, PATH: path, NO_COLOR: '1' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, output }))
  })
}

/** Checks the types of a folder as strictly as ours. */
export async function typeCheck(folder: string): Promise<Ran> {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
    include: ['.'],
    exclude: ['node_modules'],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  return run(`${JSON.stringify(join(root, 'node_modules/.bin/tsc'))} -p .`, folder)
}

#!/usr/bin/env node
/**
 * Packs workspaces for publication: plain JavaScript and declarations in `dist/`, a manifest that points there, and
 * one tarball each. The sources stay as they are.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const usage = 'usage: node core/bin/pack.js [--out FOLDER] FOLDER...\n'

/**
 * Packs the packages in `folders` and returns the paths of the tarballs, in the same order.
 * @param {{ folders: readonly string[], out: string }} what
 * @returns {readonly string[]}
 */
export function pack({ folders, out }) {
  const work = mkdtempSync(join(tmpdir(), 'labgate-pack-'))
  try {
    const compiled = compile(folders, work)
    mkdirSync(out, { recursive: true })
    return folders.map((folder) => packOne({ folder, compiled, staged: join(work, 'staged', basename(folder)), out }))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The sources of a package that are published: no tests, and no package within it. */
function sourcesOf(folder, pattern) {
  const inner = globSync('*/package.json', { cwd: folder }).map((path) => dirname(path))
  return globSync(pattern, { cwd: folder }).filter((path) => {
    const [first = ''] = path.split('/')
    return !inner.includes(first) && !['node_modules', 'dist', 'bin'].includes(first) && !/\.test\.[tj]s$/.test(path)
  })
}

// All at once, below one root: a workspace that imports another is compiled against its sources.
function compile(folders, work) {
  const out = join(work, 'compiled')
  const options = {
    noEmit: false,
    outDir: out,
    rootDir: root,
    declaration: true,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const files = folders.flatMap((folder) => sourcesOf(folder, '**/*.ts').map((path) => resolve(folder, path)))
  const config = join(work, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: options, files, include: [] }),
  )
  run(join(root, 'node_modules/.bin/tsc'), ['-p', config], root)
  return out
}

function packOne({ folder, compiled, staged, out }) {
  const from = join(compiled, relative(root, resolve(folder)))
  for (const path of sourcesOf(folder, '**/*.ts')) {
    for (const ending of ['.js', '.d.ts']) {
      const file = path.replace(/\.ts$/, ending)
      cpSync(join(from, file), join(staged, 'dist', file))
    }
  }
  for (const path of sourcesOf(folder, '**/*.*').filter(isAsset)) cpSync(join(folder, path), join(staged, 'dist', path))
  if (existsSync(join(folder, 'bin'))) cpSync(join(folder, 'bin'), join(staged, 'bin'), { recursive: true })
  for (const file of [join(folder, 'README.md'), join(root, 'LICENSE')])
    if (existsSync(file)) cpSync(file, join(staged, basename(file)))
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
  const said = run('npm', ['pack', '--json', '--pack-destination', resolve(out)], staged)
  return join(resolve(out), JSON.parse(said)[0].filename)
}

/** What a package reads while it runs: templates, texts, styles. */
function isAsset(path) {
  return !path.endsWith('.ts') && basename(path) !== 'package.json' && path !== 'README.md'
}

/**
 * The manifest of a published package: every export leads to JavaScript with its declarations.
 * @param {Record<string, unknown>} manifest
 * @returns {Record<string, unknown>}
 */
function publishedManifest(manifest) {
  const { devDependencies: _, scripts: __, exports, ...kept } = manifest
  const entries = Object.entries(exports).map(([name, target]) => {
    const built = target.replace(/^\.\//, './dist/')
    return [name, { types: built.replace(/\.ts$/, '.d.ts'), default: built.replace(/\.ts$/, '.js') }]
  })
  return { ...kept, exports: Object.fromEntries(entries), files: ['dist', 'bin'], engines: { node: '>=22.18' } }
}

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return stdout
  throw new Error(`${basename(command)} ${args[0]} failed in ${cwd}\n${error?.message ?? ''}${stdout}${stderr}`)
}

function main([...args]) {
  const at = args.indexOf('--out')
  const [, out = join(root, 'dist')] = at < 0 ? [] : args.splice(at, 2)
  if (args.length === 0) {
    process.stderr.write(usage)
    return 2
  }
  for (const file of pack({ folders: args, out })) process.stdout.write(`${file}\n`)
  return 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(process.argv.slice(2))

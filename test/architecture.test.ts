/** The walls of the house, over the real imports (of types too) and the real text. `docs/architecture.md` tells why. @module */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { filesOf, isFile, parseSource, readPackages, readSources, root, type Source } from './support/sources.ts'

const sources = readSources()
const packages = readPackages()

/** Arrows that must never exist: from, to (which may refer to a group of from), why. */
const walls: readonly (readonly [from: string, to: string, why: string])[] = [
  ['core/', '(plugins|examples)/', 'a plugin reaches the core only as a name in the config'],
  [
    'plugins/([^/]+)/',
    'plugins/(?!\\1/|auth-oidc/sign-in/|runner-ssh/connect/)',
    'a plugin knows no other plugin, only the libraries for signing in and for SSH',
  ],
  ['plugins/', 'core/(?!contract/)', 'a plugin knows the contract, not the core'],
  ['plugins/auth', '(undici|axios|got|node-fetch|node:(http2?|https|tls|dgram))$', 'HTTP goes through context.fetch'],
  ['core/contract/', '(?!core/contract/)', 'the contract imports nothing'],
  ['core/(accounts|access|storage|config|import|workspaces|mail)/', 'core/http/', 'the domain knows no HTTP'],
  [
    'core/(accounts|access|storage|config|import|workspaces|mail)/',
    '(koa|@koa/|oidc-provider)',
    'the domain knows no HTTP',
  ],
  ['core/login/', 'core/oidc/', 'server.ts hands login the few Provider methods it needs'],
  ['core/oidc/', 'core/login/', 'only login knows the order of a login'],
  ['core/(?!services\\.ts)', '(tsyringe|reflect-metadata)$', 'the container stays in one file'],
  ['plugins/', '(tsyringe|reflect-metadata)$', 'the container stays in one file'],
  [
    'core/(?!cli/)[^/]+/',
    'core/(?!clock\\.ts|random\\.ts|under-way\\.ts)[^/]+\\.ts',
    'only the composition root knows every room',
  ],
  ['(core|plugins)/(?!.*\\.test\\.ts)', 'test/', 'test code is for tests'],
  [
    '(core|plugins)/(?!.*\\.test\\.ts)',
    '(fast-check|playwright-core|axe-core|mailparser|@labgate/testkit)$',
    'test code is for tests',
  ],
  [
    'test/testkit/(?!.*\\.test\\.ts)',
    '(?!test/testkit/|core/contract/|node:)',
    'plugin authors get the testkit with the contract alone',
  ],
]

/** Text that must not stand in code (strings and comments do not count): where, what, why. */
const words: readonly (readonly [where: RegExp, what: RegExp, why: string])[] = [
  [/^(core\/(?!config\/|bin\/)|plugins\/)/, /\bprocess\.env\b/, 'only core/config reads the environment'],
  [
    /^(core\/(?!clock\.ts)|plugins\/)/,
    /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(\)/,
    'now is asked of the injected clock',
  ],
  [/^(core\/(?!random\.ts)|plugins\/)/, /\bMath\.random\b/, 'randomness is injected'],
  [/^plugins\//, /(?<!typeof )\bglobalThis\.fetch\b/, 'HTTP goes through context.fetch'],
  [
    /^(?!plugins\/[^/]+\/index\.ts|examples\/[^/]+\/index\.ts|test\/)/,
    /\bexport default\b/,
    'only a plugin exports a default',
  ],
]

function brokenWalls(source: Source): readonly string[] {
  return source.imports.flatMap(({ target }) =>
    walls
      .filter(([from, to]) => new RegExp(`^${from}.* -> ${to}`).test(`${source.path} -> ${target}`))
      .map(([, , why]) => `${source.path} imports ${target}: ${why}`),
  )
}

function badWords(source: Source): readonly string[] {
  return words
    .filter(([where, what]) => where.test(source.path) && what.test(source.bare))
    .map(([, what, why]) => `${source.path}: ${what.exec(source.bare)?.[0]}: ${why}`)
}

// A bare `fetch(` is the global one unless the file binds the name itself, as in `{ fetch }: Context`.
function rawFetch({ path, bare }: Source): readonly string[] {
  const raw = path.startsWith('plugins/') && /(?<![.\w])fetch\s*\(/.test(bare) && !/[{,(]\s*fetch\s*[,}:)]/.test(bare)
  return raw ? [`${path}: raw fetch: HTTP goes through context.fetch`] : []
}

// Biome and tsc refuse `any`, unless they are told to look away.
function lookAways({ path, text }: Source): readonly string[] {
  const found =
    path === 'test/architecture.test.ts' ? null : /biome-ignore[^\n]*noExplicitAny|@ts-(ignore|nocheck)/.exec(text)
  return found ? [`${path}: ${found[0]}`] : []
}

function packageOf(path: string): string {
  const folders = path.split('/').map((_, index, all) => all.slice(0, -index - 1).join('/'))
  return folders.find((folder) => isFile(join(folder, 'package.json'))) ?? ''
}

function strayImports({ path, imports }: Source): readonly string[] {
  if (path.endsWith('.test.ts') || (path.startsWith('test/') && !path.startsWith('test/testkit/'))) return []
  const own = packageOf(path)
  const manifest = JSON.parse(readFileSync(join(root, own, 'package.json'), 'utf8'))
  const { dependencies, peerDependencies, devDependencies, name } = manifest
  const forTests = path.endsWith('.test.ts') ? devDependencies : {}
  const declared = new Set([name, ...Object.keys({ ...dependencies, ...peerDependencies, ...forTests })])
  return imports.flatMap(({ specifier, target }) => {
    if (specifier.startsWith('.')) return packageOf(target) === own ? [] : [`${path}: ${specifier} leaves its package`]
    const [first = '', second] = specifier.split('/')
    const wanted = first.startsWith('@') ? `${first}/${second}` : first
    return first.startsWith('node:') || declared.has(wanted)
      ? []
      : [`${path}: ${own}/package.json does not name ${wanted}`]
  })
}

function circles(all: readonly Source[]): readonly string[] {
  const edges = new Map(all.map(({ path, imports }) => [path, imports.map(({ target }) => target)]))
  const found: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (trail.includes(path) || done.has(path)) return
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path])
    done.add(path)
  }
  for (const { path } of all) walk(path, [])
  return found
}

suite('walls', () => {
  test('no import crosses a wall', () => {
    assert.deepEqual(sources.flatMap(brokenWalls), [])
  })

  test('no import goes in a circle, not even of types', () => {
    assert.deepEqual(circles(sources), [])
  })

  test('a relative import names an existing file by its ending and stays in its package; others are named in package.json', () => {
    const relative = sources.flatMap(({ path, imports }) =>
      imports.filter(({ specifier }) => specifier.startsWith('.')).map(({ target }) => [path, target] as const),
    )
    assert.ok(relative.length > 20, 'the imports were read')
    assert.deepEqual(
      relative.filter(([, target]) => !/\.(ts|js|json)$/.test(target) || !isFile(target)),
      [],
    )
    assert.deepEqual(sources.flatMap(strayImports), [])
  })

  test('environment, time, chance, fetch and default exports stay where they belong', () => {
    assert.deepEqual([...sources.flatMap(badWords), ...sources.flatMap(rawFetch)], [])
  })

  test('nobody tells the tools to let `any` or a type error pass', () => {
    assert.deepEqual(sources.flatMap(lookAways), [])
  })

  test('rooms are named by the domain: no utils, helpers, common, lib or types', () => {
    const drawer = /(^|\/)(utils?|helpers?|common|lib|types|misc)\//
    assert.deepEqual(
      sources.filter(({ path }) => drawer.test(path)).map(({ path }) => path),
      [],
    )
  })

  test('no file names a place of one machine, and the lock file names no registry', () => {
    // `jovyan` lives in the images of the Jupyter project, on no machine of ours.
    const homes = 'home/(?!jovyan/)[a-z]+/(src|git|work)'
    const place = new RegExp(`/(${['work/(main|shared)', 'root/\\.', homes, 'tmp/[a-z]{3}'].join('|')})`)
    const texts = filesOf([
      '*',
      '{core,plugins,test,examples,docs,config,schemas,.ci}/**/*.{ts,js,json,md,yaml,yml,eta,css,sh,run}',
    ])
    const named = texts.filter((path) => /\.\w+$/.test(path) && place.test(readFileSync(join(root, path), 'utf8')))
    assert.deepEqual(named, [])
    assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved": "https?:/)
  })
})

suite('the watch over the walls', () => {
  const planted = [
    ['core/login/flow.ts', "import type { Github } from '../../plugins/auth-github/github.ts'"],
    ['core/login/flow.ts', "const email = await import('@labgate/auth-email')"],
    ['plugins/auth-email/email.ts', "import { discover } from '@labgate/auth-oidc'"],
    ['plugins/authz-datalab/remotes/files/sftp.ts', "import ssh from '@labgate/runner-ssh'"],
    ['plugins/auth-email/email.ts', "export type { Config } from '@labgate/core'"],
    ['plugins/auth-email/email.ts', "import { request } from 'node:https'"],
    ['core/contract/values.ts', "import ajv from 'ajv'"],
    ['core/accounts/admission.ts', "import { render } from '../http/errors.ts'"],
    ['core/mail/letters.ts', 'import type {\n  Context,\n} from "koa"'],
    ['core/login/flow.ts', "import { provider } from '../oidc/provider.ts'"],
    ['core/oidc/provider.ts', "export * from '../login/flow.ts'"],
    ['core/accounts/accounts.ts', "import { container } from 'tsyringe'"],
    ['plugins/auth-email/email.ts', "import 'reflect-metadata'"],
    ['core/pages/render.ts', "import { createLabgate } from '../server.ts'"],
    ['core/http/app.ts', "import { sink } from '../../test/support/sink.ts'"],
    ['core/http/app.ts', "import fc from 'fast-check'"],
    ['test/testkit/cases.ts', "import { createLabgate } from '@labgate/core'"],
  ] as const

  for (const [path, text] of planted) {
    test(`catches ${text.replaceAll(/\s+/g, ' ')} in ${path}`, () => {
      assert.equal(brokenWalls(parseSource(path, { text, packages })).length, 1)
    })
  }

  test('knows every wall: each is tried by a planted import', () => {
    const tried = new Set(planted.flatMap(([path, text]) => brokenWalls(parseSource(path, { text, packages }))))
    assert.equal(
      new Set([...tried].map((line) => line.split(': ').at(-1))).size,
      new Set(walls.map(([, , why]) => why)).size,
    )
  })

  const wrong = [
    ['core/mail/mail.ts', 'const { HOME } = process.env'],
    ['core/mail/mail.ts', 'const at = new Date()'],
    ['plugins/auth-email/email.ts', `const at = \`now \${Date.now()}\``],
    ['plugins/auth-email/email.ts', 'const code = Math.random()'],
    ['plugins/auth-email/email.ts', 'const answer = await globalThis.fetch(url)'],
    ['core/mail/mail.ts', 'export default 1'],
  ] as const

  for (const [path, text] of wrong) {
    test(`catches ${text} in ${path}`, () => {
      assert.equal(badWords(parseSource(path, { text, packages })).length, 1)
    })
  }

  test('lets comments, strings and regular expressions talk of anything', () => {
    const text = `// new Date() is for core/clock.ts, import { x } from 'koa'
      /* process.env */ const words = ['Math.random()', "import 'koa'", /new Date\\(\\)'/, \`import 'koa'\`] // 'any: any'
      const at = new Date(0)
      import type { Log } from '@labgate/contract'`
    const source = parseSource('core/mail/mail.ts', { text, packages })
    assert.deepEqual(badWords(source), [])
    assert.deepEqual(
      source.imports.map(({ target }) => target),
      ['core/contract/index.ts'],
    )
  })

  test('sees a raw fetch in a plugin, and not that of the context', () => {
    const parse = (text: string) => rawFetch(parseSource('plugins/auth-x/x.ts', { text, packages }))
    assert.equal(parse('const answer = await fetch(url)').length, 1)
    assert.deepEqual(parse('const answer = await context.fetch(url)'), [])
    assert.deepEqual(parse('const ask = ({ fetch }: Context) => fetch(url)'), [])
  })

  test('sees that the tools are told to look away', () => {
    const parse = (text: string) => lookAways(parseSource('core/mail/mail.ts', { text, packages }))
    assert.equal(parse('// biome-ignore lint/suspicious/noExplicitAny: no time').length, 1)
    assert.equal(parse('// @ts-ignore').length, 1)
    assert.deepEqual(parse('// any other business'), [])
  })

  test('sees a circle of types over three files', () => {
    const arrow = (from: string, to: string): Source =>
      parseSource(`core/a/${from}.ts`, { text: `import type { T } from './${to}.ts'`, packages })
    assert.deepEqual(circles([arrow('x', 'y'), arrow('y', 'z'), arrow('z', 'x')]), [
      'core/a/x.ts -> core/a/y.ts -> core/a/z.ts -> core/a/x.ts',
    ])
    assert.deepEqual(circles([arrow('x', 'y'), arrow('y', 'z')]), [])
  })

  test('sees an import that leaves its package or is not named in package.json', () => {
    const parse = (text: string) => strayImports(parseSource('plugins/auth-email/email.ts', { text, packages }))
    assert.equal(parse("import { Fault } from '../../core/contract/errors.ts'").length, 1)
    assert.equal(parse("import koa from 'koa'").length, 1)
    assert.deepEqual(parse("import { Fault } from '@labgate/contract'; import { join } from 'node:path'"), [])
  })
})

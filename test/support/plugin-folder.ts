/** A temporary folder of plugins and a quick way to load them. @module */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Log } from '@labgate/contract'
import type { PluginEntry } from '../../core/config/schema.ts'
import { noServices } from '../../core/registry/context.ts'
import { type LoadNeeds, loadPlugins } from '../../core/registry/load.ts'
import type { Registry } from '../../core/registry/registry.ts'

/** Writes files below a new folder, removed after the test; returns the folder. */
export async function folderWith(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-plugins-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

/** One line a test may look at. */
export interface Line {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

/** A log that only remembers. */
export function memoryLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = []
  const at = (level: string) => (fields: Line['fields'], message: string) => {
    lines.push({ level, fields, message })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

const noJobs = { enabled: false, life: 900, scopes: [] }

/** An entry of `plugins` with the config's defaults. */
export function entryOf(use: string, changes: Partial<PluginEntry> = {}): PluginEntry {
  const defaults = { enabled: true, optional: false, home: false, config: {}, groups: {}, jobs: noJobs }
  return { use, ...defaults, admission: { state: 'active' }, ...changes }
}

/** Loads entries from a folder, without services unless they are brought. */
export function load(
  folder: string,
  config: Readonly<Record<string, PluginEntry>>,
  changes: Partial<LoadNeeds> = {},
): Promise<Registry> {
  return loadPlugins({
    config,
    folder,
    issuer: 'https://id.example.org',
    siteName: 'Example Lab',
    env: {},
    demo: false,
    log: memoryLog(),
    contextFor: ({ id }) => noServices(id),
    ...changes,
  })
}

/** The source of a sign-in; members of the plugin and of what `create` returns may be replaced. */
export function authSource(members: Readonly<Record<string, string>> = {}, method = ''): string {
  return source({
    kind: "'auth'",
    name: "'probe'",
    create: `() => ({ issuers: ['urn:probe'], card: () => ({ label: 'Probe' }), begin: async () => ({ no: { reason: 'denied', message: 'no' } }), ${method} })`,
    ...members,
  })
}

/** The source of a dialect with the given routes, each with a handler. */
export function authzSource(routes: readonly string[], members: Readonly<Record<string, string>> = {}): string {
  const claims = routes.map((route, index) => {
    const [method, path] = route.split(' ')
    return { id: `r${index}`, method, path, guard: 'public' }
  })
  const handlers = claims.map(({ id }) => `${id}: async () => ({ status: 200 })`).join(', ')
  return source({
    kind: "'authz'",
    name: "'probe'",
    routes: `() => (${JSON.stringify(claims)})`,
    create: `() => ({ handlers: { ${handlers} }, project: () => null })`,
    ...members,
  })
}

function source(members: Readonly<Record<string, string>>): string {
  const all: Readonly<Record<string, string>> = {
    contract: '1',
    config: "{ type: 'object', additionalProperties: false, properties: {} }",
    text: '{ en: {} }',
    ...members,
  }
  const lines = Object.entries(all).filter(([, value]) => value !== '')
  return `export default {\n${lines.map(([name, value]) => `  ${name}: ${value},`).join('\n')}\n}\n`
}

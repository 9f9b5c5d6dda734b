/** The steps before `create`: find, import, check the shape, the config and the claims of one instance. @module */
import type { PluginEntry } from '../config/schema.ts'
import { type ValidateOptions, validateAgainst } from '../config/validate.ts'
import type { AnyPlugin, TextOf } from './instance.ts'
import { patternProblem } from './pattern.ts'
import { messageOf, type Outcome, refuse, type Subject } from './problem.ts'
import { importPlugin, locatePlugin } from './resolve.ts'
import { type Claimed, claimProblems, placed } from './routes.ts'
import { pluginProblems } from './shape.ts'
import { textOf } from './texts.ts'

/** An instance that is ready to be created. */
export interface Prepared {
  readonly subject: Subject
  readonly entry: PluginEntry
  readonly plugin: AnyPlugin
  /** Valid, defaults filled in, spellings translated. */
  readonly config: unknown
  readonly text: TextOf
  /** Routes of a dialect, with host and full path. */
  readonly routes: readonly Claimed[]
  /** Further callback paths of a sign-in. */
  readonly callbackPaths: readonly string[]
  /** Names that no other instance of the plugin may have. */
  readonly unique: readonly string[]
}

/** What the steps need to know about the file and its surroundings. */
export interface PrepareNeeds extends Omit<ValidateOptions, 'path'> {
  /** The config file's folder. */
  readonly folder: string
}

/** Takes one instance to the point where only `create` is left. */
export async function prepare(id: string, entry: PluginEntry, needs: PrepareNeeds): Promise<Outcome<Prepared>> {
  const subject = { id, use: entry.use, locate: needs.locate }
  const found = await findPlugin(subject, needs.folder)
  if ('problems' in found) return found
  const plugin = found.value
  const checked = configOf(subject, plugin, { value: entry.config, needs })
  const placement = placementProblems(plugin, entry)
  if (placement.length > 0) return refuse(subject, placement)
  if ('problems' in checked) return checked
  const claims = claimsOf({ subject, entry, plugin, config: checked.value })
  if ('problems' in claims) return claims
  const text = textOf(plugin.text, `${plugin.kind}-${plugin.name}`)
  return { value: { subject, entry, plugin, config: checked.value, text, ...claims.value } }
}

/** Finds, imports and checks the plugin that `use` names. */
async function findPlugin(subject: Subject, folder: string): Promise<Outcome<AnyPlugin>> {
  const found = await locatePlugin(subject.use, folder)
  if ('problem' in found) return refuse(subject, [found.problem])
  try {
    const exported = await importPlugin(found.file)
    const problems = pluginProblems(exported)
    // The shape was checked a line above, member by member.
    return problems.length > 0 ? refuse(subject, problems) : { value: exported as AnyPlugin }
  } catch (cause) {
    return refuse(subject, [`cannot be imported from ${found.file}: ${messageOf(cause)}`], cause)
  }
}

function configOf(
  subject: Subject,
  plugin: AnyPlugin,
  { value, needs }: { value: unknown; needs: PrepareNeeds },
): Outcome<unknown> {
  try {
    const checked = validateAgainst(plugin.config, value, { ...needs, path: ['plugins', subject.id, 'config'] })
    return checked.problems.length > 0 ? { problems: checked.problems } : { value: checked.value }
  } catch (cause) {
    return refuse(subject, [messageOf(cause)], cause)
  }
}

function placementProblems(plugin: AnyPlugin, entry: PluginEntry): string[] {
  if (plugin.kind === 'authz') return []
  const given = (['host', 'prefix', 'home'] as const).filter((key) => entry[key])
  return given.map((key) => `\`${key}\` is for plugins of kind authz, this one is ${plugin.kind}`)
}

type Claims = Pick<Prepared, 'routes' | 'callbackPaths' | 'unique'>
type Draft = Omit<Prepared, 'text' | keyof Claims>

function claimsOf(draft: Draft): Outcome<Claims> {
  const { plugin, subject } = draft
  // The config was checked against this very plugin's schema.
  const config = draft.config as never
  try {
    if (plugin.kind === 'authz')
      return routesOf(draft, { claims: plugin.routes(config), unique: plugin.unique?.(config) ?? [] })
    if (plugin.kind === 'auth') return callbacksOf(subject, plugin.callbackPaths?.(config) ?? [])
    return { value: { routes: [], callbackPaths: [], unique: [] } }
  } catch (cause) {
    return refuse(subject, [`its claims of paths failed: ${messageOf(cause)}`], cause)
  }
}

function routesOf(
  { subject, entry }: Draft,
  { claims, unique }: { readonly claims: readonly Claimed['claim'][]; readonly unique: readonly string[] },
): Outcome<Claims> {
  const problems = claimProblems(claims)
  if (problems.length > 0) return refuse(subject, problems)
  const routes = claims.map((claim) => ({
    owner: subject.id,
    host: entry.host?.toLowerCase(),
    path: placed(entry.prefix ?? '', claim.path),
    claim,
  }))
  return { value: { routes, callbackPaths: [], unique } }
}

function callbacksOf(subject: Subject, paths: readonly string[]): Outcome<Claims> {
  const problems = paths.flatMap((path) => {
    const wrong = patternProblem(path)
    return wrong === undefined ? [] : [`callback path \`${path}\` ${wrong}`]
  })
  return problems.length > 0 ? refuse(subject, problems) : { value: { routes: [], callbackPaths: paths, unique: [] } }
}

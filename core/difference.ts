/** What differs between two configs, by names alone: what a reload can change, and what needs a restart. @module */
import type { Config } from './config/schema.ts'
import { digestOf } from './registry/print.ts'

/** Sections that a reload makes true. Everything else was decided when the process started. */
const alive = [
  'name',
  'egress',
  'session',
  'mail',
  'branding',
  'language',
  'registration',
  'admins',
  'plugins',
  'profile',
  'claims',
  'resources',
  'clients',
  'access',
  'datasets',
  'groups',
  'terms',
  'grants',
  'serviceAccounts',
  'reload',
  'signing',
] as const satisfies readonly (keyof Config)[]

/** Sections whose members are told one by one. */
const byName = ['plugins', 'clients', 'claims', 'resources', 'datasets', 'groups', 'terms', 'serviceAccounts'] as const

type Key = keyof Config

/** Whether a reload makes a section true. */
function isAlive(key: Key): boolean {
  return (alive as readonly Key[]).includes(key)
}

function keysOf(...configs: readonly Config[]): Key[] {
  // The keys of a config are those of its type.
  return [...new Set(configs.flatMap((config) => Object.keys(config) as Key[]))]
}

function differ(one: unknown, other: unknown): boolean {
  return digestOf(one) !== digestOf(other)
}

/** Sections that differ and count after the next start only. */
export function restartNeeds(running: Config, wanted: Config): Key[] {
  return keysOf(running, wanted).filter((key) => !isAlive(key) && differ(running[key], wanted[key]))
}

/** The wanted config, with what only a restart changes as it runs. */
export function effectiveOf(running: Config, wanted: Config): Config {
  const fixed = keysOf(running, wanted).filter((key) => !isAlive(key))
  return Object.freeze({ ...wanted, ...Object.fromEntries(fixed.map((key) => [key, running[key]])) })
}

/** How one named thing differs. */
export interface Difference {
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed'
  /** Settings of it that differ, never their values. */
  readonly settings?: readonly string[]
}

/** How the members of two tables differ, by name. */
export function differencesOf(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name): Difference[] => {
    if (!Object.hasOwn(before, name)) return [{ name, change: 'added' }]
    if (!Object.hasOwn(after, name)) return [{ name, change: 'removed' }]
    if (!differ(before[name], after[name])) return []
    return [{ name, change: 'changed', settings: settingsOf(before[name], after[name]) }]
  })
}

function settingsOf(before: unknown, after: unknown): string[] {
  const [one, other] = [before, after].map((value) => (value ?? {}) as Readonly<Record<string, unknown>>)
  const names = [...new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})])]
  return names.filter((name) => differ(one?.[name], other?.[name]))
}

/** Paths of what a reload would change: `clients.wiki`, `branding`. */
export function changedPaths(running: Config, wanted: Config): string[] {
  return keysOf(running, wanted)
    .filter((key) => isAlive(key) && differ(running[key], wanted[key]))
    .flatMap((key) => {
      if (!(byName as readonly Key[]).includes(key)) return [key]
      const tables = [running[key], wanted[key]].map((value) => (value ?? {}) as Readonly<Record<string, unknown>>)
      return differencesOf(tables[0] ?? {}, tables[1] ?? {}).map(({ name }) => `${key}.${name}`)
    })
}

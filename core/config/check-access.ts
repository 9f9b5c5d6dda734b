/**
 * Whether the sections that fill the ledger fit together: what a line names must be there, and be said once. Pure.
 * @module
 */
import { profileGroupErrors } from './check-profile.ts'
import type { Finding } from './finding.ts'
import type { Path } from './problems.ts'
import type { Config, DatasetEntry, GrantEntry, TermsEntry } from './schema.ts'
import { didYouMean } from './suggest.ts'
import { parseInstant } from './units.ts'

/** Every mistake in the sections `access`, `datasets`, `groups`, `terms`, `grants` and `serviceAccounts`. */
export function accessConditions(config: Config): Finding[] {
  return [
    ...lifeErrors(config),
    ...datasetErrors(config),
    ...Object.entries(config.groups).flatMap(([slug, { members, managers }]) => [
      ...members.flatMap((name, index) => personErrors(name, ['groups', slug, 'members', index], config)),
      ...managers.flatMap((name, index) => personErrors(name, ['groups', slug, 'managers', index], config)),
    ]),
    ...Object.entries(config.terms).flatMap(([id, terms]) => termsErrors(terms, ['terms', id], config)),
    ...config.grants.flatMap((grant, index) => grantErrors(grant, ['grants', index], config)),
    ...Object.entries(config.serviceAccounts).flatMap(([username, { parent }]) =>
      parent === username ? [error(['serviceAccounts', username, 'parent'], 'cannot be the account itself')] : [],
    ),
  ]
}

function error(path: Path, message: string): Finding {
  return { level: 'error', path, message }
}

/** `there is no group x; did you mean y?`, unless it is known. */
function unknown(found: { readonly kind: string; readonly word: string }, known: readonly string[], path: Path) {
  const { kind, word } = found
  return known.includes(word) ? [] : [error(path, `there is no ${kind} \`${word}\`${didYouMean(word, known)}`)]
}

function lifeErrors({ access }: Config): Finding[] {
  if (access.tokenLife <= access.tokenMaxLife) return []
  return [error(['access', 'tokenLife'], 'is longer than `tokenMaxLife`')]
}

/** Slugs and aliases share one name space, and a service's table means one dataset. */
function datasetErrors({ datasets }: Config): Finding[] {
  const names = new Map(Object.keys(datasets).map((slug) => [slug, slug]))
  const tables = new Map<string, string>()
  return Object.entries(datasets).flatMap(([slug, dataset]) => [
    ...dataset.aliases.flatMap((alias, index) => {
      const owner = names.get(alias.toLowerCase())
      names.set(alias.toLowerCase(), owner ?? slug)
      return owner === undefined ? [] : [error(['datasets', slug, 'aliases', index], `is a name of ${owner} already`)]
    }),
    ...dataset.tables.flatMap((table, index) => {
      const owner = tables.get(JSON.stringify([table.namespace, table.name]))
      tables.set(JSON.stringify([table.namespace, table.name]), owner ?? slug)
      return owner === undefined ? [] : [error(['datasets', slug, 'tables', index], `is a table of ${owner} already`)]
    }),
    ...rootErrors(dataset, ['datasets', slug, 'publicRoots']),
  ])
}

function rootErrors({ tables, publicRoots }: DatasetEntry, path: Path): Finding[] {
  const isOurs = ({ namespace, name }: { namespace: string; name: string }) =>
    tables.some((table) => table.namespace === namespace && table.name === name)
  return publicRoots.flatMap((roots, index) =>
    isOurs(roots) ? [] : [error([...path, index], 'is not among the `tables` of this dataset')],
  )
}

/** `instance:value`, or `account:USERNAME`, which only the database can tell. */
function personErrors(name: string, path: Path, { plugins }: Config): Finding[] {
  const instance = name.slice(0, name.indexOf(':'))
  return instance === 'account' ? [] : unknown({ kind: 'plugin', word: instance }, Object.keys(plugins), path)
}

function termsErrors({ text, dataset, version }: TermsEntry, path: Path, config: Config): Finding[] {
  const oneText = (text.file === undefined) !== (text.markdown === undefined)
  return [
    ...(oneText ? [] : [error([...path, 'text'], 'exactly one of `file` and `markdown` must be there')]),
    ...(version !== undefined && dataset === undefined ? [error([...path, 'version'], 'needs a `dataset`')] : []),
    ...(dataset === undefined ? [] : placeErrors({ dataset, version }, path, config)),
  ]
}

function placeErrors(
  { dataset, version }: { readonly dataset: string; readonly version?: string | undefined },
  path: Path,
  { datasets }: Config,
): Finding[] {
  const missing = unknown({ kind: 'dataset', word: dataset }, Object.keys(datasets), [...path, 'dataset'])
  if (missing.length > 0 || version === undefined) return missing
  const versions = Object.keys(datasets[dataset]?.versions ?? {})
  return unknown({ kind: `version of ${dataset}`, word: version }, versions, [...path, 'version'])
}

const levels = ['view', 'edit', 'manage', 'admin']

function grantErrors(grant: GrantEntry, path: Path, config: Config): Finding[] {
  const { level, permission, from, until, terms, withinGroup } = grant
  const begin = from === undefined ? undefined : parseInstant(from, 'begin')
  const end = until === undefined ? undefined : parseInstant(until, 'end')
  return [
    ...((level === undefined) === (permission === undefined)
      ? [{ ...error(path, 'a line has exactly one of `level` and `permission`'), part: 'key' as const }]
      : []),
    ...(permission !== undefined && levels.includes(permission)
      ? [error([...path, 'permission'], `is a level; write \`level: ${permission}\``)]
      : []),
    ...placeErrors(grant, path, config),
    ...subjectErrors(grant.to, [...path, 'to'], config),
    ...(begin !== undefined && end !== undefined && begin >= end
      ? [error([...path, 'until'], 'is before `from`: it would never count')]
      : []),
    ...(terms === undefined
      ? []
      : unknown({ kind: 'document', word: terms.id }, Object.keys(config.terms), [...path, 'terms', 'id'])),
    ...(withinGroup === undefined ? [] : groupErrors(withinGroup, [...path, 'withinGroup'], config)),
    ...factErrors(grant, path, config),
  ]
}

function subjectErrors(to: string, path: Path, config: Config): Finding[] {
  const word = to.slice(to.indexOf(':') + 1)
  if (to.startsWith('group:')) return groupErrors(word, path, config)
  return to.startsWith('name:') ? personErrors(word, path, config) : []
}

/** A group of ours stands in the file; one that an upstream speaks of is `INSTANCE:NAME`. */
function groupErrors(group: string, path: Path, config: Config): Finding[] {
  if (group.startsWith('profile:')) return profileGroupErrors(group, path, config)
  if (group.includes(':')) return personErrors(group, path, config)
  // Sign-ins may bring people into groups of ours by themselves.
  const brought = Object.values(config.plugins).flatMap(({ groups }) => Object.values(groups))
  return unknown({ kind: 'group', word: group }, [...Object.keys(config.groups), ...brought], path)
}

const comparisons = ['equals', 'oneOf', 'contains']

function factErrors({ facts }: GrantEntry, path: Path, { plugins }: Config): Finding[] {
  return facts.flatMap((fact, index) => {
    const at = [...path, 'facts', index]
    const compared = Object.keys(fact).filter((key) => comparisons.includes(key)).length
    return [
      ...(compared > 1 ? [error(at, 'has more than one of equals, oneOf, contains')] : []),
      ...viaErrors(fact, at, plugins),
    ]
  })
}

function viaErrors({ via, trust }: GrantEntry['facts'][number], path: Path, plugins: Config['plugins']): Finding[] {
  if (via === undefined) return []
  if (via !== 'profile') return unknown({ kind: 'plugin', word: via }, Object.keys(plugins), [...path, 'via'])
  const message = 'what people say of themselves counts with `trust: self` only'
  return trust === 'self' ? [] : [error([...path, 'trust'], message)]
}

/** What stops nothing but hardly is what was meant. */
export function accessFindings(config: Config): Finding[] {
  const asked = new Set(config.grants.map(({ terms }) => terms?.id))
  const services = [...Object.keys(config.clients), ...Object.keys(config.plugins)]
  return Object.entries(config.terms).flatMap(([id, { dataset, services: within }]) => [
    ...(dataset === undefined && within.length === 0 && !asked.has(id)
      ? [warning(['terms', id], 'nobody is asked for these: they have neither `dataset` nor `services`')]
      : []),
    ...within.flatMap((service, index) =>
      services.includes(service)
        ? []
        : [
            warning(
              ['terms', id, 'services', index],
              `neither a client nor a plugin of this file${didYouMean(service, services)}`,
            ),
          ],
    ),
  ])
}

function warning(path: Path, message: string): Finding {
  return { level: 'warning', path, message }
}

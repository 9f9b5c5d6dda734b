/** What makes rows of each kind the same, changed, or new. Pure. @module */
import { type Comparing, idHere, type Planning, placeOf } from './comparing.ts'
import { type Here, pair, saying } from './here.ts'
import type {
  FoundAcceptance,
  FoundDataset,
  FoundGrant,
  FoundGroup,
  FoundMember,
  FoundPerson,
  FoundProgram,
  FoundRoot,
  FoundTerms,
  Holder,
} from './model.ts'
import { grantKey } from './reading.ts'

/** People, known by what the sign-in vouches for. */
export function people({ found, here }: Planning): Comparing<FoundPerson> {
  return {
    kind: 'person',
    rows: found.people,
    keyOf: ({ key }) => key,
    says: ({ names, displayName }) => [names, displayName],
    labelOf: ({ key, email, displayName, state }) =>
      `${email ?? displayName} (user ${key}${state === 'active' ? '' : ', deactivated'})`,
    same: ({ names }) => {
      const id = names.map((name) => here.known(name)).find((one) => one !== undefined)
      const account = id === undefined ? undefined : here.account(id)
      return account?.kind === 'person' && !account.isErased ? account.id : undefined
    },
    isThere: (target) => here.account(target)?.id === target && !here.account(target)?.isErased,
  }
}

/** Service accounts. */
export function programs(planning: Planning): Comparing<FoundProgram> {
  const { found, here } = planning
  return {
    kind: 'program',
    rows: found.programs,
    keyOf: ({ key }) => key,
    says: ({ displayName, description, parent }) => [displayName, description, parent ?? null],
    labelOf: ({ username, state }) => `${username}${state === 'active' ? '' : ' (deactivated)'}`,
    // One of the same name may be another program: nothing is given to it.
    same: () => undefined,
    isThere: (target) => here.account(target)?.kind === 'service' && !here.account(target)?.isErased,
    hangs: ({ parent }) => parent === undefined || placeOf(planning, 'person', parent) !== undefined,
  }
}

/** Groups, known by their slugs. */
export function groups({ found, here }: Planning): Comparing<FoundGroup> {
  return {
    kind: 'group',
    rows: found.groups,
    keyOf: ({ key }) => key,
    says: ({ title }) => title,
    labelOf: ({ slug }) => slug,
    same: ({ slug }) => (here.groups.has(slug) ? slug : undefined),
    isThere: (target) => here.groups.has(target),
    idOf: ({ slug }) => slug,
  }
}

/** Datasets, known by their slugs. */
export function datasets({ found, here }: Planning): Comparing<FoundDataset> {
  return {
    kind: 'dataset',
    rows: found.datasets,
    keyOf: ({ key }) => key,
    says: ({ key: _, ...rest }) => rest,
    labelOf: ({ slug }) => slug,
    same: ({ slug }) => (here.datasets.has(slug) ? slug : undefined),
    isThere: (target) => here.datasets.has(target),
    idOf: ({ slug }) => slug,
  }
}

/** Terms of use. */
export function terms(planning: Planning): Comparing<FoundTerms> {
  const { found, here } = planning
  return {
    kind: 'terms',
    rows: found.terms,
    keyOf: ({ key }) => key,
    says: ({ title, markdown }) => [title, markdown],
    labelOf: ({ id, title }) => `${id} (${title})`,
    // What is asked under the same id may be another text.
    same: () => undefined,
    isThere: (target) => here.terms.has(target) && !here.retired.has(target),
    hangs: ({ dataset }) => placeOf(planning, 'dataset', dataset) !== undefined,
    idOf: ({ id }) => freeId(here, id),
  }
}

/** An id of terms that nobody has here. */
function freeId(here: Here, id: string): string {
  if (!here.terms.has(id)) return id
  for (let count = 2; ; count++) {
    const next = `${id.slice(0, 59)}-${count}`
    if (!here.terms.has(next)) return next
  }
}

/** Memberships, or managers. */
export function members(planning: Planning, kind: 'member' | 'manager'): Comparing<FoundMember> {
  const { found, here } = planning
  const ids = ({ group, who }: FoundMember) => [idHere(planning, 'group', group), idHere(planning, who.kind, who.key)]
  const present = kind === 'member' ? here.members : here.managers
  const named = new Map(found.groups.map(({ key, slug }) => [key, slug]))
  const isThere = (row: FoundMember) => {
    const [group, account] = ids(row)
    return group !== undefined && account !== undefined && present.has(pair(group, account))
  }
  return {
    kind,
    rows: kind === 'member' ? found.members : found.managers,
    keyOf: ({ group, who }) => JSON.stringify([group, who.kind, who.key]),
    says: () => '',
    labelOf: ({ group, who }) => `${nameOf(who)} in ${named.get(group) ?? group}`,
    same: (row) => (isThere(row) ? wordOf(ids(row)) : undefined),
    isThere: (_, row) => isThere(row),
    hangs: ({ group, who }) =>
      placeOf(planning, who.kind, who.key) !== undefined &&
      placeOf(planning, 'group', group) !== undefined &&
      // The config file says who is in its groups.
      here.groups.get(placeOf(planning, 'group', group)?.id ?? '') !== 'config',
  }
}

const wordOf = (ids: readonly (string | undefined)[]) => JSON.stringify(ids.map((id) => id ?? ''))
const nameOf = (holder: Holder) =>
  holder.kind === 'signed-in'
    ? 'signed-in'
    : `${{ person: 'user', program: 'service account', group: 'group' }[holder.kind]} ${holder.key}`

/** Public objects. */
export function roots({ found, here }: Planning): Comparing<FoundRoot> {
  const coming = new Set(
    found.datasets.flatMap(({ tables }) => tables.map(({ namespace, name }) => pair(namespace, name))),
  )
  return {
    kind: 'root',
    rows: found.roots,
    keyOf: ({ namespace, name, root }) => JSON.stringify([namespace, name, root]),
    says: () => '',
    labelOf: ({ namespace, name, root }) => `${namespace}/${name} ${root}`,
    same: ({ namespace, name, root }) =>
      here.roots.has(pair(namespace, name, root)) ? JSON.stringify([namespace, name, root]) : undefined,
    isThere: (_, { namespace, name, root }) => here.roots.has(pair(namespace, name, root)),
    hangs: ({ namespace, name }) => here.tables.has(pair(namespace, name)) || coming.has(pair(namespace, name)),
    idOf: ({ namespace, name, root }) => JSON.stringify([namespace, name, root]),
  }
}

/** Accepted terms. */
export function acceptances(planning: Planning): Comparing<FoundAcceptance> {
  const { found, here } = planning
  const ids = ({ terms: key, person }: FoundAcceptance) => [
    idHere(planning, 'terms', key),
    idHere(planning, 'person', person),
  ]
  const isThere = (row: FoundAcceptance) => {
    const [one, account] = ids(row)
    return one !== undefined && account !== undefined && here.acceptances.has(pair(one, account))
  }
  return {
    kind: 'acceptance',
    rows: found.acceptances,
    keyOf: ({ terms: key, person }) => JSON.stringify([key, person]),
    says: () => '',
    labelOf: ({ terms: key, person }) => `user ${person}: ${placeOf(planning, 'terms', key)?.id ?? key}`,
    same: (row) => (isThere(row) ? wordOf(ids(row)) : undefined),
    isThere: (_, row) => isThere(row),
    hangs: ({ terms: key, person }) =>
      placeOf(planning, 'terms', key) !== undefined && placeOf(planning, 'person', person) !== undefined,
  }
}

/** Lines of the ledger. */
export function grants(planning: Planning): Comparing<FoundGrant> {
  const { found, here } = planning
  const named = new Map(found.datasets.map(({ key, slug }) => [key, slug]))
  const groupNames = new Map(found.groups.map(({ key, slug }) => [key, slug]))
  const called = (holder: Holder) =>
    holder.kind === 'group' ? `group ${groupNames.get(holder.key) ?? holder.key}` : nameOf(holder)
  const known = new Set(found.datasets.flatMap(({ key, versions }) => versions.map((version) => pair(key, version))))
  const same = (row: FoundGrant) => {
    const subject = subjectHere(planning, row.holder)
    const dataset = idHere(planning, 'dataset', row.dataset)
    const withinGroup = row.withinGroup === undefined ? undefined : idHere(planning, 'group', row.withinGroup)
    if (
      subject === undefined ||
      dataset === undefined ||
      (row.withinGroup !== undefined) !== (withinGroup !== undefined)
    )
      return undefined
    return here.said.get(
      saying({ subject, dataset, version: row.version, verb: row.level ?? row.permission, withinGroup }),
    )
  }
  return {
    kind: 'grant',
    rows: found.grants,
    keyOf: grantKey,
    says: () => '',
    labelOf: ({ holder, dataset, version, level, permission }) =>
      `${called(holder)} may ${level ?? permission} ${named.get(dataset) ?? dataset}${version === undefined ? '' : ` ${version}`}`,
    same,
    isThere: (target) => here.grants.has(target),
    hangs: ({ holder, dataset, version, withinGroup }) => {
      const place = placeOf(planning, 'dataset', dataset)
      const has = (one: string) =>
        place?.isNew ? known.has(pair(dataset, one)) : here.versions.has(pair(place?.id ?? '', one))
      return (
        place !== undefined &&
        (holder.kind === 'signed-in' || placeOf(planning, holder.kind, holder.key) !== undefined) &&
        (withinGroup === undefined || placeOf(planning, 'group', withinGroup) !== undefined) &&
        (version === undefined || has(version) || known.has(pair(dataset, version)))
      )
    },
  }
}

function subjectHere(planning: Planning, holder: Holder): string | undefined {
  if (holder.kind === 'signed-in') return 'signed-in'
  const id = idHere(planning, holder.kind, holder.key)
  return id && `${holder.kind === 'group' ? 'group' : 'account'}:${id}`
}

/**
 * What an import would do: what a source holds, compared with what is here and with what earlier imports of it made.
 * Pure, and knows no source. What was removed here after an import stays removed; what the source has changed is
 * changed; memberships, lines of the ledger and public objects that the source has no longer are ended. @module
 */
import { createHash } from 'node:crypto'
import { problemsOf } from './check.ts'
import { type Here, pair, saying } from './here.ts'
import type {
  Found,
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
  Key,
  Note,
} from './model.ts'
import { createNotebook, grantKey, type Notebook } from './reading.ts'
import { type Kind, kinds, type Step, type Steps } from './steps.ts'

/** What the source has no longer. */
export interface End {
  readonly kind: 'member' | 'manager' | 'root' | 'grant'
  readonly key: Key
  readonly target: string
}

/** The whole plan. */
export interface Plan {
  readonly steps: Steps
  readonly ends: readonly End[]
  readonly notes: readonly Note[]
  readonly problems: readonly string[]
  /** How many steps and ends there are. */
  readonly work: number
}

/** What a plan is made for. */
export interface PlanNeeds {
  readonly found: Found
  readonly here: Here
  /** Slug of the group that names admins of datasets. */
  readonly steeringCommittee: string
}

/** Where a row of the source is here: `''` while it is to be made. */
type Place = { readonly id: string; readonly isNew: boolean }

interface Planning extends PlanNeeds {
  readonly notebook: Notebook
  readonly places: ReadonlyMap<Kind, Map<Key, Place>>
}

/** How rows of a kind are compared. */
interface Comparing<R> {
  readonly kind: Kind
  readonly rows: readonly R[]
  keyOf(row: R): Key
  /** What of it counts as a change. */
  says(row: R): unknown
  labelOf(row: R): string
  /** Id of what is the same here without an import. */
  same(row: R): string | undefined
  isThere(target: string, row: R): boolean
  /** Whether what it hangs on is here, or comes with this plan. */
  hangs?(row: R): boolean
  /** The id it will have, where that can be said before. */
  idOf?(row: R): string
}

/** Compares. */
export function makePlan(needs: PlanNeeds): Plan {
  const notebook = createNotebook()
  const planning: Planning = { ...needs, notebook, places: new Map(kinds.map((kind) => [kind, new Map()])) }
  for (const { kind, what, of } of needs.found.notes) {
    if (of.length === 0) notebook.add(kind, what)
    for (const one of of) notebook.add(kind, what, one)
  }
  const person = withNumbers(planning, compare(planning, people(planning)))
  const program = withNumbers(planning, compare(planning, programs(planning)), person)
  const steps = {
    person,
    program,
    group: compare(planning, groups(planning)),
    dataset: compare(planning, datasets(planning)),
    terms: compare(planning, terms(planning)),
    member: compare(planning, members(planning, 'member')),
    manager: compare(planning, members(planning, 'manager')),
    root: compare(planning, roots(planning)),
    acceptance: compare(planning, acceptances(planning)),
    grant: compare(planning, grants(planning)),
  }
  noteWhatIsHere(planning, steps)
  const ends = endsOf(planning)
  const work = Object.values(steps).reduce((sum, list) => sum + list.length, 0) + ends.length
  return {
    steps,
    ends,
    notes: notebook.notes,
    problems: [...needs.found.problems, ...problemsOf(steps, needs.here)],
    work,
  }
}

/** Tells a change without keeping what a row says. What one import must know of the last stands before the dot. */
export function digestOf(says: unknown): string {
  return createHash('sha256').update(JSON.stringify(says)).digest('base64url').slice(0, 22)
}

/** A remembered target that an import did not make. */
export const adopted = (target: string): string => `=${target}`
const isAdopted = (target: string) => target.startsWith('=')
const ownOf = (target: string) => (isAdopted(target) ? target.slice(1) : target)

const removedHere = (kind: Kind) => `removed here after an import, and left so: ${kind}`

function compare<R>(planning: Planning, comparing: Comparing<R>): Step<R>[] {
  const { here, notebook, places } = planning
  const { kind, rows } = comparing
  const [remembered, place] = [here.remembered.get(kind), places.get(kind) ?? new Map<Key, Place>()]
  return rows.flatMap((row): Step<R>[] => {
    const [key, label] = [comparing.keyOf(row), comparing.labelOf(row)]
    const before = remembered?.get(key)
    if (before === undefined && comparing.hangs?.(row) === false) {
      notebook.add('lost', `left out, because what it hangs on was removed here or left out: ${kind}`, label)
      return []
    }
    const digest = `${stateOf(row)}.${digestOf(comparing.says(row))}`
    const same =
      before === undefined || !comparing.isThere(ownOf(before.target), row) ? comparing.same(row) : ownOf(before.target)
    const step = { key, row, label, digest, before: before?.digest }
    if (before === undefined) {
      place.set(key, { id: same ?? comparing.idOf?.(row) ?? '', isNew: same === undefined })
      return [{ ...step, do: same === undefined ? 'add' : 'adopt', target: same ?? comparing.idOf?.(row) }]
    }
    if (same === undefined) {
      notebook.add('mind', removedHere(kind), label)
      return []
    }
    place.set(key, { id: same, isNew: false })
    return before.digest === digest ? [] : [{ ...step, do: 'change', target: same }]
  })
}

function stateOf(row: unknown): string {
  return typeof row === 'object' && row !== null && 'state' in row ? String(row.state) : ''
}

const placeOf = ({ places }: Planning, kind: Kind, key: Key | undefined) => places.get(kind)?.get(key ?? '')
/** The id of what is here, and nothing for what is to be made. */
const idHere = (planning: Planning, kind: Kind, key: Key | undefined) => {
  const place = placeOf(planning, kind, key)
  return place === undefined || place.isNew ? undefined : place.id
}

function people({ found, here }: Planning): Comparing<FoundPerson> {
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

function programs(planning: Planning): Comparing<FoundProgram> {
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

function groups({ found, here }: Planning): Comparing<FoundGroup> {
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

function datasets({ found, here }: Planning): Comparing<FoundDataset> {
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

function terms(planning: Planning): Comparing<FoundTerms> {
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

function members(planning: Planning, kind: 'member' | 'manager'): Comparing<FoundMember> {
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

function roots({ found, here }: Planning): Comparing<FoundRoot> {
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

function acceptances(planning: Planning): Comparing<FoundAcceptance> {
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

function grants(planning: Planning): Comparing<FoundGrant> {
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

/** Numbers that are free stay with their accounts, people's first. */
function withNumbers<R extends FoundPerson | FoundProgram>(
  { here, notebook }: Planning,
  steps: readonly Step<R>[],
  former: readonly Step<unknown>[] = [],
): Step<R>[] {
  const taken = new Set(former.flatMap(({ number }) => number ?? []))
  return steps.map((step) => {
    const { number } = step.row
    if (number === undefined) return step
    if (step.do === 'adopt' && here.account(step.target ?? '')?.number !== number)
      notebook.add('mind', 'known here by another number: data of services keep the old one', step.label)
    if (step.do !== 'add') return step
    const isFree = here.isFreeNumber(number) && !taken.has(number)
    if (!isFree)
      notebook.add(
        'mind',
        'their number is taken here, they get another: data of services keep the old one',
        step.label,
      )
    taken.add(number)
    return isFree ? { ...step, number } : step
  })
}

/** What is here already and may not be what the source means. */
function noteWhatIsHere({ here, notebook, steeringCommittee, found }: Planning, steps: Steps): void {
  for (const { do: what, row, label } of steps.person)
    if (what === 'add' && row.email !== undefined && here.knownElsewhere(row.email) !== undefined)
      notebook.add(
        'mind',
        'has an account by another sign-in; it takes over what is imported when they join this one to it',
        label,
      )
  for (const { do: what, row } of steps.group)
    if (what === 'adopt') notebook.add('mind', 'groups that are here already; those of there join them', row.slug)
  for (const { do: what, row } of steps.dataset)
    if (what === 'adopt')
      notebook.add('mind', 'datasets that are here already; their versions, places and tables stay', row.slug)
  const isSteering = ({ slug }: FoundGroup) => slug === steeringCommittee
  if (steps.group.some(({ row, do: what }) => what !== 'change' && isSteering(row)))
    notebook.add(
      'mind',
      `the group ${steeringCommittee} is the steering committee here: its members name admins of datasets`,
    )
  const gone = (kind: Kind, rows: readonly { readonly key: Key }[]) => {
    const keys = new Set(rows.map(({ key }) => key))
    const left = [...(here.remembered.get(kind)?.keys() ?? [])].filter((key) => !keys.has(key))
    for (const key of left) notebook.add('mind', `gone at the source, kept here: ${kind}`, key)
  }
  gone('person', found.people)
  gone('program', found.programs)
  gone('group', found.groups)
  gone('dataset', found.datasets)
  gone('terms', found.terms)
}

/** What an import made, the source has no longer, and is still here. */
function endsOf({ here, found }: Planning): End[] {
  const wanted = {
    member: new Set(found.members.map(({ group, who }) => JSON.stringify([group, who.kind, who.key]))),
    manager: new Set(found.managers.map(({ group, who }) => JSON.stringify([group, who.kind, who.key]))),
    root: new Set(found.roots.map(({ namespace, name, root }) => JSON.stringify([namespace, name, root]))),
    grant: new Set(found.grants.map(grantKey)),
  }
  const isHere = { member: here.members, manager: here.managers, root: here.roots }
  const stands = (kind: End['kind'], target: string) => {
    // Somebody here had said it before: the source cannot take it back.
    if (isAdopted(target)) return false
    if (kind === 'grant') return here.grants.has(target)
    // Written by `apply.ts` alone.
    const words = JSON.parse(target) as readonly string[]
    const account = kind === 'root' ? undefined : here.account(words[1] ?? '')?.id
    return isHere[kind].has(account === undefined ? pair(...words) : pair(words[0] ?? '', account))
  }
  return (Object.keys(wanted) as End['kind'][]).flatMap((kind) =>
    [...(here.remembered.get(kind) ?? [])].flatMap(([key, { target }]) =>
      !wanted[kind].has(key) && stands(kind, target) ? [{ kind, key, target }] : [],
    ),
  )
}

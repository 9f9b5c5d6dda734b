/**
 * What an import would do: what a source holds, compared with what is here and with what earlier imports of it made.
 * Pure, and knows no source. What was removed here after an import stays removed; what the source has changed is
 * changed; memberships, lines of the ledger and public objects that the source has no longer are ended. @module
 */
import { problemsOf } from './check.ts'
import { compare, isAdopted, type PlanNeeds, type Planning } from './comparing.ts'
import { acceptances, datasets, grants, groups, members, people, programs, roots, terms } from './comparisons.ts'
import { pair } from './here.ts'
import type { FoundGroup, FoundPerson, FoundProgram, Key, Note } from './model.ts'
import { createNotebook, grantKey } from './reading.ts'
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

/** Makes what a slice of a plan says, all of it in one transaction or none. @module */
import type { EntityManager } from '@mikro-orm/sqlite'
import { keepNumericIds } from '../storage/numeric-ids.ts'
import { addAccounts, changePerson } from './apply-accounts.ts'
import { type Applying, type ApplyNeeds, added, at, type Ids, importActor, named, type Slice } from './applying.ts'
import type { Here } from './here.ts'
import type { FoundDataset, FoundMember, FoundProgram, Holder, Key } from './model.ts'
import type { End, Plan } from './plan.ts'
import { rememberAll } from './remembering.ts'
import { addAcceptances, addLines, addManagers, addMembers, forget, type PlainLine, touch } from './rows.ts'
import { type Kind, kinds, type Rows, type Step } from './steps.ts'

/** How far the numbers of later people of the source may go while both systems run. */
const room = 10_000

/** Makes a slice, within the caller's transaction. @throws Fault ERR_INPUT naming the row that cannot be made */
export async function applyIn(
  em: EntityManager,
  needs: ApplyNeeds,
  { slice, here, ids }: { readonly slice: Slice; readonly here: Here; readonly ids: Ids },
): Promise<void> {
  const applying: Applying = { ...needs, em, plan: slice, here, ids, touched: new Set() }
  await needs.change<void>(importActor, undefined, async () => {
    await end(applying)
    await makeContainers(applying)
    await addAccounts(applying)
    await changeOthers(applying)
    await addMany(applying)
    await rememberAll(applying)
    await touch(em, [...applying.touched])
    const [target, after] = [{ source: needs.source, signIn: needs.signIn }, countsOf(slice)]
    return { result: undefined, type: 'ledger.imported', target, before: undefined, after }
  })
}

/** Sets the numbers of all its accounts apart, before anything else takes one. */
export async function reserve(em: EntityManager, { steps }: Plan): Promise<void> {
  const numbers = [...steps.person, ...steps.program].flatMap(({ number }) => number ?? [])
  if (numbers.length > 0) await keepNumericIds(em, { highest: numbers.reduce((a, b) => Math.max(a, b)), room })
}

/** How much a plan does, by kind. */
export function countsOf(plan: Slice): Record<string, number> {
  const counts = new Map<string, number>()
  const count = (word: string) => counts.set(word, (counts.get(word) ?? 0) + 1)
  for (const kind of kinds) for (const { do: what } of plan.steps[kind]) count(`${kind}.${what}`)
  for (const { kind } of plan.ends) count(`${kind}.end`)
  return Object.fromEntries(counts)
}

async function end({ em, plan, here, groups, ledger, source }: Applying): Promise<void> {
  const words = ({ target }: End) => JSON.parse(target) as readonly [string, string, string]
  const of = (kind: End['kind']) => plan.ends.filter((one) => one.kind === kind)
  const account = (id: string) => here.account(id)?.id ?? id
  for (const one of of('manager'))
    await groups.setManager(importActor, words(one)[0], { account: account(words(one)[1]), is: 'none' })
  for (const one of of('member')) await groups.removeMember(importActor, words(one)[0], account(words(one)[1]))
  for (const { target } of of('grant')) await ledger.grants.end(importActor, Number(target))
  const byTable = Map.groupBy(of('root').map(words), ([namespace, name]) => JSON.stringify([namespace, name]))
  for (const [table, roots] of byTable) {
    const [namespace, name] = JSON.parse(table) as [string, string]
    for (let from = 0; from < roots.length; from += 20_000)
      await ledger.datasets.removeRoots(
        importActor,
        { namespace, name },
        roots.slice(from, from + 20_000).map(([, , root]) => root),
      )
  }
  const gone = plan.ends.map(({ kind, key }): [string, string] => [kind, key])
  await forget(em, gone, source)
}

function partsOf({ title, description, aliases, versions, places, tables }: FoundDataset) {
  return { title, description, aliases, versions: versions.map((version) => ({ version })), places, tables }
}

async function makeContainers({ plan, ids, groups, ledger }: Applying): Promise<void> {
  for (const { do: what, key, row, target = row.slug } of plan.steps.group) {
    if (what === 'add')
      await at(`group ${row.slug}`, () => groups.create(importActor, { slug: row.slug, title: row.title }))
    ids.set(named('group', key), target)
  }
  for (const { do: what, key, row, target = row.slug } of plan.steps.dataset) {
    if (what === 'add')
      await at(`dataset ${row.slug}`, () => ledger.datasets.create(importActor, { slug: row.slug, ...partsOf(row) }))
    ids.set(named('dataset', key), target)
  }
  for (const { do: what, key, row, target = row.id } of plan.steps.terms) {
    const { title, markdown, version, services } = row
    const dataset = ids.get(named('dataset', row.dataset))
    if (what === 'add')
      await at(`terms ${target}`, () =>
        ledger.terms.add(importActor, { id: target, title, markdown, dataset, version, services }),
      )
    ids.set(named('terms', key), target)
  }
}

async function changeOthers(applying: Applying): Promise<void> {
  const { plan, groups, ledger, here, serviceAccounts, ids } = applying
  const changed = <R>(steps: readonly Step<R>[]) =>
    steps.flatMap(({ do: what, row, target }) => (what === 'change' && target ? [{ row, target }] : []))
  for (const { row, target } of changed(plan.steps.person)) await changePerson(applying, row, target)
  for (const { row, target } of changed<FoundProgram>(plan.steps.program)) {
    const parent = row.parent === undefined ? null : (ids.get(named('person', row.parent)) ?? null)
    const patch = { displayName: row.displayName, description: row.description, parent }
    await at(`service account ${row.username}`, () => serviceAccounts.change(importActor, target, patch))
  }
  for (const { row, target } of changed(plan.steps.group))
    if (here.groups.get(target) !== 'config')
      await at(`group ${target}`, () => groups.change(importActor, target, { title: row.title }))
  for (const { row, target } of changed(plan.steps.dataset))
    if (here.datasets.get(target) !== 'config')
      await at(`dataset ${target}`, () => ledger.datasets.change(importActor, target, partsOf(row)))
  for (const { row, target } of changed(plan.steps.terms))
    await at(`terms ${target}`, async () => {
      await ledger.terms.change(importActor, target, { title: row.title })
      // As there: who accepted the former text is not asked again.
      await ledger.terms.publish(importActor, target, { markdown: row.markdown, again: 'keep' })
    })
}

async function addMany(applying: Applying): Promise<void> {
  const { em, plan, ids, clock, touched, source } = applying
  const [now, idOf] = [clock.now(), (kind: Kind, key: Key) => ids.get(named(kind, key)) ?? '']
  const pairOf = ({ row }: Step<FoundMember>): [string, string] => [
    idOf('group', row.group),
    idOf(row.who.kind, row.who.key),
  ]
  const [members, managers] = [added(plan.steps.member).map(pairOf), added(plan.steps.manager).map(pairOf)]
  await addMembers(em, members, now)
  await addManagers(em, managers)
  for (const [, account] of [...members, ...managers]) touched.add(account)
  await addRoots(applying)
  const accepted = added(plan.steps.acceptance).map(({ row }): [string, string, number, string | null] => [
    ...([idOf('terms', row.terms), idOf('person', row.person)] as const),
    ...([(row.at ?? now).getTime(), row.address ?? null] as const),
  ])
  await addAcceptances(em, accepted)
  for (const [, account] of accepted) touched.add(account)
  const lines = added(plan.steps.grant)
  const lineId = await addLines(
    em,
    lines.map((step) => lineOf(ids, step)),
    { at: now, why: `imported from ${source}` },
  )
  for (const step of lines) ids.set(named('grant', step.key), lineId(lineOf(ids, step)))
}

async function addRoots({ plan, ledger }: Applying): Promise<void> {
  const byTable = Map.groupBy(added(plan.steps.root), ({ row }) => JSON.stringify([row.namespace, row.name]))
  for (const [table, steps] of byTable) {
    const [namespace = '', name = ''] = JSON.parse(table) as readonly string[]
    for (let from = 0; from < steps.length; from += 20_000) {
      const roots = steps.slice(from, from + 20_000).map(({ row }) => row.root)
      await at(`table ${name}`, () => ledger.datasets.addRoots(importActor, { namespace, name }, roots))
    }
  }
}

function lineOf(ids: ReadonlyMap<string, string>, { row }: Step<Rows['grant']>): PlainLine {
  const subject = (holder: Holder) => {
    if (holder.kind === 'signed-in') return 'signed-in'
    return `${holder.kind === 'group' ? 'group' : 'account'}:${ids.get(named(holder.kind, holder.key))}`
  }
  return {
    ...{ subject: subject(row.holder), dataset: ids.get(named('dataset', row.dataset)) ?? '' },
    ...{ version: row.version, level: row.level, permission: row.permission },
    withinGroup: row.withinGroup === undefined ? undefined : ids.get(named('group', row.withinGroup)),
  }
}

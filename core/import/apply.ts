/**
 * Makes what a plan says, all of it in one transaction or none. What had to wait for its end (whether accounts may act)
 * follows at once; an import that was interrupted there does it the next time. @module
 */
import { type AccountId, type Clock, Fault, isFault, type Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Ledger } from '../access/ledger.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Change } from '../accounts/changes.ts'
import type { Groups } from '../accounts/groups.ts'
import { addImportedIn } from '../accounts/imported.ts'
import type { ServiceAccounts } from '../accounts/service-accounts.ts'
import { AccountEntity } from '../storage/entities.ts'
import { AwaitedNameEntity } from '../storage/import-entities.ts'
import { keepNumericIds } from '../storage/numeric-ids.ts'
import type { Storage } from '../storage/storage.ts'
import type { Here } from './here.ts'
import type { FoundDataset, FoundMember, FoundPerson, FoundProgram, Holder, Key } from './model.ts'
import { adopted, type End, type Plan } from './plan.ts'
import { addAcceptances, addLines, addManagers, addMembers, forget, type PlainLine, remember, touch } from './rows.ts'
import { type Kind, kinds, type Rows, type Step } from './steps.ts'

/** Who makes the rows of imports. */
export const importActor = { kind: 'system', name: 'import' } as const

/** What applying stands on. */
export interface ApplyNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly change: Change
  readonly accounts: Pick<Accounts, 'setState'>
  readonly groups: Groups
  readonly serviceAccounts: ServiceAccounts
  readonly ledger: Ledger
  /** What the source is called in the trail and for the next import. */
  readonly source: string
  /** The sign-in that vouches for the people. */
  readonly signIn: string
}

/** How far the numbers of later people of the source may go while both systems run. */
const room = 10_000

interface Applying extends ApplyNeeds {
  readonly em: EntityManager
  readonly plan: Plan
  readonly here: Here
  /** Ids here, by kind and key. */
  readonly ids: Map<string, string>
  /** Accounts about whom something has changed. */
  readonly touched: Set<AccountId>
}

/** What follows when the transaction is through. */
export type After = () => Promise<void>

/** Makes everything, within the caller's transaction. @throws Fault ERR_INPUT naming the row that cannot be made */
export async function applyIn(
  em: EntityManager,
  needs: ApplyNeeds,
  { plan, here }: { readonly plan: Plan; readonly here: Here },
): Promise<After> {
  const applying: Applying = { ...needs, em, plan, here, ids: idsHere(here), touched: new Set() }
  await needs.change<void>(importActor, undefined, async () => {
    if (plan.work === 0) return { unchanged: undefined }
    await reserve(applying)
    await end(applying)
    await addAccounts(applying)
    await makeContainers(applying)
    await changeOthers(applying)
    await addMany(applying)
    await rememberAll(applying)
    await touch(em, [...applying.touched])
    const [target, after] = [{ source: needs.source, signIn: needs.signIn }, countsOf(plan)]
    return { result: undefined, type: 'ledger.imported', target, before: undefined, after }
  })
  return () => settleStates(applying)
}

const named = (kind: Kind, key: Key | undefined) => `${kind} ${key}`

function idsHere(here: Here): Map<string, string> {
  const ids = new Map<string, string>()
  for (const kind of ['person', 'program', 'group', 'dataset', 'terms'] as const)
    for (const [key, { target }] of here.remembered.get(kind) ?? []) {
      const id = target.replace(/^=/, '')
      ids.set(named(kind, key), kind === 'person' || kind === 'program' ? (here.account(id)?.id ?? id) : id)
    }
  return ids
}

/** How much a plan does, by kind. */
export function countsOf(plan: Plan): Record<string, number> {
  const counts = new Map<string, number>()
  const count = (word: string) => counts.set(word, (counts.get(word) ?? 0) + 1)
  for (const kind of kinds) for (const { do: what } of plan.steps[kind]) count(`${kind}.${what}`)
  for (const { kind } of plan.ends) count(`${kind}.end`)
  return Object.fromEntries(counts)
}

/** Does a part; what is wrong with it is told with what it is. */
async function at<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFault(error) || !['ERR_INPUT', 'ERR_CONFLICT', 'ERR_NOT_FOUND'].includes(error.code)) throw error
    throw new Fault('ERR_INPUT', `${label}: ${error.message} Mend it at the source or here; nothing was imported.`, {
      cause: error,
    })
  }
}

async function reserve({ em, plan }: Applying): Promise<void> {
  const numbers = [...plan.steps.person, ...plan.steps.program].flatMap(({ number }) => number ?? [])
  if (numbers.length > 0) await keepNumericIds(em, { highest: numbers.reduce((a, b) => Math.max(a, b)), room })
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

async function addAccounts(applying: Applying): Promise<void> {
  const { plan, ids } = applying
  for (const step of [...plan.steps.person, ...plan.steps.program])
    if (step.do === 'adopt') ids.set(named('person', step.key), step.target ?? '')
  const add = <R>(steps: readonly Step<R>[]) => steps.filter(({ do: what }) => what === 'add')
  await addOf(applying, 'person', {
    steps: add(plan.steps.person),
    accountOf: ({ row, number }) => ({
      ...{ kind: 'person', called: row.email?.split('@')[0] ?? row.displayName, description: '', parent: undefined },
      ...{ displayName: row.displayName, email: row.email, state: row.state, number, names: row.names },
    }),
  })
  await addOf(applying, 'program', {
    steps: add(plan.steps.program),
    accountOf: ({ row, number }) => ({
      ...{ kind: 'service', called: row.username, description: row.description, email: undefined, names: [] },
      ...{ displayName: row.displayName, state: row.state, number },
      parent: row.parent === undefined ? undefined : ids.get(named('person', row.parent)),
    }),
  })
}

async function addOf<K extends 'person' | 'program'>(
  { em, storage, clock, random, ids, source, signIn }: Applying,
  kind: K,
  {
    steps,
    accountOf,
  }: {
    steps: readonly Step<Rows[K]>[]
    accountOf: (step: Step<Rows[K]>) => Parameters<typeof addImportedIn>[2][number]
  },
): Promise<void> {
  const made = await addImportedIn(em, { storage, clock, random, instance: signIn }, steps.map(accountOf))
  for (const [index, step] of steps.entries()) {
    const account = made[index] as AccountId
    ids.set(named(kind, step.key), account)
    const detail = { source, after: { kind, number: step.number ?? null, state: step.row.state } }
    await storage.audit.appendIn(em, { type: 'account.imported', actor: importActor.name, account, detail })
  }
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

/** Of somebody who has come, the name is their own, and no address lets anybody else in. */
async function changePerson({ em, here, clock, signIn, touched }: Applying, row: FoundPerson, id: AccountId) {
  if (!here.account(id)?.isAwaited) return
  const { displayName, names, email = null } = row
  await em.nativeUpdate(AccountEntity, { id }, { displayName, email, updatedAt: clock.now() })
  await em.nativeDelete(AwaitedNameEntity, { account: id, instance: signIn })
  const free = names.filter((name) => (here.known(name) ?? id) === id)
  for (const value of free)
    await em.insert(AwaitedNameEntity, { instance: signIn, value, account: id, createdAt: clock.now() })
  touched.add(id)
}

const added = <R>(steps: readonly Step<R>[]) => steps.filter((step) => step.do === 'add')

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

/** Whether the source has shut somebody out, or let them in again, since the last import. */
const stateChanged = ({ do: what, before, digest }: Step<unknown>) =>
  what === 'change' && before?.split('.')[0] !== digest.split('.')[0]

async function rememberAll(applying: Applying): Promise<void> {
  const { em, plan, source, clock } = applying
  for (const kind of kinds) {
    const steps: readonly Step<unknown>[] = plan.steps[kind]
    const rows = steps.filter((step) => !stateChanged(step)).map((step) => rememberedOf(applying, kind, step))
    await remember(em, rows, { source, kind, at: clock.now() })
  }
}

function rememberedOf({ ids }: Pick<Applying, 'ids'>, kind: Kind, step: Step<unknown>): [string, string, string] {
  const own = targetOf(ids, kind, step)
  return [step.key, step.do === 'adopt' ? adopted(own) : own, step.digest]
}

function targetOf(ids: ReadonlyMap<string, string>, kind: Kind, step: Step<unknown>): string {
  if (kind === 'member' || kind === 'manager') {
    const { group, who } = step.row as FoundMember
    return JSON.stringify([ids.get(named('group', group)), ids.get(named(who.kind, who.key))])
  }
  if (kind === 'acceptance') return step.target ?? step.key
  return step.target ?? ids.get(named(kind, step.key)) ?? ''
}

async function settleStates(applying: Applying): Promise<void> {
  const { plan, accounts, serviceAccounts, storage, source, clock } = applying
  for (const kind of ['person', 'program'] as const)
    for (const step of plan.steps[kind]) {
      if (!stateChanged(step) || step.target === undefined) continue
      const { state } = step.row
      if (kind === 'person') await accounts.setState(step.target, state)
      else await serviceAccounts.change(importActor, step.target, { state })
      const row = rememberedOf(applying, kind, step)
      await storage.transaction(async (em) => {
        const [type, account] = [state === 'active' ? 'account.activated' : 'account.deactivated', step.target] as const
        await storage.audit.appendIn(em, { type, actor: importActor.name, account, detail: { source } })
        await remember(em, [row], { source, kind, at: clock.now() })
      })
    }
}

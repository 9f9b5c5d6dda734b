/**
 * The rules of access once more, as slowly and plainly as they can be said: no index, no memory, no code of the access
 * room. What the product answers must be what this answers.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { AccessAsk } from '@labgate/contract'
import type { RawConditions, World } from './world.ts'

type Grant = World['grants'][number]

export interface Verdict {
  readonly allowed: boolean
  /** Why there is nothing to judge at all. */
  readonly stop: 'account' | 'unknown' | 'unknown-version' | 'frozen' | undefined
  /** Ids of the lines that speak and count. */
  readonly counting: readonly number[]
}

export interface Question extends AccessAsk {
  readonly now: number
  /** As if everybody had accepted everything. */
  readonly termsAside?: boolean
}

const levels = ['view', 'edit', 'manage', 'admin']
const day = 86_400_000

export function verdict(world: World, ask: Question): Verdict {
  const stop = stopOf(world, ask)
  if (stop !== undefined) return { allowed: false, stop, counting: [] }
  const slug = slugOf(world, ask.dataset)
  const counting = world.grants
    .filter((grant) => grant.dataset === slug && !grant.isEnded)
    .filter((grant) => grant.version === null || grant.version === ask.version)
    .filter((grant) => gives(grant, ask.verb))
    .filter((grant) => isFor(world, grant.subject, ask.account))
    .filter((grant) => conditionsHold(world, grant.conditions, ask))
    .filter((grant) => ask.termsAside || termsHold(world, grant, ask))
  return { allowed: counting.length > 0, stop: undefined, counting: counting.map(({ id }) => id) }
}

function stopOf(world: World, ask: Question): Verdict['stop'] {
  if (ask.account !== undefined && !mayAct(world, ask.account)) return 'account'
  const slug = slugOf(world, ask.dataset)
  const dataset = world.datasets.find((one) => one.slug === slug)
  if (dataset === undefined) return 'unknown'
  if (dataset.visibility === 'hidden' && !mayKnow(world, dataset.slug, ask)) return 'unknown'
  const isVersion = world.versions.some((one) => one.dataset === slug && one.version === ask.version)
  if (ask.version !== undefined && !isVersion) return 'unknown-version'
  return dataset.frozen === null ? undefined : 'frozen'
}

function mayAct(world: World, id: string): boolean {
  const account = world.accounts.find((one) => one.id === id)
  const parent = world.accounts.find((one) => one.id === account?.parent)
  return account?.state === 'active' && (account.parent === null || parent?.state === 'active')
}

/** A hidden dataset is known to whom a line names that is not over, and to whom a line holds but for terms. */
function mayKnow(world: World, slug: string, ask: Question): boolean {
  return world.grants.some((grant) => {
    if (grant.dataset !== slug || grant.isEnded || !isFor(world, grant.subject, ask.account)) return false
    const isLost = !world.versions.some((one) => one.dataset === slug && one.version === grant.version)
    if (grant.version !== null && isLost) return false
    const names = grant.subject !== 'anyone' && grant.subject !== 'signed-in'
    const { until } = grant.conditions
    return (
      (names && (until === undefined || ask.now < Date.parse(until))) || conditionsHold(world, grant.conditions, ask)
    )
  })
}

function slugOf(world: World, name: string): string | undefined {
  return world.aliases.find(({ alias }) => alias === name)?.dataset ?? name
}

function gives(grant: Grant, verb: string): boolean {
  if (grant.permission !== null) return grant.permission === verb
  return levels.includes(verb) && levels.indexOf(grant.level ?? '') >= levels.indexOf(verb)
}

function isFor(world: World, subject: string, account: string | undefined): boolean {
  if (subject === 'anyone') return true
  if (account === undefined) return false
  if (subject === 'signed-in' || subject === `account:${account}`) return true
  if (world.members.some((member) => member.account === account && subject === `group:${member.group}`)) return true
  return world.identities.some((identity) => {
    if (identity.account !== account || identity.isRemoved) return false
    const addresses = identity.facts.filter(({ claim, trust }) => claim === 'email' && trust === 'verified')
    const names = [identity.subject, ...addresses.map(({ value }) => String(value).toLowerCase())]
    return names.some((name) => subject === `name:${identity.instance}:${name}`)
  })
}

function conditionsHold(world: World, conditions: RawConditions, { account, now }: Question): boolean {
  const { from, until, withinGroup, facts = [] } = conditions
  if (from !== undefined && now < Date.parse(from)) return false
  if (until !== undefined && now >= Date.parse(until)) return false
  const isIn = world.members.some((member) => member.account === account && member.group === withinGroup)
  if (withinGroup !== undefined && !isIn) return false
  return facts.every((wanted) =>
    world.identities.some(
      (identity) =>
        identity.account === account &&
        !identity.isRemoved &&
        (wanted.via === undefined || wanted.via === identity.instance) &&
        (wanted.withinDays === undefined || now <= identity.seenAt + wanted.withinDays * day) &&
        identity.facts.some((fact) => fact.claim === wanted.claim && isSo(fact, wanted)),
    ),
  )
}

type Fact = World['identities'][number]['facts'][number]

function isSo({ value, trust }: Fact, wanted: NonNullable<RawConditions['facts']>[number]): boolean {
  const order = ['self', 'asserted', 'verified']
  if (order.indexOf(trust) < order.indexOf(wanted.trust ?? 'verified')) return false
  if ('equals' in wanted && !isDeepStrictEqual(value, wanted.equals)) return false
  if ('oneOf' in wanted && !wanted.oneOf?.some((one) => isDeepStrictEqual(one, value))) return false
  const list = Array.isArray(value) ? value : []
  return !('contains' in wanted) || list.some((one) => isDeepStrictEqual(one, wanted.contains))
}

function termsHold(world: World, grant: Grant, ask: Question): boolean {
  const { account, service } = ask
  const asking = world.accounts.find((one) => one.id === account)
  const whose = asking?.kind === 'service' ? asking.parent : account
  const accepted = (id: string, least: number) =>
    world.acceptances.some((one) => one.account === whose && one.terms === id && one.number >= least)
  const attached = world.terms
    .filter((one) => one.dataset === grant.dataset && !one.isRetired)
    .filter((one) => one.version === null || one.version === ask.version)
    .filter((one) => one.services.length === 0 || one.services.includes(service ?? ''))
  const own = grant.conditions.terms
  const isOwnRetired = world.terms.some((one) => one.id === own?.id && one.isRetired)
  const isOwnThere = world.terms.some((one) => one.id === own?.id)
  const ownHolds = own === undefined || isOwnRetired || (isOwnThere && accepted(own.id, own.number))
  return ownHolds && attached.every(({ id, required }) => accepted(id, required))
}

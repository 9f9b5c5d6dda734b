/** Worlds and questions at random, of few names, so that they meet. @module */
import fc from '../../support/chance.ts'
import type { Question } from './oracle.ts'
import type { RawConditions, World } from './world.ts'

export const start = Date.UTC(2026, 0, 10)

const people = ['ada', 'bob']
const services = ['svc-1', 'svc-2']
const groups = ['imaging', 'team', 'orcid:lab']
const datasets = ['fish', 'fly']
const versions = ['v1', 'v2']
const termsIds = ['t1', 't2', 't3']
const clients = ['cave', 'viewer']
const instances = ['orcid', 'email']
const addresses = ['ada@lab.org', 'bob@lab.org']
const one = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const some = <T>(of: fc.Arbitrary<T>, most: number) => fc.array(of, { maxLength: most })
// Full worlds: in nearly empty ones every rule looks right.
const unique = <T>(of: fc.Arbitrary<T>, most: number, key: (value: T) => string) =>
  fc.uniqueArray(of, { minLength: Math.ceil(most / 2), maxLength: most, selector: key, size: 'max' })

/** Instants near each other: half days, where conditions turn, and their neighbours by a millisecond. */
export const instant = fc
  .tuple(fc.integer({ min: -4, max: 4 }), one(-1, 0, 0, 0, 1))
  .map(([halves, more]) => start + halves * 43_200_000 + more)

const value = one<'lab' | 'club' | readonly string[]>('lab', 'club', ['lab'], ['club', 'lab'])
const trust = one('verified', 'verified', 'asserted', 'self')
const fact = fc.oneof(
  fc.record({ claim: one('affiliation'), value, trust }),
  fc.record({ claim: one('email'), value: one(...addresses, 'Ada@Lab.org'), trust }),
)

const factCondition = fc
  .tuple(
    fc.record({ claim: one('affiliation', 'affiliation', 'email') }),
    fc.oneof(
      fc.constant({}),
      fc.record({ equals: value }),
      fc.record({ oneOf: some(value, 2) }),
      fc.record({ contains: one('lab', 'club') }),
    ),
    fc.record(
      { via: one(...instances), trust: one('self', 'asserted', 'verified'), withinDays: one(0, 1, 2, 0.5) },
      { requiredKeys: [] },
    ),
  )
  .map(([claim, comparison, rest]) => ({ ...claim, ...comparison, ...rest }))

const iso = instant.map((at) => new Date(at).toISOString())
const conditions: fc.Arbitrary<RawConditions> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 4,
    arbitrary: fc.oneof(
      fc.record({ from: iso }),
      fc.record({ until: iso }),
      fc.record({ facts: fc.array(factCondition, { minLength: 1, maxLength: 2 }) }),
      fc.record({ withinGroup: one(...groups) }),
      fc.record({ terms: fc.record({ id: one(...termsIds, 'gone'), number: one(1, 2) }) }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        from: iso,
        until: iso,
        facts: fc.array(factCondition, { minLength: 1, maxLength: 2 }),
        withinGroup: one(...groups),
        terms: fc.record({ id: one(...termsIds), number: one(1, 2) }),
      },
      { requiredKeys: [] },
    ),
  },
)

const subject = fc.oneof(
  one(...people, ...services).map((id) => `account:${id}`),
  one(...groups).map((slug) => `group:${slug}`),
  fc
    .tuple(one(...instances), one(...addresses, 'sub-1', 'sub-2'))
    .map(([instance, name]) => `name:${instance}:${name}`),
  one('signed-in', 'anyone'),
)

const gift = fc.oneof(
  one('view', 'edit', 'manage', 'admin').map((level) => ({ level, permission: null })),
  one('annotate', 'download').map((permission) => ({ level: null, permission })),
)

const grant = fc
  .tuple(
    gift,
    fc.record({
      subject,
      dataset: one(...datasets),
      version: fc.oneof(one(null, null), one(...versions)),
      conditions,
      isEnded: one(false, false, false, true),
    }),
  )
  .map(([given, rest]) => ({ ...given, ...rest }))

/** A whole ledger. */
export const world: fc.Arbitrary<World> = fc
  .record({
    states: fc.array(one('active', 'active', 'active', 'pending', 'deactivated'), { minLength: 4, maxLength: 4 }),
    parents: fc.array(one(...people, null), { minLength: 2, maxLength: 2 }),
    identities: unique(
      fc.record({
        account: one(...people),
        instance: one(...instances),
        subject: one('sub-1', 'sub-2', 'sub-3'),
        facts: fc.array(fact, { minLength: 1, maxLength: 3 }),
        seenAt: instant,
        isRemoved: one(false, false, false, true),
      }),
      5,
      ({ instance, subject: name }) => `${instance} ${name}`,
    ),
    members: unique(
      fc.record({ account: one(...people, ...services), group: one(...groups) }),
      5,
      ({ account, group }) => `${account} ${group}`,
    ),
    datasets: fc.tuple(...datasets.map((slug) => datasetOf(slug))),
    aliases: unique(fc.record({ alias: one('zebra', 'old'), dataset: one(...datasets) }), 2, ({ alias }) => alias),
    versions: unique(
      fc.record({ dataset: one(...datasets), version: one(...versions) }),
      4,
      ({ dataset, version }) => `${dataset} ${version}`,
    ),
    terms: unique(
      fc.record({
        id: one(...termsIds),
        dataset: fc.oneof(one(null), one(...datasets), one(...datasets), one(...datasets)),
        version: fc.oneof(one(null, null), one(...versions)),
        services: fc.oneof(one([]), some(one(...clients), 2)),
        required: one(1, 2),
        isRetired: one(false, false, false, true),
      }),
      3,
      ({ id }) => id,
    ),
    accepted: unique(
      fc.record({ account: one(...people, ...services), terms: one(...termsIds), number: one(1, 2) }),
      8,
      ({ account, terms, number }) => `${account} ${terms} ${number}`,
    ),
    lines: fc.array(grant, { minLength: 10, maxLength: 24, size: 'max' }),
  })
  .map(({ states, parents, accepted, lines, ...rest }) => ({
    ...rest,
    accounts: [...people, ...services].map((id, index) => ({
      id,
      state: states[index] ?? 'active',
      kind: people.includes(id) ? 'person' : 'service',
      parent: parents[index - people.length] ?? null,
    })),
    acceptances: accepted.filter((each) => rest.terms.some(({ id }) => id === each.terms)),
    grants: lines.map((line, index) => ({ ...line, id: index + 1 })),
  }))

function datasetOf(slug: string) {
  return fc.record({
    slug: fc.constant(slug),
    visibility: one('listed', 'listed', 'hidden'),
    frozen: one(null, null, null, null, 'closed by the lab'),
  })
}

/** Every question there is about a world, at one instant. */
export function questions(now: number): Question[] {
  const found: Question[] = []
  for (const account of [...people, ...services, 'stranger', undefined])
    for (const dataset of [...datasets, 'zebra', 'nothing'])
      for (const version of [undefined, 'v1', 'v9'])
        for (const verb of ['view', 'manage', 'annotate', 'fly'])
          for (const service of [undefined, 'cave']) found.push({ account, dataset, version, verb, service, now })
  return found
}

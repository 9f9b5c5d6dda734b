/** The rooms on one storage, as one process has them, and changes at random through them. @module */
import { type Clock, type Fact, isFault, type Level } from '@labgate/contract'
import { type Access, createAccess } from '../../../core/access/access.ts'
import { createDatasets } from '../../../core/access/datasets.ts'
import { createGrants } from '../../../core/access/grants.ts'
import type { Conditions, Subject } from '../../../core/access/model.ts'
import { createTerms } from '../../../core/access/terms.ts'
import { createAccounts } from '../../../core/accounts/accounts.ts'
import { createChange } from '../../../core/accounts/changes.ts'
import { createGroups } from '../../../core/accounts/groups.ts'
import { createIdentities } from '../../../core/accounts/identities.ts'
import { createServiceAccounts } from '../../../core/accounts/service-accounts.ts'
import { systemRandom as random } from '../../../core/random.ts'
import type { Storage } from '../../../core/storage/storage.ts'
import fc from '../../support/chance.ts'
import type { World } from './world.ts'

const ignore = () => undefined
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** All the rooms that change what an answer stands on. */
export function roomsOn(storage: Storage, clock: Clock) {
  const change = createChange({ storage, log: quiet, authorise: async () => undefined })
  const needs = { storage, clock, random, change }
  const accounts = createAccounts(needs)
  const grants = createGrants(needs)
  return {
    access: createAccess(needs) as Access,
    accounts,
    grants,
    datasets: createDatasets(needs),
    terms: createTerms({ ...needs, grants }),
    groups: createGroups(needs),
    identities: createIdentities(needs),
    services: createServiceAccounts({ ...needs, accounts }),
  }
}

export type Rooms = ReturnType<typeof roomsOn>

const house = { kind: 'system', name: 'test' } as const
const one = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const person = one('ada', 'bob')
const anybody = one('ada', 'bob', 'svc')
const dataset = one('fish', 'fly')
const facts: readonly Fact[] = [{ claim: 'affiliation', value: 'lab', trust: 'verified' }]
const source = { instance: 'orcid', realm: 'orcid' }
const assertionOf = (subject: string, known: readonly Fact[]) => ({
  ...{ issuer: 'https://orcid', subject, facts: known, amr: [], at: new Date(0) },
})

/** One change; a fault is an answer like any other. */
export type Step = (rooms: Rooms) => Promise<unknown>

const subject: fc.Arbitrary<Subject> = fc.oneof(
  anybody.map((account) => ({ kind: 'account', account }) as const),
  one('imaging', 'orcid:lab').map((group) => ({ kind: 'group', group }) as const),
  one('sub-ada', 'ada@lab.org').map((value) => ({ kind: 'name', instance: 'orcid', value }) as const),
  one({ kind: 'signed-in' } as const, { kind: 'anyone' } as const),
)

const conditionsAt = (start: number): fc.Arbitrary<Conditions> =>
  one<Conditions>(
    ...[{}, {}, { withinGroup: 'imaging' }, { until: new Date(start + 7_200_000) }],
    ...[{ from: new Date(start + 7_200_000) }, { terms: { id: 't1', number: 1 } }],
    { facts: [{ claim: 'affiliation', equals: 'lab', withinDays: 0.1 }] },
  )

/** Any change that an answer may depend on. */
export function steps(start: number): fc.Arbitrary<Step> {
  const level = one<Level>('view', 'edit')
  return fc.oneof(
    fc.tuple(subject, dataset, one(undefined, undefined, 'v1'), level, conditionsAt(start)).map(
      ([who, slug, version, given, conditions]): Step =>
        ({ grants }) =>
          grants.add(house, { subject: who, dataset: slug, version, level: given, conditions }),
    ),
    fc.nat(7).map((place) => endOne(place)),
    fc
      .tuple(dataset, one({ frozen: 'closed' }, { frozen: null }, { visibility: 'hidden' }, { visibility: 'listed' }))
      .map(
        ([slug, patch]): Step =>
          ({ datasets }) =>
            datasets.change(house, slug, patch as { frozen: string | null }),
      ),
    person.map(
      (id): Step =>
        ({ groups }) =>
          groups.addMember(house, 'imaging', id),
    ),
    person.map(
      (id): Step =>
        ({ groups }) =>
          groups.removeMember(house, 'imaging', id),
    ),
    one<Step>(
      ({ groups }) => groups.remove(house, 'imaging'),
      ({ groups }) => groups.create(house, { slug: 'imaging', title: 'Imaging' }),
    ),
    fc.tuple(anybody, one('active', 'deactivated', 'active')).map(
      ([id, state]): Step =>
        ({ accounts }) =>
          accounts.setState(id, state as 'active'),
    ),
    fc.tuple(person, one([], ['orcid:lab'])).map(
      ([id, slugs]): Step =>
        ({ accounts }) =>
          accounts.setGroups(id, 'orcid', slugs),
    ),
    fc.tuple(person, one(facts, [], [...facts, mail])).map(([id, known]) => seeOne(id, known)),
    fc.tuple(person, one('sub-ada', 'sub-2')).map(
      ([id, name]): Step =>
        ({ identities }) =>
          identities.link(id, source, assertionOf(name, facts)),
    ),
    person.map((id) => unlinkOne(id)),
    person.map((id) => acceptAs(id)),
    one<Step>(
      ({ terms }) => terms.publish(house, 't1', { markdown: 'Again.', again: 'accept' }),
      ({ terms }) => terms.retire(house, 't1'),
    ),
    one<string | null>('ada', 'bob', null).map(
      (parent): Step =>
        ({ services }) =>
          services.change(house, 'svc', { parent }),
    ),
  )
}

const mail: Fact = { claim: 'email', value: 'Ada@Lab.org', trust: 'verified' }

function endOne(place: number): Step {
  return async ({ grants }) => {
    const { rows } = await grants.list({ limit: 8 })
    const grant = rows[place]
    if (grant) await grants.end(house, grant.id)
  }
}

function seeOne(id: string, known: readonly Fact[]): Step {
  return async ({ identities }) => {
    const [identity] = await identities.list(id)
    if (identity) await identities.seen(identity.id, source, assertionOf(identity.subject, known))
  }
}

function unlinkOne(id: string): Step {
  return async ({ identities }) => {
    const [identity] = await identities.list(id)
    if (identity) await identities.unlink(id, identity.id)
  }
}

function acceptAs(account: string): Step {
  return async ({ terms }) => {
    const { text } = (await terms.find('t1')) ?? {}
    if (text) await terms.accept({ kind: 'account', account }, { terms: 't1', digest: text.digest })
  }
}

/** Takes a step; what Labgate refuses is refused. */
export async function take(step: Step, rooms: Rooms): Promise<void> {
  try {
    await step(rooms)
  } catch (error) {
    if (!isFault(error)) throw error
  }
}

/** Where every walk begins. */
export const beginning: World = {
  accounts: [
    { id: 'ada', state: 'active', kind: 'person', parent: null },
    { id: 'bob', state: 'active', kind: 'person', parent: null },
    { id: 'svc', state: 'active', kind: 'service', parent: 'ada' },
  ],
  identities: [
    { account: 'ada', instance: 'orcid', subject: 'sub-ada', facts: [], seenAt: 0, isRemoved: false },
    { account: 'bob', instance: 'orcid', subject: 'sub-bob', facts: [], seenAt: 0, isRemoved: false },
  ],
  members: [
    { account: 'ada', group: 'imaging' },
    { account: 'bob', group: 'orcid:lab' },
  ],
  datasets: [
    { slug: 'fish', visibility: 'listed', frozen: null },
    { slug: 'fly', visibility: 'listed', frozen: null },
  ],
  aliases: [],
  versions: [{ dataset: 'fish', version: 'v1' }],
  terms: [{ id: 't1', dataset: 'fly', version: null, services: [], required: 1, isRetired: false }],
  acceptances: [{ account: 'ada', terms: 't1', number: 2 }],
  grants: ['account:svc', 'group:imaging', 'name:orcid:sub-ada', 'signed-in'].map((given, index) => ({
    ...{ id: index + 1, subject: given, dataset: index % 2 === 0 ? 'fish' : 'fly', version: null },
    ...{ level: 'view', permission: null, conditions: {}, isEnded: false },
  })),
}

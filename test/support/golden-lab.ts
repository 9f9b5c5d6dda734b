/**
 * The golden lab: eight people, five datasets, groups, terms and service accounts, in which every rule of the ledger
 * occurs once. What each dialect says of it lies in `test/golden/`.
 * @module
 */

import type { Assertion } from '@labgate/contract'
import { type Part, startLabgate, type TestLabgate } from './labgate.ts'

/** Usernames of the people, in the order they came. */
export const goldenPeople = ['ada', 'ben', 'cleo', 'dan', 'eve', 'fay', 'gus', 'hal'] as const
/** Usernames of the service accounts. */
export const goldenServices = ['pipeline', 'segbot'] as const

type Person = (typeof goldenPeople)[number]
type Service = (typeof goldenServices)[number]

/** The running lab. */
export interface GoldenLab {
  readonly site: TestLabgate
  /** Account id by username. */
  readonly ids: Readonly<Record<Person | Service, string>>
  /** What it was started with, to start it again. */
  readonly part: Part
}

const fullNames: Readonly<Record<Person, string>> = {
  ada: 'Ada Admin',
  ben: 'Ben Principal',
  cleo: 'Cleo Lead',
  dan: 'Dan Tracer',
  eve: 'Eve Newcomer',
  fay: 'Fay Visitor',
  gus: 'Gus Gone',
  hal: 'Hal Committee',
}
const by = (person: Person) => `email:${person}@lab.example`
const name = (person: Person) => `name:${by(person)}`

const ledger: Part = {
  admins: [by('ada')],
  groups: {
    tracers: {
      title: 'Tracers',
      members: ['cleo', 'dan', 'eve'].map((one) => by(one as Person)),
      managers: [by('cleo')],
    },
    sc: { title: 'Steering committee', members: [by('hal')] },
  },
  datasets: {
    fish2: {
      title: 'Larval fish, second brain',
      aliases: ['zebrafish'],
      versions: { v1: {}, v2: { places: [{ bucket: 'gs://fish-bucket', prefix: 'fish2/v2' }] } },
      places: [{ bucket: 'gs://fish-bucket', prefix: 'fish2' }],
      tables: [
        { namespace: 'datastack', name: 'fish2_prod' },
        { namespace: 'aligned_volume', name: 'fish2_em' },
      ],
      publicRoots: [
        { namespace: 'datastack', name: 'fish2_prod', roots: ['720575940621039145', '18446744073709551615'] },
      ],
    },
    fanc: { title: 'Female adult nerve cord', tables: [{ namespace: 'datastack', name: 'fanc_production' }] },
    cortex: { title: 'Cortex, unpublished', visibility: 'hidden' },
    mouse: { title: 'Mouse retina', versions: { v1: {}, v2: {} } },
    atlas: { title: 'Open atlas' },
  },
  grants: [
    { to: name('ben'), dataset: 'fish2', level: 'admin', why: 'principal investigator' },
    { to: name('cleo'), dataset: 'fish2', level: 'manage', why: 'leads the tracers' },
    { to: name('dan'), dataset: 'fish2', level: 'edit', withinGroup: 'tracers', why: 'traces' },
    { to: name('eve'), dataset: 'fish2', level: 'edit', until: '2020-12-31', why: 'a summer project' },
    { to: name('gus'), dataset: 'fish2', level: 'edit', why: 'has left since' },
    { to: 'account:pipeline', dataset: 'fish2', level: 'edit', why: 'nightly meshes' },
    { to: 'group:tracers', dataset: 'fanc', level: 'view' },
    { to: 'account:pipeline', dataset: 'fanc', level: 'view' },
    { to: 'account:segbot', dataset: 'fanc', level: 'view' },
    {
      to: name('fay'),
      dataset: 'cortex',
      level: 'view',
      facts: [
        { claim: 'affiliation', contains: 'Northfield University', via: 'orcid', trust: 'asserted', withinDays: 30 },
      ],
    },
    { to: 'anyone', dataset: 'mouse', version: 'v1', level: 'view', why: 'published' },
    { to: name('hal'), dataset: 'mouse', version: 'v1', level: 'edit' },
    { to: 'group:tracers', dataset: 'mouse', permission: 'segment' },
    { to: 'signed-in', dataset: 'atlas', level: 'view' },
  ],
  serviceAccounts: {
    pipeline: { displayName: 'Mesh pipeline', parent: 'ben' },
    segbot: { displayName: 'Segmentation robot', parent: 'dan' },
  },
}

const signIns: Part = {
  email: { use: '@labgate/auth-email' },
  // Never called: what it would say of Fay is put in by hand.
  orcid: { use: '@labgate/auth-orcid', config: { clientId: 'APP-GOLDEN', clientSecret: 'of-the-golden-lab' } },
}

/** Starts it; `dialects` are instances by id, as in the config. */
export async function startGoldenLab(dialects: Part = {}): Promise<GoldenLab> {
  const part = { plugins: { ...signIns, ...dialects } }
  // People first: service accounts name their parents, and what the config says of people holds at the next start.
  const empty = await startLabgate(part)
  const people = empty.labgate.rooms.get('people')
  for (const person of goldenPeople) {
    await people.arrive({
      source: { instance: 'email', realm: 'email' },
      admission: { state: 'active' },
      assertion: assertionOf(person),
      wantsNew: false,
    })
  }
  await empty.labgate.stop()
  const whole = { ...ledger, ...part }
  const site = await startLabgate(whole, { folder: empty.folder, port: Number(new URL(empty.issuer).port) })
  const { rooms } = site.labgate
  const ids = Object.fromEntries(
    await Promise.all([...goldenPeople, ...goldenServices].map(async (one) => [one, await idOf(site, one)] as const)),
  ) as GoldenLab['ids']
  await visitFromUniversity(site, ids.fay)
  await rooms.get('accounts').setState(ids.gus, 'deactivated')
  await agreeToTerms(site, ids)
  return { site, ids, part: whole }
}

function assertionOf(person: Person): Assertion {
  const email = `${person}@lab.example`
  return {
    issuer: 'mailto:',
    subject: email,
    facts: [
      { claim: 'email', value: email, trust: 'verified' },
      { claim: 'name', value: fullNames[person], trust: 'asserted' },
    ],
    amr: ['otp'],
    at: new Date(),
  }
}

async function idOf(site: TestLabgate, username: string): Promise<string> {
  const account = await site.labgate.rooms.get('accounts').findByUsername(username)
  if (!account) throw new Error(`the golden lab has no ${username}`)
  return account.id
}

/** Fay's university said forty days ago that she works there: ten days too long. */
async function visitFromUniversity(site: TestLabgate, fay: string): Promise<void> {
  await site.labgate.rooms.get('people').join(fay, {
    source: { instance: 'orcid', realm: 'orcid' },
    admission: { state: 'active' },
    assertion: {
      issuer: 'https://orcid.example',
      subject: '0000-0002-1825-0097',
      facts: [{ claim: 'affiliation', value: ['Northfield University'], trust: 'asserted' }],
      amr: ['ext'],
      at: new Date(),
    },
  })
  await site.labgate.rooms.get('storage').transaction(async (em) => {
    const at = Date.now() - 40 * 86_400_000
    await em.execute(`UPDATE identity SET last_seen_at = ? WHERE instance = 'orcid'`, [at])
    await em.execute('UPDATE account SET revision = revision + 1 WHERE id = ?', [fay])
  })
}

/** The second text must be accepted: Cleo knows only the first, Dan has accepted, Eve never did. */
async function agreeToTerms(site: TestLabgate, ids: GoldenLab['ids']): Promise<void> {
  const { terms } = site.labgate.rooms.get('ledger')
  const keeper = { kind: 'system', name: 'golden lab' } as const
  const accept = async (person: Person) => {
    const current = await terms.find('fanc-terms')
    const actor = { kind: 'account', account: ids[person], address: '127.0.0.1' } as const
    await terms.accept(actor, { terms: 'fanc-terms', digest: current?.text.digest ?? '' })
  }
  await terms.add(keeper, { id: 'fanc-terms', title: 'FANC terms', dataset: 'fanc', markdown: '# Cite us' })
  await accept('cleo')
  await terms.publish(keeper, 'fanc-terms', { markdown: '# Cite us\n\nAnd tell us.', again: 'accept' })
  await accept('dan')
}

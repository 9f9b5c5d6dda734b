/** What LabArchives' answer says about the person, in our words, and what is kept to ask again. @module */
import { createHash } from 'node:crypto'
import { type Assertion, type Fact, type Json, parseAddress, type Trust } from '@labgate/contract'
import type { Notebook, Person } from './answers.ts'
import type { Config } from './config.ts'
import type { Place } from './regions.ts'

/** Notebooks beyond this many are left out of the fact. */
export const mostNotebooks = 200

/** An address, and how far LabArchives stands for it. */
export interface Email {
  readonly value: string
  readonly trust: Trust
}

/** How the person proved who they are. */
export interface Proof {
  readonly email: Email | undefined
  /** RFC 8176 values. */
  readonly amr: readonly string[]
  readonly at: Date
}

/** Where the person is at home, and what the deployer wants to know of them. */
export interface Wanted extends Pick<Config, 'accessKeyId' | 'notebooks' | 'shareUid'> {
  readonly place: Place
}

/**
 * The subject: a digest of region, access key id and UID. The UID belongs to that key and never changes; it is a secret,
 * so it stands nowhere in clear. It is long and random, so that nobody finds it from its digest.
 */
export function subjectOf({ place, accessKeyId }: Wanted, uid: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['labarchives', place.region, accessKeyId, uid]))
    .digest('base64url')
}

/** Everything a sign-in tells. */
export function assertionOf(wanted: Wanted, person: Person, proof: Proof): Assertion {
  const { email, amr, at } = proof
  return {
    issuer: wanted.place.origin,
    subject: subjectOf(wanted, person.uid),
    facts: factsOf(wanted, person, email),
    amr,
    at,
    keep: {
      uid: person.uid,
      mayAskAgain: person.mayAskAgain,
      email: email ? { ...email } : null,
      at: at.toISOString(),
    },
  }
}

function factsOf(wanted: Wanted, person: Person, email: Email | undefined): readonly Fact[] {
  const asserted = (claim: string, value: Json | undefined): Fact[] =>
    value === undefined ? [] : [{ claim, value, trust: 'asserted' }]
  return [
    ...(email === undefined ? [] : [{ claim: 'email', ...email }]),
    ...asserted('name', person.name),
    ...asserted('given_name', person.givenName),
    ...asserted('family_name', person.familyName),
    { claim: 'labarchives_region', value: wanted.place.region, trust: 'verified' },
    ...(wanted.notebooks ? [notebooksFact(person.notebooks)] : []),
    ...(wanted.shareUid ? [{ claim: 'labarchives_uid', value: person.uid, trust: 'verified' } as const] : []),
  ]
}

function notebooksFact(notebooks: readonly Notebook[]): Fact {
  const value = notebooks
    .slice(0, mostNotebooks)
    .map(({ id, name, isDefault }) => ({ id, name, is_default: isDefault }))
  return { claim: 'labarchives_notebooks', value, trust: 'verified' }
}

/**
 * The address of a person who came with a code. The exchange proves the address it was made with; where the answer
 * names another one, that is only what LabArchives says.
 */
export function emailOf(exchanged: string, answered: string | undefined): Email | undefined {
  const proven = parseAddress(exchanged)?.address
  if (answered === undefined) return proven === undefined ? undefined : { value: proven, trust: 'verified' }
  return emailBeside(proven === undefined ? undefined : { value: proven, trust: 'verified' }, answered)
}

/** The address in a later answer: as good as before when it is still the same. */
export function emailBeside(known: Email | undefined, answered: string | undefined): Email | undefined {
  if (answered === undefined) return known
  const said = parseAddress(answered)?.address
  if (said === undefined) return undefined
  return known?.value.toLowerCase() === said.toLowerCase() ? known : { value: said, trust: 'asserted' }
}

/** What was kept of a person: the input of asking again. */
export interface Kept {
  readonly uid: string
  readonly email: Email | undefined
  readonly at: Date
}

/** Reads what {@link assertionOf} kept; `undefined` when the person may not be asked about again. */
export function readKept(kept: Json | undefined): Kept | undefined {
  if (!isRecord(kept)) return undefined
  const { uid, mayAskAgain, email, at } = kept
  if (typeof uid !== 'string' || mayAskAgain !== true || typeof at !== 'string') return undefined
  return { uid, email: readEmail(email), at: new Date(at) }
}

function readEmail(email: Json | undefined): Email | undefined {
  if (!isRecord(email) || typeof email.value !== 'string') return undefined
  return { value: email.value, trust: email.trust === 'verified' ? 'verified' : 'asserted' }
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

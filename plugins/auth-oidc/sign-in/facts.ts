/**
 * What a provider's claims say about the person, and how far to believe it. The ID token is signed and wins over userinfo;
 * an e-mail address and its flag are always taken from the same document.
 * @module
 */
import { type Fact, type Json, parseAddress } from '@labgate/contract'
import type { Claims } from './upstream.ts'

/** Which facts to make of a provider's claims. */
export interface Wanted {
  /** Name of the fact, and of the claim it is read from; a dot leads into an object. */
  readonly claims: Readonly<Record<string, string>>
  /** The claim that lists groups, and the name of the fact. */
  readonly groups?: { readonly claim: string; readonly as: string } | undefined
  /** `assumed`: the provider verifies every address and leaves the flag out. */
  readonly emailVerified: 'required' | 'assumed'
}

/** Both documents of one sign-in; the subject of both was checked to be the same. */
export interface Documents {
  readonly idToken: Claims
  readonly userinfo: Claims
  /** Of whom both are. */
  readonly subject: string
}

/** A value longer than this, as JSON, is no fact about a person. */
const longestFact = 8192

/** Translates claims to facts. Pure. */
export function factsOf(documents: Documents, wanted: Wanted): readonly Fact[] {
  const email = emailFact(documents, wanted.emailVerified)
  const mapped = Object.entries(wanted.claims)
    .filter(([fact]) => fact !== 'email' && fact !== wanted.groups?.as)
    .map(([fact, claim]) => asserted(fact, claimOf(documents, claim)))
  return [email, ...mapped, groupsFact(documents, wanted.groups)].filter((fact) => fact !== undefined)
}

function asserted(claim: string, value: unknown): Fact | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (JSON.stringify(value).length > longestFact) return undefined
  return { claim, value: value as Json, trust: 'asserted' } // it came out of JSON
}

function groupsFact(documents: Documents, groups: Wanted['groups']): Fact | undefined {
  if (groups === undefined) return undefined
  const given = claimOf(documents, groups.claim)
  const list = Array.isArray(given) ? given : typeof given === 'string' ? [given] : []
  const names = list.filter((name) => typeof name === 'string' && name !== '' && name.length <= 255)
  return { claim: groups.as, value: [...new Set<string>(names)].sort(), trust: 'asserted' }
}

/** An empty list is said, too: a person who left every group must lose them. */
function claimOf({ idToken, userinfo }: Documents, name: string): unknown {
  return within(idToken, name) ?? within(userinfo, name)
}

/** The claim of that very name (names with dots and slashes exist), else the path into objects. */
function within(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  return name.split('.').reduce<unknown>((at, key) => {
    return typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Claims)[key] : undefined
  }, claims)
}

interface Said {
  readonly address: string
  readonly flag: unknown
}

function emailFact({ idToken, userinfo }: Documents, rule: Wanted['emailVerified']): Fact | undefined {
  const said = [idToken, userinfo].map(addressIn).filter((one) => one !== undefined)
  const isGood = ({ address, flag }: Said) => isVerified(flag, rule) && !isDenied(said, address)
  const chosen = said.find(isGood) ?? said[0]
  if (chosen === undefined) return undefined
  return { claim: 'email', value: chosen.address, trust: isGood(chosen) ? 'verified' : 'self' }
}

function addressIn(claims: Claims): Said | undefined {
  const address = typeof claims.email === 'string' ? parseAddress(claims.email) : undefined
  return address === undefined ? undefined : { address: address.address, flag: claims.email_verified }
}

/** Only the boolean: the string "true" is not what the standard says, so nobody knows what it means. */
function isVerified(flag: unknown, rule: Wanted['emailVerified']): boolean {
  return flag === true || (rule === 'assumed' && flag === undefined)
}

/** One document that says "not verified" of an address outweighs another that says it is. */
function isDenied(said: readonly Said[], address: string): boolean {
  return said.some(
    (one) => one.address.toLowerCase() === address.toLowerCase() && one.flag !== undefined && one.flag !== true,
  )
}

/**
 * Scopes and claims: which facts of an account a relying party sees, and where each came from. The mapping is the
 * config's; e-mail leaves only when it was verified.
 * @module
 */
import type { AccountView, Json, OidcAdditions, SourcedFact } from '@labgate/contract'

/** Scope → claim → where it comes from, as the config has it. */
export type ClaimMap = Readonly<Record<string, Readonly<Record<string, string>>>>

/** One claim ready to leave, with its origin in words for previews and the demo. */
export interface ClaimValue {
  readonly claim: string
  readonly value: Json
  readonly source: string
}

/** An account with the facts about it. */
export interface Person {
  readonly account: AccountView
  readonly facts: readonly SourcedFact[]
}

/** Scope that opens `labgate_sources`, where each claim came from; offered by demos only. */
export const sourcesScope = 'labgate:sources'

/** Claims of a scope, in the order of the config. */
export function claimsOfScope(map: ClaimMap, scope: string, person: Person): ClaimValue[] {
  return Object.entries(map[scope] ?? {}).flatMap(([claim, from]) => {
    const found = resolve(from, person)
    return found === undefined ? [] : [{ claim, ...found }]
  })
}

/** Reads one `account:`, `fact:` or `answer:` reference of the config; `undefined` when the person has no such value. */
function resolve(from: string, person: Person): { value: Json; source: string } | undefined {
  const [kind, name = ''] = from.split(/:(.*)/s)
  if (kind === 'account') return fromAccount(name, person)
  if (kind === 'answer') return fromAnswer(name, person)
  const best = bestFact(person.facts, name)
  return best && { value: best.value, source: `${best.trust} by ${best.via} (${best.issuer})` }
}

function fromAccount(name: string, { account, facts }: Person): { value: Json; source: string } | undefined {
  const source = 'kept by this Labgate for the account'
  switch (name) {
    case 'id':
      return { value: account.id, source }
    case 'displayName':
      return { value: account.displayName, source }
    case 'username':
      return { value: account.username, source }
    case 'groups':
      return { value: account.groups, source: sayersOf(facts, { claim: 'groups' }) ?? source }
    case 'state':
      return { value: account.state, source }
    case 'role':
      return { value: account.role, source }
    case 'email':
      return account.email !== undefined && account.emailVerified
        ? { value: account.email, source: emailSource(account, facts) }
        : undefined
    case 'emailVerified':
      return account.email !== undefined && account.emailVerified
        ? { value: true, source: emailSource(account, facts) }
        : undefined
    default:
      return undefined
  }
}

/** What the person says of themselves leaves only where the config names it as such: `fact:` never means it. */
function fromAnswer(name: string, { facts }: Person): { value: Json; source: string } | undefined {
  const said = facts.find(({ claim, via, trust }) => claim === name && via === 'profile' && trust === 'self')
  return said && { value: said.value, source: 'said by the person' }
}

/** Which sign-ins say so. */
function sayersOf(facts: readonly SourcedFact[], said: { claim: string; value?: string }): string | undefined {
  const fits = facts.filter(({ claim, trust, value }) => {
    return claim === said.claim && trust !== 'self' && (said.value === undefined || value === said.value)
  })
  const sayers = [...new Set(fits.map(({ trust, via }) => `${trust} by ${via}`))]
  return sayers.length === 0 ? undefined : sayers.join(', ')
}

function emailSource({ email = '' }: AccountView, facts: readonly SourcedFact[]): string {
  return sayersOf(facts, { claim: 'email', value: email }) ?? 'verified before, kept by this Labgate'
}

const trustRank = { verified: 0, asserted: 1, self: 2 } as const

/** The fact to believe: the most trusted, then the newest. Facts a person typed themselves never become claims. */
function bestFact(facts: readonly SourcedFact[], claim: string): SourcedFact | undefined {
  return facts
    .filter((fact) => fact.claim === claim && fact.trust !== 'self')
    .toSorted((a, b) => trustRank[a.trust] - trustRank[b.trust] || b.at.getTime() - a.at.getTime())[0]
}

/** The scope → claim names table for the Provider and its discovery document. */
export function claimTable(needs: { map: ClaimMap; additions: readonly OidcAdditions[]; demo: boolean }) {
  const table: Record<string, string[]> = {}
  for (const [scope, claims] of Object.entries(needs.map)) table[scope] = Object.keys(claims)
  for (const addition of needs.additions)
    for (const [scope, { claims }] of Object.entries(addition.scopes ?? {}))
      table[scope] = [...new Set([...(table[scope] ?? []), ...claims])]
  if (needs.demo) table[sourcesScope] = ['labgate_sources']
  // How and when somebody signed in is in every ID token: relying parties should not have to ask (OpenID Connect Core §2).
  return { openid: ['sub', 'acr', 'amr', 'auth_time'], ...table }
}

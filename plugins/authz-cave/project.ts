/** What the ledger says of somebody, in middle_auth's words: the answer of `/user/cache`. Pure. @module */
import { covers, type Held, type Json, levels, type Principal, type Snapshot } from '@labgate/contract'

/** The object that every CAVE service reads. */
export function project({ account }: Pick<Principal, 'account'>, snapshot: Snapshot): { readonly [key: string]: Json } {
  const held = whole(snapshot, (grant) => grant)
  const beforeTerms = whole(snapshot, (grant) => grant.beforeTerms)
  return {
    id: account.numericId,
    parent_id: snapshot.parentNumericId ?? null,
    service_account: account.kind === 'service',
    name: account.displayName,
    email: account.email ?? '',
    admin: isAdmin(account),
    pi: factOf(snapshot, 'pi'),
    // A list in a list: so it is sent, and so it is read where it is read at all.
    affiliations: [affiliationsOf(snapshot)],
    groups: [...snapshot.groups],
    groups_admin: [...snapshot.managedGroups],
    permissions: entriesOf(held, (words) => (words.includes('edit') ? 2 : words.includes('view') ? 1 : 0)),
    permissions_v2: entriesOf(held, (words) => words),
    permissions_v2_ignore_tos: entriesOf(beforeTerms, (words) => words),
    missing_tos: missingOf(snapshot),
    datasets_admin: datasetsAdmin(snapshot),
  }
}

/** Whether somebody is what middle_auth calls a super admin. They hold no data by that. */
export function isAdmin({ role, state }: Pick<Snapshot['account'], 'role' | 'state'>): boolean {
  return role === 'admin' && state === 'active'
}

/** Slugs of the datasets that somebody looks after. */
export function datasetsAdmin({ grants }: Snapshot): readonly string[] {
  return grants.filter((grant) => grant.version === undefined && covers(grant, 'admin')).map(({ dataset }) => dataset)
}

/** Terms between somebody and a dataset. */
export function missingOf({ grants, terms }: Snapshot): readonly { readonly [key: string]: Json }[] {
  const standing = new Set(
    grants.filter(({ version }) => version === undefined).flatMap(({ missingTerms }) => missingTerms),
  )
  return terms
    .filter((one) => one.acceptedAt === undefined && one.dataset !== undefined && standing.has(one.terms))
    .map((one) => ({
      dataset_id: one.datasetNumericId ?? 0,
      dataset_name: one.dataset ?? '',
      tos_id: one.numericId,
      tos_name: one.title,
    }))
}

/** What we were told of somebody's affiliations; since when they hold nobody told us. */
export function affiliationsOf(snapshot: Snapshot): readonly { readonly [key: string]: Json }[] {
  const names = snapshot.facts
    .filter(({ claim, trust }) => claim === 'affiliation' && trust !== 'self')
    .flatMap(({ value }) => (Array.isArray(value) ? value : [value]))
    .filter((name): name is string => typeof name === 'string')
  return [...new Set(names)].map((name, index) => ({ id: index + 1, name, start: null }))
}

/** A text we were told of somebody; empty without one. */
export function factOf({ facts }: Snapshot, claim: string): string {
  const found = facts.find((fact) => fact.claim === claim && fact.trust !== 'self')?.value
  return typeof found === 'string' ? found : ''
}

/** Whether they have said yes to a question `gdpr_consent` of the site; nobody else can say it for them. */
export function consentOf({ facts }: Snapshot): boolean {
  const said = facts.findLast(({ claim }) => claim === 'gdpr_consent')?.value
  return said === true || said === 'true' || said === 'yes'
}

type Grants = readonly (readonly [string, readonly string[]])[]

/** CAVE knows no versions: what is held on one of them alone is no right on the dataset. */
function whole({ grants }: Snapshot, heldOf: (grant: Snapshot['grants'][number]) => Held): Grants {
  return grants
    .filter(({ version }) => version === undefined)
    .map((grant) => [grant.dataset, wordsOf(heldOf(grant))] as const)
    .filter(([, words]) => words.length > 0)
}

function wordsOf(held: Held): readonly string[] {
  return [...new Set([...levels.filter((level) => covers(held, level)), ...held.permissions])].toSorted()
}

function entriesOf(grants: Grants, wordOf: (words: readonly string[]) => Json): { readonly [key: string]: Json } {
  return Object.fromEntries(grants.map(([dataset, words]) => [dataset, wordOf(words)]))
}

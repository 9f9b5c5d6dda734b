/** What the ledger says of somebody, in middle_auth's words: the answer of `/user/cache`. Pure. @module */
import { covers, type GrantView, type Held, type Json, levels, type Principal, type Snapshot } from '@labgate/contract'

/** The object that every CAVE service reads. */
export function project(principal: Pick<Principal, 'account'>, snapshot: Snapshot): { readonly [key: string]: Json } {
  return JSON.parse(textOf(principal, snapshot)) as { readonly [key: string]: Json }
}

/** The same, written: services ask for nothing as often, and what somebody holds is most of it. */
export function textOf({ account }: Pick<Principal, 'account'>, snapshot: Snapshot): string {
  const known = {
    id: account.numericId,
    parent_id: snapshot.parentNumericId ?? null,
    service_account: account.kind === 'service',
    name: account.displayName,
    email: account.email ?? '',
    admin: isAdmin(account),
    pi: factOf(snapshot, 'pi'),
    // A list in a list: so it is sent, and so it is read where it is read at all.
    affiliations: [affiliationsOf(snapshot)],
    groups: snapshot.groups,
    groups_admin: snapshot.managedGroups,
  }
  const rest = { missing_tos: missingOf(snapshot), datasets_admin: datasetsAdmin(snapshot) }
  return `${JSON.stringify(known).slice(0, -1)},${permissionsOf(snapshot)},${JSON.stringify(rest).slice(1)}`
}

/** CAVE knows no versions: what is held on one of them alone is no right on the dataset. */
function permissionsOf({ grants }: Snapshot): string {
  let [numbers, held, beforeTerms] = ['', '', '']
  for (const grant of grants) {
    if (grant.version !== undefined) continue
    const members = membersOf(grant)
    numbers += members.number
    held += members.held
    beforeTerms += members.beforeTerms
  }
  const members = [numbers, held, beforeTerms].map((text) => `{${text.slice(1)}}`)
  return `"permissions":${members[0]},"permissions_v2":${members[1]},"permissions_v2_ignore_tos":${members[2]}`
}

/** One dataset in each of the three lists, a comma before it; empty where it is not listed. */
interface Members {
  readonly number: string
  readonly held: string
  readonly beforeTerms: string
}

/** Most people hold what many others hold: that is one and the same object, as long as the ledger stands. */
const written = new WeakMap<GrantView, Members>()

function membersOf(grant: GrantView): Members {
  const known = written.get(grant)
  if (known !== undefined) return known
  const name = JSON.stringify(grant.dataset)
  const [now, then] = [wordsOf(grant), wordsOf(grant.beforeTerms)]
  const members = {
    number: now === undefined ? '' : [',', name, ':', now.number].join(''),
    held: now === undefined ? '' : [',', name, ':', now.text].join(''),
    beforeTerms: then === undefined ? '' : [',', name, ':', then.text].join(''),
  }
  written.set(grant, members)
  return members
}

/** What is held of one dataset, as JSON of its words and as the number that older services read. */
interface Words {
  readonly text: string
  readonly number: 0 | 1 | 2
}

/** Nearly everybody holds a level and nothing beside it. */
const ofLevels = new Map(levels.map((level) => [level, spell({ level, permissions: [] })]))

/** `undefined`: nothing is held. */
function wordsOf(held: Held): Words | undefined {
  if (held.permissions.length > 0) return spell(held)
  return held.level === undefined ? undefined : ofLevels.get(held.level)
}

function spell(held: Held): Words {
  const words = [...new Set([...levels.filter((level) => covers(held, level)), ...held.permissions])].toSorted()
  return { text: JSON.stringify(words), number: words.includes('edit') ? 2 : words.includes('view') ? 1 : 0 }
}

/** Whether somebody is what middle_auth calls a super admin. They hold no data by that. */
export function isAdmin({ role, state }: Pick<Snapshot['account'], 'role' | 'state'>): boolean {
  return role === 'admin' && state === 'active'
}

/** Slugs of the datasets that somebody looks after. */
export function datasetsAdmin({ grants }: Snapshot): readonly string[] {
  const found: string[] = []
  for (const grant of grants) if (grant.version === undefined && covers(grant, 'admin')) found.push(grant.dataset)
  return found
}

/** Terms between somebody and a dataset. */
export function missingOf({ grants, terms }: Snapshot): readonly { readonly [key: string]: Json }[] {
  if (terms.length === 0) return []
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

/** A person, their identities and groups, as datalab's models write them. Pure but for what is handed in. @module */
import { createHash } from 'node:crypto'
import type { AccountState, AccountView, GroupView, Json, Principal, Snapshot, SourcedFact } from '@labgate/contract'
import { immutableId } from './ids.ts'
import type { Providers } from './providers.ts'

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: Json }

const statuses: Readonly<Record<AccountState, string>> = {
  pending: 'unverified',
  active: 'active',
  deactivated: 'deactivated',
}

/** An account's state in datalab's word. */
export function accountStatus(state: AccountState): string {
  return statuses[state]
}

/** What datalab shows of everybody: no address, and a picture that is made of the name, not of the address. */
export function briefOf({ numericId, displayName }: Pick<AccountView, 'numericId' | 'displayName'>): JsonObject {
  return { immutable_id: immutableId(numericId), display_name: displayName, gravatar_hash: pictureOf(displayName) }
}

/** What stands beside the account in a person. */
export interface About {
  readonly identities: readonly JsonObject[]
  readonly groups: readonly JsonObject[]
  /** Ids of the managers. */
  readonly managers: readonly string[]
}

/** The whole person, for themselves and for admins. */
export function personOf(
  account: Pick<AccountView, 'numericId' | 'displayName' | 'email' | 'role' | 'state'>,
  { identities, groups, managers }: About,
): JsonObject {
  return {
    type: 'people',
    ...briefOf(account),
    contact_email: account.email ?? null,
    identities,
    managers,
    groups,
    role: account.role,
    account_status: accountStatus(account.state),
    last_modified: null,
    relationships: null,
  }
}

/** A group in a person. */
export function groupRef({ numericId, slug, title }: GroupView): JsonObject {
  return { immutable_id: immutableId(numericId), display_name: title, group_id: slug }
}

/** The group itself, without its people. */
export function groupOf(group: GroupView): JsonObject {
  return { type: 'groups', ...groupRef(group), description: group.description }
}

/** The ways in which somebody signs in, those that datalab has a name for. All of them were proved. */
export function identitiesOf(facts: readonly SourcedFact[], providers: Providers): JsonObject[] {
  const ways = Map.groupBy(facts, ({ via, issuer, subject }) => JSON.stringify([via, issuer, subject]))
  return [...ways.values()].flatMap((said) => {
    const [first] = said
    const type = first && providers.typeOf(first.via)
    if (!first || type === undefined) return []
    const word = (claim: string) => {
      const value = said.find((one) => one.claim === claim)?.value
      return typeof value === 'string' ? value : undefined
    }
    const identifier = type === 'email' ? (word('email') ?? first.subject) : first.subject
    const name = word('preferred_username') ?? word('name') ?? identifier
    return [{ identity_type: type, identifier, name, verified: true, display_name: word('name') ?? null }]
  })
}

/**
 * The person behind a request from the ledger alone: no id or title of a group, no managers, which the routes add.
 * Identities stand under the names of their instances' plugins.
 */
export function project({ account }: Principal, snapshot: Snapshot): Json {
  const groups = snapshot.groups.map((slug) => ({ group_id: slug }))
  return personOf(account, { identities: [], groups, managers: [] })
}

function pictureOf(displayName: string): string {
  return createHash('md5').update(displayName.trim().toLowerCase()).digest('hex')
}

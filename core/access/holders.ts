/** Accounts as holders: their subjects, facts and acceptances, kept while their revisions stand. @module */
import { hash } from 'node:crypto'
import type { AccountId, AccountState, AccountView, SourcedFact, Trust } from '@labgate/contract'
import { mayAct } from '../accounts/accounts.ts'
import type { AccountReads, AccountRecord } from '../storage/account-rows.ts'
import {
  type HolderRecord,
  type KnownIdentity,
  type LedgerReading,
  type Revisions,
  sameRevisions,
} from '../storage/ledger-rows.ts'
import { createMemo, frozen } from '../storage/memo.ts'
import type { Holder } from './judge.ts'
import { formatSubject } from './model.ts'

/** An account with all that a judgement or a snapshot needs of it. */
export interface KnownHolder {
  readonly revisions: Revisions
  readonly view: AccountView
  readonly parentNumericId: number | undefined
  readonly holder: Holder
  readonly managedGroups: readonly string[]
  /** The state, its own or its parent's, for which it may not act. */
  readonly blocked: AccountState | 'unknown' | undefined
}

/** Somebody who is not signed in. */
export const nobody: Holder = frozen({
  account: undefined,
  subjects: ['anyone'],
  groups: [],
  facts: [],
  acceptances: [],
})

/** Where nobody stands: only the ledger counts. */
export function nobodyAt(ledger: number): Revisions {
  return { account: 0, state: 'active', parent: undefined, parentRevision: 0, parentState: undefined, ledger }
}

/** Every account as a holder, by what one reading sees. */
export interface Holders {
  /** `undefined` when there is no such account. */
  find(rows: LedgerReading, id: AccountId): Promise<KnownHolder | undefined>
}

/** What people say of themselves, by what one reading sees. */
export type SelfSaid = (account: AccountId, rows: AccountReads) => Promise<readonly SourcedFact[]>

/** One number for all that an answer stands on: it differs after every change, and says nothing else. */
export function revisionNumber({ account, parent, parentRevision, ledger }: Revisions, turnedAt: number): number {
  const words = [account, parent ?? '', parentRevision, ledger, turnedAt].join(' ')
  return Number.parseInt(hash('sha256', words).slice(0, 12), 16)
}

/** What holders are made of. */
export interface HolderNeeds {
  /** What people say of themselves; nothing, without it. */
  readonly selfSaid?: SelfSaid | undefined
}

/** Makes the holders. */
export function createHolders({ selfSaid }: HolderNeeds, size = 10_000): Holders {
  const memo = createMemo<KnownHolder>(size, { keepsAt: 'second' })
  const make = async (rows: LedgerReading, record: HolderRecord): Promise<KnownHolder> => {
    const { account: row, revisions, parent, identities, managedGroups, acceptances } = record
    const said = (await selfSaid?.(row.id, rows.accounts)) ?? none
    return {
      revisions,
      view: viewOf(row),
      parentNumericId: parent?.numericId,
      holder: {
        account: row.id,
        subjects: subjectsOf(row, identities),
        groups: row.groups,
        facts: identities.length + said.length === 0 ? none : [...identities.flatMap(factsOf), ...said],
        acceptances,
      },
      managedGroups,
      blocked: blockedBy(row, parent),
    }
  }
  return {
    async find(rows, id) {
      const known = memo.peek(id, () => true)
      // Of whom nothing is kept, nothing is asked first.
      if (known !== undefined) {
        const revisions = await rows.revisions(id)
        if (revisions !== undefined && sameRevisions(known.revisions, revisions)) return known
      }
      const record = await rows.holder(id)
      return record && memo.keep(id, await make(rows, record))
    },
  }
}

const none: readonly never[] = Object.freeze([])

function blockedBy(row: AccountRecord, parent: HolderRecord['parent']): KnownHolder['blocked'] {
  if (!mayAct(row)) return row.state
  if (row.kind === 'person' || row.parent == null) return undefined
  if (parent?.kind !== 'person') return 'unknown'
  return mayAct(parent) ? undefined : parent.state
}

function viewOf(row: AccountRecord): AccountView {
  return {
    id: row.id,
    numericId: row.numericId ?? 0,
    state: row.state,
    role: row.role,
    username: row.username,
    displayName: row.displayName,
    email: row.email ?? undefined,
    emailVerified: row.emailVerified,
    groups: row.groups,
    kind: row.kind,
    parent: row.parent ?? undefined,
    createdAt: row.createdAt,
  }
}

function factsOf({ instance: via, issuer, subject, facts, lastSeenAt: at }: KnownIdentity): SourcedFact[] {
  // As sign-ins wrote it.
  return facts.map((fact) => ({ ...fact, trust: fact.trust as Trust, via, issuer, subject, at }))
}

function subjectsOf(row: AccountRecord, identities: readonly KnownIdentity[]): string[] {
  const names = identities.flatMap((identity) => {
    const values = [identity.subject, ...verifiedAddresses(identity)]
    return values.map((value) => formatSubject({ kind: 'name', instance: identity.instance, value }))
  })
  const groups = row.groups.map((group) => formatSubject({ kind: 'group', group }))
  return [...new Set([formatSubject({ kind: 'account', account: row.id }), ...names, ...groups, 'signed-in', 'anyone'])]
}

function verifiedAddresses({ facts }: KnownIdentity): string[] {
  return facts.flatMap(({ claim, trust, value }) =>
    claim === 'email' && trust === 'verified' && typeof value === 'string' && !beyondAscii.test(value)
      ? [value.toLowerCase()]
      : [],
  )
}

// U+212A KELVIN SIGN becomes `k` in lower case, full-width letters the usual ones: such an address is another mailbox.
const beyondAscii = /\P{ASCII}/u

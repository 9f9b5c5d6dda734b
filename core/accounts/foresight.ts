/**
 * What would become of somebody who came in by an assertion: the same questions as at a sign-in, in the same order,
 * and nothing is written.
 * @module
 */
import type { AccountId } from '@labgate/contract'
import type { AccountRow, Accounts } from './accounts.ts'
import { groupsOf, verifiedEmail } from './accounts.ts'
import { decideAdmission, describe } from './admission.ts'
import type { Awaited } from './awaited.ts'
import type { Identities } from './identities.ts'
import { type Arrival, isNamedIn } from './people.ts'

/** One reason, as a key of a text and the value in it. */
export interface Reason {
  readonly kind: 'no-rule' | 'rule-holds' | 'rule-fails' | 'known-only' | 'closed' | 'waits' | 'named-admin'
  readonly value?: string | undefined
}

/** A group as the upstream names it, and as it would be named here. */
export interface ForeseenGroup {
  readonly name: string
  /** Absent: it counts for nothing. */
  readonly slug: string | undefined
  readonly isMapped: boolean
}

/** What would happen. */
export interface Foreseen {
  readonly allowed: boolean
  readonly reasons: readonly Reason[]
  readonly groups: readonly ForeseenGroup[]
  /** `choice`: an account has the proved address already, and the person would be asked. */
  readonly opens:
    | { readonly kind: 'nobody' }
    | { readonly kind: 'account' | 'choice'; readonly account: AccountRow }
    | { readonly kind: 'new'; readonly state: 'active' | 'pending'; readonly role: 'user' | 'admin' }
}

/** Looks ahead. An invitation that the browser holds is left out. */
export type Foresee = (arrival: Omit<Arrival, 'wantsNew' | 'invitation'>) => Promise<Foreseen>

/** Makes the look ahead, with what `createPeople` decides by. */
export function createForesight(needs: {
  readonly accounts: Pick<Accounts, 'find' | 'findByVerifiedEmail'>
  readonly identities: Pick<Identities, 'find'>
  /** Imported accounts that wait for their person. */
  readonly awaited: Pick<Awaited, 'find'>
  readonly registration: 'open' | 'closed'
  readonly admins: readonly string[]
}): Foresee {
  return async (arrival) => {
    const { source, assertion, admission } = arrival
    const groups = groupsIn(arrival)
    const known = await knownAccount(needs, source, assertion)
    const isNamed = isNamedIn(needs.admins, arrival)
    const answer = decideAdmission(admission, assertion.facts, known !== undefined)
    const isRuleKept = decideAdmission({ ...admission, state: 'active' }, assertion.facts, true).allowed
    const rule: Reason = admission.allow
      ? { kind: isRuleKept ? 'rule-holds' : 'rule-fails', value: describe(admission.allow) }
      : { kind: 'no-rule' }
    const named: Reason[] = isNamed ? [{ kind: 'named-admin' }] : []
    const no = (...more: Reason[]): Foreseen => ({
      allowed: false,
      reasons: [rule, ...more],
      groups,
      opens: { kind: 'nobody' },
    })
    if (!answer.allowed) return isRuleKept ? no({ kind: 'known-only' }) : no()
    const yes = (opens: Foreseen['opens'], ...more: Reason[]): Foreseen => ({
      allowed: true,
      reasons: [rule, ...more, ...named],
      groups,
      opens,
    })
    const account = known && (await needs.accounts.find(known))
    if (account) return yes({ kind: 'account', account })
    if (needs.registration === 'closed' && !isNamed) return no({ kind: 'closed' })
    const email = verifiedEmail(assertion.facts)
    const same = email === undefined ? undefined : await needs.accounts.findByVerifiedEmail(email)
    if (same) return yes({ kind: 'choice', account: same })
    const state = isNamed ? 'active' : answer.state
    const role = isNamed ? 'admin' : 'user'
    return yes({ kind: 'new', state, role }, ...(state === 'pending' ? [{ kind: 'waits' } as const] : []))
  }
}

async function knownAccount(
  { identities, awaited }: Pick<Parameters<typeof createForesight>[0], 'identities' | 'awaited'>,
  source: Arrival['source'],
  assertion: Arrival['assertion'],
): Promise<AccountId | undefined> {
  return (await identities.find(source, assertion))?.account ?? awaited.find(source, assertion)
}

function groupsIn({ assertion, source, groups }: Pick<Arrival, 'assertion' | 'source' | 'groups'>): ForeseenGroup[] {
  const { instance } = source
  return assertion.facts
    .filter(({ claim }) => claim === 'groups')
    .flatMap((fact) => [fact.value].flat().map((value) => ({ ...fact, value })))
    .map((fact) => {
      const [slug] = groupsOf({ ...assertion, facts: [fact] }, { instance, groups })
      const name = typeof fact.value === 'string' ? fact.value : JSON.stringify(fact.value)
      return { name, slug, isMapped: slug !== undefined && slug !== `${instance}:${name}` }
    })
}

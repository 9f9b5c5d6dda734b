/** What happened to an account, from the audit trail: sign-ins and refusals, ways in, sessions, tokens, consents. @module */
import type { AccountId } from '@labgate/contract'
import type { AuditLine, AuditTrail } from '../storage/audit.ts'
import { pageLimit } from './actor.ts'

/** Which part of the history, and who reads it. */
export interface HistoryAsk {
  /** `self` never sees from where somebody else acted. */
  readonly seenBy: 'self' | 'admin'
  /** Only what is older than the line with this id. */
  readonly before?: number | undefined
  /** At most 1,000. */
  readonly limit: number
}

const kinds =
  /^(?:sign-in|sign-out|session|account|identity|group\.(?:joined|left|manager)|api-token|token|consent|profile|terms\.accepted|access\.request|invitation|first-admin)/

/** Makes the reader of histories. */
export function createHistory({ audit }: { readonly audit: Pick<AuditTrail, 'list'> }) {
  return async (
    account: AccountId,
    ask: HistoryAsk,
  ): Promise<{ readonly rows: readonly AuditLine[]; readonly next: number | undefined }> => {
    const limit = pageLimit(ask)
    const found: AuditLine[] = []
    let before = ask.before
    // Other lines lie between; a page is full all the same.
    for (;;) {
      const lines = await audit.list({ account, before, limit: 1000 })
      found.push(...lines.filter(({ type }) => kinds.test(type)))
      before = lines.at(-1)?.id
      if (lines.length < 1000 || found.length > limit) break
    }
    const rows = found.slice(0, limit).map((line) => (ask.seenBy === 'self' ? withoutOthers(line) : line))
    return { rows, next: found.length > limit ? rows.at(-1)?.id : undefined }
  }
}

/** From where an admin acted is the admin's. */
function withoutOthers({ address, requestId, ...line }: AuditLine): AuditLine {
  const isOwn = line.actor === undefined || line.actor === line.account
  return isOwn
    ? { ...line, ...(address === undefined ? {} : { address }), ...(requestId === undefined ? {} : { requestId }) }
    : line
}

/** Who accepted which text, as a table for a spreadsheet. @module */
import { Readable } from 'node:stream'
import type { TermsBook } from '../access/ledger.ts'
import type { Terms } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'

interface TableNeeds {
  readonly terms: Pick<TermsBook, 'acceptances'>
  readonly desk: Pick<Desk, 'accounts'>
}

const columns = ['account', 'username', 'name', 'email', 'text', 'digest', 'accepted_at', 'address'] as const
const pageSize = 500

/** Answers with CSV (RFC 4180), page by page, so that a long list is never held at once. */
export function acceptanceTable(ctx: Ctx, terms: Terms, needs: TableNeeds): void {
  ctx.type = 'text/csv; charset=utf-8'
  // The id of terms has no characters that would need quoting.
  ctx.set('Content-Disposition', `attachment; filename="acceptances-${terms.id}.csv"`)
  ctx.body = Readable.from(linesOf(terms, needs))
}

async function* linesOf({ id }: Terms, { terms, desk }: TableNeeds): AsyncGenerator<string> {
  yield lineOf(columns)
  let after: string | undefined
  do {
    const page = await terms.acceptances({ terms: id, limit: pageSize, after })
    for (const { account, number, digest, at, address } of page.rows) {
      const person = await desk.accounts.find(account)
      const names = [account, person?.username ?? '', person?.displayName ?? '', person?.email ?? '']
      yield lineOf([...names, String(number), digest, at.toISOString(), address ?? ''])
    }
    after = page.next
  } while (after !== undefined)
}

function lineOf(cells: readonly string[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`
}

/**
 * One cell. What a spreadsheet would take for a formula begins with an apostrophe, so that a name that somebody chose
 * never runs there.
 */
export function cellOf(value: string): string {
  const isFormula = /^\s*[=+\-@\t\r\n|%＝＋－＠]/.test(value)
  return `"${(isFormula ? `'${value}` : value).replaceAll('"', '""')}"`
}

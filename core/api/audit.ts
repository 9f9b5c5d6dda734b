/** The audit trail, as far as it is the caller's business. @module */
import type { AuditLine } from '../storage/audit.ts'
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, line, name, page, pageOf, paging, record, ref, text } from './schema.ts'

export const auditSchemas = {
  AuditLine: record(
    'Something that happened.',
    {
      id: { type: 'integer', description: 'Grows with time.' },
      at: instant('When.'),
      type: text('What, dotted: `grant.added`.'),
      actor: text('Who did it: account id, or the name of a part of the system.'),
      account: text('The account it was done to.'),
      client: text('The service it was about.'),
      address: text('From where; site admins see it.'),
      requestId: text('In which request.'),
      detail: { description: 'More, by its type: what was changed, `before` and `after`.' },
    },
    ['actor', 'account', 'client', 'address', 'requestId', 'detail'],
  ),
}

const rowsAtOnce = 1000
/** How many lines one request may walk through in search of those in sight. */
const longestWalk = 20_000

export const auditOperations = [
  operation({
    id: 'listAudit',
    method: 'GET',
    path: '/audit',
    tag: 'audit',
    summary: 'List what happened, the newest first',
    description:
      'What was done to datasets, terms and groups you look after; site admins see all. A page may be short: go on while there is a `next`.',
    query: {
      ...paging,
      after: { type: 'string', pattern: '^[1-9][0-9]{0,14}$', description: '`next` of the page before.' },
      account: name('Only what was done to this account: id or username.'),
      type: line('Only this type.', 100),
      requestId: line('Only of this request.', 100),
    },
    answer: { status: 200, description: 'A page of the trail.', schema: pageOf(ref('AuditLine')) },
    async handle({ caller, query: { after, account, limit, type, requestId } }, needs) {
      const of = account === undefined ? undefined : await idNamed(needs, account)
      const query = { account: of, type, requestId }
      const before = after === undefined ? undefined : Number(after)
      if (!caller.rights.admin) return page(await walk(needs, caller, { query, before, limit }))
      const rows = await needs.trail.list({ ...query, before, limit })
      return page({ rows, next: rows.length === limit ? idOf(rows.at(-1)) : undefined })
    },
  }),
]

interface Walk {
  readonly query: {
    readonly account: string | undefined
    readonly type: string | undefined
    readonly requestId: string | undefined
  }
  readonly before: number | undefined
  readonly limit: number
}

/** Walks back through the trail until the page is full, and no further than one request may. */
async function walk(needs: ApiNeeds, caller: Caller, { query, before, limit }: Walk) {
  const isInSight = await sightOf(needs, caller)
  const rows: AuditLine[] = []
  let at = before
  for (let seen = 0; seen < longestWalk; seen += rowsAtOnce) {
    const lines = await needs.trail.list({ ...query, before: at, limit: rowsAtOnce })
    for (const one of lines) {
      at = one.id
      if (isInSight(one)) rows.push({ ...one, address: undefined })
      if (rows.length === limit) return { rows, next: String(at) }
    }
    if (lines.length < rowsAtOnce) return { rows, next: undefined }
  }
  return { rows, next: String(at) }
}

/** Lines name what they are about in `detail`. Those that name nothing of the caller's are out of sight. */
async function sightOf({ ledger }: ApiNeeds, { rights }: Caller): Promise<(line: AuditLine) => boolean> {
  const { datasets, groups } = rights
  const kept = datasets.length === 0 ? [] : (await ledger.terms.list({ datasets, limit: rowsAtOnce })).rows
  const sight: Readonly<Record<string, ReadonlySet<unknown>>> = {
    dataset: new Set(datasets),
    group: new Set(groups),
    terms: new Set(kept.map(({ id }) => id)),
  }
  return ({ detail }) =>
    typeof detail === 'object' &&
    detail !== null &&
    Object.entries(sight).some(([about, own]) => own.has((detail as Readonly<Record<string, unknown>>)[about]))
}

function idOf(line: AuditLine | undefined): string | undefined {
  return line === undefined ? undefined : String(line.id)
}

/** One that nobody has did nothing: the answer does not tell who is known here. */
async function idNamed({ accounts }: ApiNeeds, named: string): Promise<string> {
  return (await accounts.find(named))?.id ?? (await accounts.findByUsername(named))?.id ?? named
}

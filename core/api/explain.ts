/** Answers with their reasons, and what the dialects would say. @module */
import { isFault, type Principal } from '@labgate/contract'
import type { Explanation } from '../access/access.ts'
import { refusalWords } from '../access/refusal.ts'
import type { AccountRow } from '../accounts/accounts.ts'
import type { AuditLine } from '../storage/audit.ts'
import { view } from './grants.ts'
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, level, line, listOf, maybeLine, name, record, ref, text } from './schema.ts'
import { datasetsKept, noSuch } from './sight.ts'

const missing = record(
  'What is missing.',
  {
    step: {
      type: 'string',
      enum: ['account', 'dataset', 'terms', 'not-yet', 'over', 'group', 'fact', 'sign-in', 'grant'],
      description: 'Which step.',
    },
    state: text('Of the account: `pending`, `deactivated` or `unknown`.'),
    why: text('Of a dataset: `unknown`, `unknown-version`, `frozen`; of a fact: `absent`, `other-value`, `stale`.'),
    terms: text('Id of the terms that are not accepted.'),
    title: text('Their title.'),
    number: { type: 'integer', description: 'The least number that counts.' },
    from: instant('Counts from then on.'),
    until: instant('Counted until then.'),
    group: text('The group the holder is not in.'),
    claim: text('The fact that is not known.'),
    via: text('The sign-in that could vouch for it.'),
    days: { type: 'integer', description: 'How long ago it may have been seen at most.' },
  },
  ['state', 'why', 'terms', 'title', 'number', 'from', 'until', 'group', 'claim', 'via', 'days'],
)

const ask = record(
  'What was asked.',
  {
    account: text('Account id; absent: somebody who is not signed in.'),
    dataset: text('As it was named.'),
    version: text('Of this version.'),
    verb: text('A level, or the name of a permission.'),
    service: text('Through this service.'),
  },
  ['account', 'version', 'service'],
)

const termsView = record(
  'Terms that count here.',
  {
    terms: text('Their id.'),
    title: text('For people.'),
    requiredNumber: { type: 'integer', description: 'The least number that counts.' },
    number: { type: 'integer', description: 'Number of the newest text.' },
    dataset: text('Of this dataset.'),
    version: text('Of this version.'),
    services: listOf(text('A service.'), 'Only for these; empty: everywhere.'),
    acceptedAt: instant('When they were accepted.'),
  },
  ['dataset', 'version', 'acceptedAt'],
)

export const explainSchemas = {
  Missing: missing,
  Explanation: record(
    'The answer with its reasons.',
    {
      ask,
      allowed: { type: 'boolean', description: 'The answer.' },
      missing: ref('Missing'),
      revision: { type: 'integer', description: 'State of the ledger it was made from.' },
      dataset: text('Slug of the dataset, when there is one.'),
      level,
      lines: listOf(
        record('A grant that speaks to it.', {
          grant: ref('Grant'),
          counts: { type: 'boolean', description: 'Whether it counts.' },
          missing: listOf(ref('Missing'), 'What its conditions still miss.'),
        }),
        'Those that count first.',
      ),
      terms: listOf(termsView, 'Terms that count here.'),
      words: listOf(text('A sentence.'), 'The same for people.'),
      wire: listOf(
        record(
          'What a dialect says of the account.',
          {
            instance: text('Its id.'),
            plugin: text('Its plugin.'),
            answer: { description: 'In the words of the dialect.' },
            error: text('Why it could not say it.'),
          },
          ['answer', 'error'],
        ),
        'Of every dialect; for site admins, and accounts that are known.',
      ),
    },
    ['missing', 'dataset', 'level', 'wire'],
  ),
}

const verb = line('A level, or the name of a permission.', 100)

export const explainOperations = [
  operation({
    id: 'explain',
    method: 'POST',
    path: '/explain',
    tag: 'explain',
    summary: 'Explain why somebody may, or may not',
    description: 'For datasets you are admin of; site admins ask about all, and see what each dialect says.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['account', 'dataset', 'verb'],
      properties: {
        account: {
          anyOf: [line('Id or username.', 300), { type: 'null' }],
          description: 'Who; `null`: somebody who is not signed in.',
        },
        dataset: line('Slug or alias.'),
        version: line('Of this version.'),
        verb,
        service: maybeLine('Through this client or dialect instance.'),
      },
    },
    answer: { status: 200, description: 'The answer with its reasons.', schema: ref('Explanation') },
    errors: ['ERR_NOT_FOUND'],
    async handle({ caller, body: { account, ...asked } }, needs) {
      // A string or `null`: the check has let nothing else pass.
      const who = account === null ? undefined : await accountOf(needs, account as string)
      return explained(needs, caller, { ...asked, account: who?.id, row: who?.row })
    },
  }),
  operation({
    id: 'explainEvent',
    method: 'GET',
    path: '/events/{requestId}',
    tag: 'explain',
    summary: 'Explain a refusal by the code its page showed',
    description:
      'The refusal as it was, and the same question asked now. Refusals about no dataset, as at sign-in, are for site admins, in words alone.',
    params: { requestId: name('The code of the page: the id of the request.') },
    answer: {
      status: 200,
      description: 'The refusal, and the answer of now.',
      schema: record(
        'A refusal.',
        {
          event: ref('AuditLine'),
          explanation: ref('Explanation'),
          words: listOf(text('A sentence.'), 'Of a refusal about no dataset: why, and what it is now.'),
        },
        ['explanation', 'words'],
      ),
    },
    async handle({ caller, params }, needs) {
      const { requestId } = params
      const [event] = await needs.trail.list({ requestId, type: 'access.refused', limit: 1 })
      const asked = event && askOf(event)
      if (!asked && caller.rights.admin) return refusedWithout(needs, requestId)
      if (!event || !asked || !keeps(caller, asked.dataset)) throw noSuch('refusal')
      const row = event.account === undefined ? undefined : await needs.accounts.find(event.account)
      const explanation = await explained(needs, caller, { ...asked, account: event.account, row })
      return { event: caller.rights.admin ? event : { ...event, address: undefined }, explanation }
    },
  }),
]

async function refusedWithout({ trail, accounts }: ApiNeeds, requestId: string) {
  const events = await trail.list({ requestId, limit: 20 })
  const event = events.find((one) => refusalWords(one, undefined).length > 0)
  if (!event) throw noSuch('refusal')
  const row = event.account === undefined ? undefined : await accounts.find(event.account)
  return { event, words: refusalWords(event, row?.state) }
}

interface Asked {
  readonly account: string | undefined
  readonly row: AccountRow | undefined
  readonly dataset: string
  readonly version?: string | undefined
  readonly verb: string
  readonly service?: string | undefined
}

async function explained(needs: ApiNeeds, caller: Caller, { row, ...asked }: Asked) {
  const dataset = await needs.ledger.datasets.find(asked.dataset)
  if (!keeps(caller, dataset?.slug)) throw noSuch('dataset')
  const explanation = await needs.access.explain(asked)
  const wire = caller.rights.admin && row ? await wireOf(needs, row) : undefined
  return { ...answerOf(explanation), wire }
}

function answerOf({ lines, ...rest }: Explanation) {
  return { ...rest, lines: lines.map(({ grant, ...line }) => ({ ...line, grant: view(grant) })) }
}

/** What each dialect makes of the whole account; so it is for site admins only. One that fails does not hide the others. */
async function wireOf({ access, clock, dialects }: ApiNeeds, account: AccountRow) {
  const { kind } = account
  const principal: Principal = { kind, account, via: 'token', scopes: ['*'], authenticatedAt: clock.now(), amr: [] }
  const snapshots = dialects.map(async ({ id, plugin, adapter }) => {
    try {
      const snapshot = await access.snapshot(account.id, { service: id })
      return { instance: id, plugin, answer: adapter.project(principal, snapshot) }
    } catch (error) {
      return { instance: id, plugin, error: isFault(error) ? error.code : 'ERR_INTERNAL' }
    }
  })
  return Promise.all(snapshots)
}

/** An id or username; one that nobody has is asked for as it is, and answered with `unknown`. */
async function accountOf({ accounts }: ApiNeeds, named: string) {
  const row = (await accounts.find(named)) ?? (await accounts.findByUsername(named))
  return { id: row?.id ?? named, row }
}

function keeps(caller: Caller, slug: string | undefined): boolean {
  const kept = datasetsKept(caller)
  return kept === undefined || (slug !== undefined && kept.includes(slug))
}

function askOf({ detail }: AuditLine): Pick<Asked, 'dataset' | 'version' | 'verb' | 'service'> | undefined {
  const { dataset, version, verb, service } = (detail ?? {}) as Readonly<Record<string, unknown>>
  if (typeof dataset !== 'string' || typeof verb !== 'string') return undefined
  return {
    dataset,
    verb,
    version: typeof version === 'string' ? version : undefined,
    service: typeof service === 'string' ? service : undefined,
  }
}

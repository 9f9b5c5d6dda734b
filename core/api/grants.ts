/** Grants: the lines of the ledger. @module */

import { Fault } from '@labgate/contract'
import type { Conditions, FactCondition, Grant } from '../access/model.ts'
import { formatSubject, parseSubject, type Subject } from '../access/model.ts'
import { seesGrant } from '../access/sight.ts'
import { type ApiNeeds, type Ask, operation } from './operation.ts'
import { instant, level, line, lines, name, page, pageOf, paging, record, ref, rowId, source, text } from './schema.ts'
import { accountNamed, datasetInSight, noSuch } from './sight.ts'

const scalar = { anyOf: [line('Text.', 1000), { type: 'number' }, { type: 'boolean' }] } as const

const fact = {
  type: 'object',
  additionalProperties: false,
  required: ['claim'],
  description: 'A fact that must be known of the holder; at most one of `equals`, `oneOf` and `contains`.',
  properties: {
    claim: line('The name of the claim, such as `orcid`.'),
    equals: { ...scalar, description: 'The value.' },
    oneOf: { type: 'array', items: scalar, minItems: 1, maxItems: 1000, description: 'One of these values.' },
    contains: { ...scalar, description: 'The value is a list that has this.' },
    via: line('Only as this sign-in says.', 31),
    trust: {
      type: 'string',
      enum: ['verified', 'asserted', 'self'],
      description: 'At least so trusted; `verified` unless said.',
    },
    withinDays: { type: 'integer', minimum: 1, maximum: 36_500, description: 'Seen within so many days.' },
  },
} as const

const conditions = {
  type: 'object',
  additionalProperties: false,
  description: 'All of them must hold.',
  properties: {
    terms: {
      type: 'object',
      additionalProperties: false,
      required: ['id', 'number'],
      description: 'Terms of use that must be accepted.',
      properties: {
        id: line('Their id.'),
        number: { type: 'integer', minimum: 1, description: 'This text or a newer one.' },
      },
    },
    from: instant('Counts from then on.'),
    until: instant('Counts until then.'),
    facts: { type: 'array', items: fact, maxItems: 50, description: 'Facts that must be known.' },
    withinGroup: line('Counts only while the holder is in this group.', 64),
  },
} as const

const subject = line('`account:ID` (or a username), `name:SIGN-IN:VALUE`, `group:SLUG`, `signed-in` or `anyone`.', 500)

export const grantSchemas = {
  Grant: record(
    'A line of the ledger: never deleted, only ended.',
    {
      id: { type: 'integer', description: 'Its number.' },
      subject: text('Who it is for: `account:ID`, `name:SIGN-IN:VALUE`, `group:SLUG`, `signed-in` or `anyone`.'),
      dataset: text('Slug of the dataset.'),
      version: text('This version only; absent: the whole dataset.'),
      level,
      permission: text('A named permission, instead of a level.'),
      conditions,
      grantedBy: text('Account id, or the name of a part of the system.'),
      why: text('The reason.'),
      source,
      createdAt: instant('When it was made.'),
      endedAt: instant('When it was ended.'),
      endedBy: text('Who ended it.'),
    },
    ['version', 'level', 'permission', 'endedAt', 'endedBy'],
  ),
}

const params = { grant: rowId('Number of the grant.') }

export const grantOperations = [
  operation({
    id: 'listGrants',
    method: 'GET',
    path: '/grants',
    tag: 'grants',
    summary: 'List grants, the newest first',
    description:
      'Those of datasets you are admin of; to the steering committee those of dataset admins, to a team lead those within the team; site admins see all.',
    query: {
      ...paging,
      search: line('Part of the subject, the dataset or the reason.'),
      dataset: name('Only of this dataset.'),
      subject: { ...subject, description: `Only for this subject: ${subject.description}` },
      state: { type: 'string', enum: ['current', 'ended', 'all'], default: 'current', description: 'Which of them.' },
    },
    answer: { status: 200, description: 'A page of grants.', schema: pageOf(ref('Grant')) },
    errors: ['ERR_NOT_FOUND'],
    async handle({ caller, query: { dataset, subject, ...query } }, needs) {
      const of = dataset === undefined ? undefined : await datasetInSight(needs, caller, dataset)
      const found = await needs.ledger.grants.list({
        ...query,
        dataset: of?.slug,
        subject: subject === undefined ? undefined : await subjectOf(needs, subject),
        seenBy: caller.rights,
      })
      return page({ ...found, rows: found.rows.map(view) })
    },
  }),
  operation({
    id: 'addGrant',
    method: 'POST',
    path: '/grants',
    tag: 'grants',
    summary: 'Grant something',
    description: 'Exactly one of `level` and `permission`. The same grant made twice is one.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['subject', 'dataset'],
      properties: {
        subject,
        dataset: line('Slug or alias of the dataset.'),
        version: line('This version only.'),
        level,
        permission: line('A named permission.', 100),
        conditions,
        why: lines('The reason.', 1000),
      },
    },
    answer: { status: 201, description: 'The grant.', schema: ref('Grant') },
    errors: ['ERR_NOT_FOUND', 'ERR_CONFLICT'],
    async handle(ask, needs) {
      const { caller, body } = ask
      const { slug } = await datasetInSight(needs, caller, body.dataset)
      const grant = {
        ...body,
        subject: await subjectOf(needs, body.subject),
        dataset: slug,
        conditions: conditionsOf(body.conditions),
      }
      return view(await needs.ledger.grants.add(caller.actor, grant))
    },
  }),
  operation({
    id: 'getGrant',
    method: 'GET',
    path: '/grants/{grant}',
    tag: 'grants',
    summary: 'Get a grant',
    params,
    answer: { status: 200, description: 'The grant.', schema: ref('Grant') },
    handle: async (ask, needs) => view(await grantInSight(ask, needs)),
  }),
  operation({
    id: 'endGrant',
    method: 'DELETE',
    path: '/grants/{grant}',
    tag: 'grants',
    summary: 'End a grant',
    description: 'It stays in the ledger, as ended.',
    params,
    answer: { status: 204, description: 'It counts no longer.' },
    errors: ['ERR_CONFLICT'],
    async handle(ask, needs) {
      const { id, endedAt } = await grantInSight(ask, needs)
      if (endedAt !== undefined) throw noSuch('grant that counts')
      await needs.ledger.grants.end(ask.caller.actor, id)
    },
  }),
]

async function grantInSight(
  { caller, params }: Pick<Ask<{ readonly grant: string }, unknown, unknown>, 'caller' | 'params'>,
  needs: ApiNeeds,
): Promise<Grant> {
  const grant = await needs.ledger.grants.find(Number(params.grant))
  if (!grant || !seesGrant(caller.rights, grant)) throw noSuch('grant')
  return grant
}

/** The subject a word names; `account:` takes a username, too. */
async function subjectOf(needs: ApiNeeds, word: string): Promise<Subject> {
  const subject = parseSubject(word)
  if (subject?.kind === 'account') return { kind: 'account', account: (await accountNamed(needs, subject.account)).id }
  if (subject) return subject
  throw new Fault(
    'ERR_INPUT',
    'The `subject` must be `account:ID`, `name:SIGN-IN:VALUE`, `group:SLUG`, `signed-in` or `anyone`.',
  )
}

type GivenConditions = Omit<Conditions, 'from' | 'until' | 'facts'> & {
  readonly from?: string
  readonly until?: string
  readonly facts?: readonly { readonly claim: string }[]
}

function conditionsOf(given: GivenConditions | undefined): Conditions {
  const { from, until, facts, ...rest } = given ?? {}
  return {
    ...rest,
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(until === undefined ? {} : { until: new Date(until) }),
    // The check has made them so; `anyOf` has no type of its own.
    ...(facts === undefined ? {} : { facts: facts as readonly FactCondition[] }),
  }
}

/** A grant as it is answered. */
export function view({ subject, ...grant }: Grant) {
  return { ...grant, subject: formatSubject(subject) }
}

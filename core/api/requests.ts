/** Requests for access. @module */
import { operation } from './operation.ts'
import { instant, level, lines, page, pageOf, paging, record, ref, rowId, text } from './schema.ts'
import { datasetsKept, noSuch } from './sight.ts'

const state = {
  type: 'string',
  enum: ['open', 'granted', 'refused', 'withdrawn'],
  description: 'Where it stands.',
} as const

export const requestSchemas = {
  Request: record(
    'Somebody asks for access.',
    {
      id: { type: 'integer', description: 'Its number.' },
      account: text('Who asks.'),
      dataset: text('For which dataset.'),
      version: text('For this version only.'),
      level,
      why: text('In their words.'),
      state,
      createdAt: instant('When.'),
      decidedAt: instant('When it was decided.'),
      decidedBy: text('Who decided.'),
      note: text('What was said to them.'),
    },
    ['version', 'decidedAt', 'decidedBy'],
  ),
}

export const requestOperations = [
  operation({
    id: 'listRequests',
    method: 'GET',
    path: '/requests',
    tag: 'requests',
    summary: 'List requests for access',
    description: 'For datasets you are admin of; site admins see all.',
    query: { ...paging, state },
    answer: { status: 200, description: 'A page of requests.', schema: pageOf(ref('Request')) },
    handle: async ({ caller, query }, { ledger }) =>
      page(await ledger.requests.list({ ...query, datasets: datasetsKept(caller) })),
  }),
  operation({
    id: 'decideRequest',
    method: 'POST',
    path: '/requests/{request}/decision',
    tag: 'requests',
    summary: 'Grant or refuse a request; the person is told',
    params: { request: rowId('Number of the request.') },
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['grant'],
      properties: {
        grant: { type: 'string', enum: ['yes', 'no'], description: 'The decision.' },
        level: { ...level, description: 'Another level than was asked for.' },
        until: instant('The grant ends then.'),
        note: lines('Said to the person.', 1000),
      },
    },
    answer: { status: 200, description: 'The request, decided.', schema: ref('Request') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body: { until, ...body } }, needs) {
      const request = await needs.ledger.requests.find(Number(params.request))
      const kept = datasetsKept(caller)
      if (!request || (kept && !kept.includes(request.dataset))) throw noSuch('request')
      const answer = { ...body, until: until === undefined ? undefined : new Date(until) }
      return needs.ledger.requests.decide(caller.actor, request.id, answer)
    },
  }),
]

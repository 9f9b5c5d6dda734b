/** Terms of use: documents, their texts, who accepted them, invitations. @module */
import { operation } from './operation.ts'
import {
  instant,
  level,
  line,
  lines,
  listOf,
  name,
  page,
  pageOf,
  paging,
  record,
  ref,
  searching,
  source,
  text,
} from './schema.ts'
import { assertSiteAdmin, datasetKept, datasetsKept, noSuch, termsInSight } from './sight.ts'

const markdown = { ...lines('The text, in Markdown without HTML.', 500_000), minLength: 1 } as const
const markdownBytes = 2 * 1024 * 1024
const services = {
  type: 'array',
  items: line('Id of a client or of a dialect instance.'),
  maxItems: 100,
  uniqueItems: true,
  description: 'Only for these services; empty: everywhere.',
} as const

export const termsSchemas = {
  Terms: record(
    'Terms of use.',
    {
      id: text('Their id.'),
      numericId: { type: 'integer', description: 'Their number, for dialects that know terms by one.' },
      title: text('For people.'),
      dataset: text('Of this dataset; absent: of the site.'),
      version: text('Of this version only.'),
      services: listOf(text('Id of a client or of a dialect instance.'), 'Only for these; empty: everywhere.'),
      requiredNumber: { type: 'integer', description: 'The least number whose acceptance counts.' },
      source,
      createdAt: instant('When they were added.'),
      retiredAt: instant('Since when nobody needs them.'),
      text: ref('TermsText'),
    },
    ['dataset', 'version', 'retiredAt'],
  ),
  TermsText: record('One text of terms; never changed.', {
    number: { type: 'integer', description: 'Its number, from 1.' },
    markdown: text('The text, in Markdown.'),
    digest: text('SHA-256 of the text, hex.'),
    publishedBy: text('Who published it.'),
    publishedAt: instant('When.'),
  }),
  Acceptance: record(
    'That somebody accepted one text.',
    {
      account: text('Whose.'),
      terms: text('Of which terms.'),
      number: { type: 'integer', description: 'Number of the text.' },
      at: instant('When.'),
      address: text('The network address it came from; site admins see it.'),
      digest: text('SHA-256 of the text that was shown.'),
    },
    ['address'],
  ),
  Invitation: record(
    'A link to terms; who accepts by it gets `level` on their dataset.',
    {
      id: text('Its id; it opens nothing.'),
      terms: text('Of which terms.'),
      level,
      madeBy: text('Who made it.'),
      createdAt: instant('When.'),
      endsAt: instant('Until when it works.'),
      seats: { type: 'integer', description: 'How many people may use it; absent: any number.' },
      used: { type: 'integer', description: 'How many have.' },
      endedAt: instant('When it was ended.'),
    },
    ['level', 'endsAt', 'seats', 'endedAt'],
  ),
}

const params = { terms: name('Id of the terms.') }

const documents = [
  operation({
    id: 'listTerms',
    method: 'GET',
    path: '/terms',
    tag: 'terms',
    summary: 'List terms of use',
    description: 'Those of datasets you are admin of; site admins see all, those of the whole site too.',
    query: { ...searching, dataset: name('Only of this dataset.') },
    answer: { status: 200, description: 'A page of terms.', schema: pageOf(ref('Terms')) },
    errors: ['ERR_NOT_FOUND'],
    async handle({ caller, query: { dataset, ...query } }, needs) {
      const of = dataset === undefined ? undefined : await datasetKept(needs, caller, dataset)
      return page(await needs.ledger.terms.list({ ...query, dataset: of?.slug, datasets: datasetsKept(caller) }))
    },
  }),
  operation({
    id: 'addTerms',
    method: 'POST',
    path: '/terms',
    tag: 'terms',
    summary: 'Add terms of use with their first text',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['id', 'title', 'markdown'],
      properties: {
        id: line('Their id.', 64),
        title: line('For people.'),
        markdown,
        dataset: line('Slug or alias of the dataset; absent: of the site, which site admins add.'),
        version: line('Of this version only.'),
        services,
      },
    },
    bodyBytes: markdownBytes,
    answer: { status: 201, description: 'The terms.', schema: ref('Terms') },
    errors: ['ERR_NOT_FOUND', 'ERR_CONFLICT'],
    async handle({ caller, body }, needs) {
      if (body.dataset === undefined) assertSiteAdmin(caller, 'add terms of the whole site')
      const of = body.dataset === undefined ? undefined : await datasetKept(needs, caller, body.dataset)
      return needs.ledger.terms.add(caller.actor, { ...body, dataset: of?.slug })
    },
  }),
  operation({
    id: 'getTerms',
    method: 'GET',
    path: '/terms/{terms}',
    tag: 'terms',
    summary: 'Get terms of use with all their texts',
    params,
    answer: {
      status: 200,
      description: 'The terms, and every text from the newest.',
      schema: record('Terms with their texts.', {
        terms: ref('Terms'),
        texts: listOf(ref('TermsText'), 'Every text.'),
      }),
    },
    async handle({ caller, params }, needs) {
      const terms = await termsInSight(needs, caller, params.terms)
      return { terms, texts: await needs.ledger.terms.texts(terms.id) }
    },
  }),
  operation({
    id: 'changeTerms',
    method: 'PATCH',
    path: '/terms/{terms}',
    tag: 'terms',
    summary: 'Change the title or the services of terms',
    params,
    body: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: { title: line('For people.'), services },
    },
    answer: { status: 200, description: 'The terms.', schema: ref('Terms') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      const { id } = await termsInSight(needs, caller, params.terms)
      return needs.ledger.terms.change(caller.actor, id, body)
    },
  }),
  operation({
    id: 'publishTerms',
    method: 'POST',
    path: '/terms/{terms}/texts',
    tag: 'terms',
    summary: 'Publish a new text',
    params,
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['markdown', 'again'],
      properties: {
        markdown,
        again: {
          type: 'string',
          enum: ['accept', 'keep'],
          description: '`accept`: everybody must accept it; `keep`: acceptances of the former text go on counting.',
        },
      },
    },
    bodyBytes: markdownBytes,
    answer: { status: 201, description: 'The terms with their new text.', schema: ref('Terms') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      const { id } = await termsInSight(needs, caller, params.terms)
      return needs.ledger.terms.publish(caller.actor, id, body)
    },
  }),
  operation({
    id: 'retireTerms',
    method: 'DELETE',
    path: '/terms/{terms}',
    tag: 'terms',
    summary: 'Retire terms: from then on nobody needs them',
    description: 'Texts and acceptances are kept.',
    params,
    answer: { status: 200, description: 'The terms, retired.', schema: ref('Terms') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      const { id, retiredAt } = await termsInSight(needs, caller, params.terms)
      if (retiredAt !== undefined) throw noSuch('terms document that counts')
      return needs.ledger.terms.retire(caller.actor, id)
    },
  }),
]

const peoples = [
  operation({
    id: 'listAcceptances',
    method: 'GET',
    path: '/terms/{terms}/acceptances',
    tag: 'terms',
    summary: 'List who accepted terms',
    params,
    query: paging,
    answer: { status: 200, description: 'A page of acceptances.', schema: pageOf(ref('Acceptance')) },
    async handle({ caller, params, query }, needs) {
      const { id } = await termsInSight(needs, caller, params.terms)
      const found = await needs.ledger.terms.acceptances({ ...query, terms: id })
      const withAddress = caller.rights.admin
      return page({ ...found, rows: found.rows.map((row) => (withAddress ? row : { ...row, address: undefined })) })
    },
  }),
  operation({
    id: 'listInvitations',
    method: 'GET',
    path: '/terms/{terms}/invitations',
    tag: 'terms',
    summary: 'List the invitations of terms',
    params,
    answer: {
      status: 200,
      description: 'Every invitation.',
      schema: record('Invitations.', { items: listOf(ref('Invitation'), 'Every invitation.') }),
    },
    async handle({ caller, params }, needs) {
      const { id } = await termsInSight(needs, caller, params.terms)
      return { items: await needs.ledger.terms.invitations(id) }
    },
  }),
  operation({
    id: 'addInvitation',
    method: 'POST',
    path: '/terms/{terms}/invitations',
    tag: 'terms',
    summary: 'Invite by a link',
    params,
    body: {
      type: 'object',
      additionalProperties: false,
      properties: {
        level,
        endsAt: instant('Until when it works.'),
        seats: { type: 'integer', minimum: 1, maximum: 100_000, description: 'How many people may use it.' },
      },
    },
    answer: {
      status: 201,
      description: 'The invitation and its link, which is shown here and nowhere else.',
      schema: record('An invitation.', { url: text('The link to hand out.'), invitation: ref('Invitation') }),
    },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body: { endsAt, ...body } }, needs) {
      const { id } = await termsInSight(needs, caller, params.terms)
      const made = await needs.ledger.terms.invite(caller.actor, {
        ...body,
        terms: id,
        endsAt: endsAt === undefined ? undefined : new Date(endsAt),
      })
      return { url: new URL(`/terms/invited/${made.token}`, needs.issuer).href, invitation: made.invitation }
    },
  }),
  operation({
    id: 'endInvitation',
    method: 'DELETE',
    path: '/terms/{terms}/invitations/{invitation}',
    tag: 'terms',
    summary: 'End an invitation',
    params: { ...params, invitation: name('Id of the invitation.') },
    answer: { status: 204, description: 'Its link leads nowhere.' },
    async handle({ caller, params }, needs) {
      const { id } = await termsInSight(needs, caller, params.terms)
      const found = (await needs.ledger.terms.invitations(id)).find((one) => one.id === params.invitation)
      if (!found || found.endedAt !== undefined) throw noSuch('invitation that works')
      await needs.ledger.terms.endInvitation(caller.actor, found.id)
    },
  }),
]

export const termsOperations = [...documents, ...peoples]

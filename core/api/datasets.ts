/** Datasets and the public objects of their tables. @module */
import { operation } from './operation.ts'
import {
  instant,
  line,
  lines,
  listOf,
  maybeLine,
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
import { datasetInSight, datasetKept, datasetsSeen, noSuch } from './sight.ts'

const visibility = {
  type: 'string',
  enum: ['listed', 'hidden'],
  description: 'Whether people find it who hold nothing on it.',
} as const

const place = {
  type: 'object',
  additionalProperties: false,
  required: ['bucket'],
  description: 'Where data lie.',
  properties: {
    version: line('Of this version only.'),
    bucket: line('With its scheme: `gs://lab-bucket`.', 300),
    prefix: maybeLine('Without a leading slash; empty: the whole bucket.', 1000),
  },
} as const

const table = {
  type: 'object',
  additionalProperties: false,
  required: ['namespace', 'name'],
  description: 'By which a service knows it.',
  properties: { namespace: line('The name space, as the service calls it.'), name: line('The name in it.') },
} as const

const version = {
  type: 'object',
  additionalProperties: false,
  required: ['version'],
  description: 'A version.',
  properties: { version: line('Such as `v1.2`.'), title: maybeLine('A title.') },
} as const

const properties = {
  title: line('For people.'),
  description: lines('For people.'),
  visibility,
  frozen: {
    anyOf: [line('The reason.', 1000), { type: 'null' }],
    description: 'The reason while it is closed for everybody; `null` opens it.',
  },
  aliases: { type: 'array', items: line('Another name.'), maxItems: 100, description: 'Replaces the list.' },
  versions: { type: 'array', items: version, maxItems: 1000, description: 'Replaces the list.' },
  places: { type: 'array', items: place, maxItems: 1000, description: 'Replaces the list.' },
  tables: { type: 'array', items: table, maxItems: 1000, description: 'Replaces the list.' },
} as const

const slug = line('Its name in addresses; never changed.', 64)

const placeView = record(
  'Where data lie.',
  {
    version: text('Of this version only; absent: of the whole dataset.'),
    bucket: text('With its scheme.'),
    prefix: text('Without a leading slash; empty: the whole bucket.'),
  },
  ['version'],
)

export const datasetSchemas = {
  Dataset: record(
    'A dataset.',
    {
      slug: text('Its name in addresses.'),
      numericId: { type: 'integer', description: 'Its number, for dialects that know datasets by one.' },
      title: text('For people.'),
      description: text('For people.'),
      visibility,
      frozen: text('Why it is closed for everybody, while it is.'),
      aliases: listOf(text('Another name.'), 'Other names.'),
      versions: listOf(record('A version.', { version: text('Its name.'), title: text('A title.') }), 'Its versions.'),
      places: listOf(placeView, 'Where its data lie.'),
      tables: listOf(
        record('A table.', { namespace: text('The name space.'), name: text('The name in it.') }),
        'Names by which services know it.',
      ),
      source,
      createdAt: instant('When it was added.'),
      updatedAt: instant('When it was last changed.'),
    },
    ['frozen'],
  ),
  PublicRoot: record('An object that anyone may see.', {
    namespace: text('The name space of the table.'),
    name: text('The name of the table.'),
    root: text('An unsigned 64-bit integer, in decimal digits.'),
    addedBy: text('Who added it.'),
    createdAt: instant('When.'),
  }),
}

const params = { dataset: name('Slug or alias of the dataset.') }

const rootsBody = {
  type: 'object',
  additionalProperties: false,
  required: ['namespace', 'name', 'roots'],
  properties: {
    ...table.properties,
    roots: {
      type: 'array',
      minItems: 1,
      maxItems: 10_000,
      uniqueItems: true,
      items: { type: 'string', pattern: '^(0|[1-9][0-9]{0,19})$', description: 'An unsigned 64-bit integer.' },
      description: 'Ids of objects, in decimal digits.',
    },
  },
} as const

const rootsBytes = 1024 * 1024

/** The table must be one of this dataset: leave is asked for the table's own. */
function assertTable(
  { tables }: { tables: readonly { namespace: string; name: string }[] },
  wanted: { namespace: string; name: string },
): void {
  if (!tables.some((one) => one.namespace === wanted.namespace && one.name === wanted.name))
    throw noSuch('table of this dataset')
}

export const datasetOperations = [
  operation({
    id: 'listDatasets',
    method: 'GET',
    path: '/datasets',
    tag: 'datasets',
    summary: 'List datasets',
    description: 'Those you look after; site admins and the steering committee see all.',
    query: searching,
    answer: { status: 200, description: 'A page of datasets.', schema: pageOf(ref('Dataset')) },
    handle: async ({ caller, query }, { ledger }) =>
      page(await ledger.datasets.list({ ...query, slugs: datasetsSeen(caller) })),
  }),
  operation({
    id: 'createDataset',
    method: 'POST',
    path: '/datasets',
    tag: 'datasets',
    summary: 'Create a dataset',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['slug', 'title'],
      properties: { slug, ...properties },
    },
    answer: { status: 201, description: 'The dataset.', schema: ref('Dataset') },
    errors: ['ERR_CONFLICT'],
    handle: ({ caller, body }, { ledger }) => ledger.datasets.create(caller.actor, patchOf(body)),
  }),
  operation({
    id: 'getDataset',
    method: 'GET',
    path: '/datasets/{dataset}',
    tag: 'datasets',
    summary: 'Get a dataset',
    params,
    answer: { status: 200, description: 'The dataset.', schema: ref('Dataset') },
    handle: ({ caller, params }, needs) => datasetInSight(needs, caller, params.dataset),
  }),
  operation({
    id: 'changeDataset',
    method: 'PATCH',
    path: '/datasets/{dataset}',
    tag: 'datasets',
    summary: 'Change a dataset',
    description: 'What is not named stays; lists replace the whole list.',
    params,
    body: { type: 'object', additionalProperties: false, minProperties: 1, properties },
    answer: { status: 200, description: 'The dataset.', schema: ref('Dataset') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      const { slug } = await datasetInSight(needs, caller, params.dataset)
      return needs.ledger.datasets.change(caller.actor, slug, patchOf(body))
    },
  }),
  operation({
    id: 'deleteDataset',
    method: 'DELETE',
    path: '/datasets/{dataset}',
    tag: 'datasets',
    summary: 'Delete a dataset with its grants, terms and requests',
    params,
    answer: { status: 204, description: 'It is gone.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      const { slug } = await datasetInSight(needs, caller, params.dataset)
      await needs.ledger.datasets.remove(caller.actor, slug)
    },
  }),
  operation({
    id: 'listPublicRoots',
    method: 'GET',
    path: '/datasets/{dataset}/roots',
    tag: 'datasets',
    summary: 'List the objects of a dataset that anyone may see',
    params,
    query: paging,
    answer: { status: 200, description: 'A page of objects.', schema: pageOf(ref('PublicRoot')) },
    async handle({ caller, params, query }, needs) {
      const { slug } = await datasetKept(needs, caller, params.dataset)
      return page(await needs.ledger.datasets.roots({ ...query, dataset: slug }))
    },
  }),
  operation({
    id: 'addPublicRoots',
    method: 'POST',
    path: '/datasets/{dataset}/roots',
    tag: 'datasets',
    summary: 'Let anyone see objects of a table',
    params,
    body: rootsBody,
    bodyBytes: rootsBytes,
    answer: {
      status: 200,
      description: 'How many were new.',
      schema: record('What was done.', { added: { type: 'integer', minimum: 0, description: 'How many were new.' } }),
    },
    async handle({ caller, params, body: { roots, ...table } }, needs) {
      assertTable(await datasetKept(needs, caller, params.dataset), table)
      return { added: await needs.ledger.datasets.addRoots(caller.actor, table, roots) }
    },
  }),
  operation({
    id: 'removePublicRoots',
    method: 'POST',
    path: '/datasets/{dataset}/roots/remove',
    tag: 'datasets',
    summary: 'Let objects of a table be seen no longer by anyone',
    params,
    body: rootsBody,
    bodyBytes: rootsBytes,
    answer: {
      status: 200,
      description: 'How many there were.',
      schema: record('What was done.', {
        removed: { type: 'integer', minimum: 0, description: 'How many there were.' },
      }),
    },
    async handle({ caller, params, body: { roots, ...table } }, needs) {
      assertTable(await datasetKept(needs, caller, params.dataset), table)
      return { removed: await needs.ledger.datasets.removeRoots(caller.actor, table, roots) }
    },
  }),
]

/** `anyOf` has no type of its own; the check lets text and `null` pass. */
function patchOf<T extends { readonly frozen?: unknown }>(body: T): T & { readonly frozen?: string | null } {
  return body as T & { readonly frozen?: string | null }
}

/** `labgate dataset list` and `dataset show`: which datasets there are. @module */
import { Fault } from '@labgate/contract'
import type { Dataset } from '../access/model.ts'
import type { Rooms } from '../assembly.ts'
import { type Command, wordOf } from './command.ts'
import { base, listOptions, pageAsk, say, tableLines } from './ledger.ts'
import { withRooms } from './site.ts'
import { pairsText, plain } from './table.ts'

/** Lists datasets by slug. */
export const list: Command = {
  name: 'dataset list',
  summary: 'List the datasets of the ledger.',
  usage: 'dataset list [--search TEXT] [--limit N] [--json]',
  options: listOptions,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const page = await rooms.get('ledger').datasets.list(pageAsk(args))
      const lines = tableLines(page, {
        none: 'No datasets.',
        headings: ['SLUG', 'TITLE', 'VISIBILITY', 'VERSIONS', 'SOURCE', 'CLOSED'],
        cells: ({ slug, title, visibility, versions, source, frozen }) => [
          ...[slug, title, visibility, versions.map(({ version }) => version).join(', '), source, frozen],
        ],
      })
      return say(args, io, { result: page.rows, lines })
    }),
}

/** Shows one dataset. */
export const show: Command = {
  name: 'dataset show',
  summary: 'Show a dataset, where it lies and how services know it.',
  usage: 'dataset show SLUG|ALIAS [--json]',
  options: base,
  words: ['SLUG|ALIAS'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const dataset = await datasetOf(rooms, wordOf(args, 0))
      return say(args, io, { result: dataset, lines: [datasetText(dataset)] })
    }),
}

/**
 * The dataset that a slug or an alias names.
 * @throws Fault ERR_NOT_FOUND
 */
export async function datasetOf(rooms: Rooms, name: string): Promise<Dataset> {
  const found = await rooms.get('ledger').datasets.find(name)
  if (found === undefined)
    throw new Fault('ERR_NOT_FOUND', `there is no dataset ${plain(name)}; \`labgate dataset list\` shows all`)
  return found
}

/** A dataset as people read it. */
export function datasetText(dataset: Dataset): string {
  const { slug, title, description, visibility, frozen, source, createdAt, updatedAt } = dataset
  return pairsText([
    ['slug', slug],
    ['title', title],
    ['description', description],
    ['visibility', visibility],
    ['closed', frozen],
    ['aliases', dataset.aliases.join(', ')],
    [
      'versions',
      dataset.versions.map(({ version, title: called }) => (called ? `${version} (${called})` : version)).join(', '),
    ],
    ['places', dataset.places.map(placeText).join(', ')],
    ['tables', dataset.tables.map(({ namespace, name }) => `${namespace}/${name}`).join(', ')],
    ['source', source],
    ['created', createdAt],
    ['changed', updatedAt],
  ])
}

function placeText({ version, bucket, prefix }: Dataset['places'][number]): string {
  return `${version === undefined ? '' : `${version}=`}${bucket}/${prefix}`
}

/** `labgate terms list`, `show`, `accepted`: terms of use, and who accepted them. @module */
import { Fault } from '@labgate/contract'
import type { Terms } from '../access/model.ts'
import type { Rooms } from '../assembly.ts'
import { type Command, textOption, wordOf } from './command.ts'
import { datasetOf } from './dataset.ts'
import { base, listOptions, namesOf, one, pageAsk, say, tableLines } from './ledger.ts'
import { withRooms } from './site.ts'
import { pairsText, plain } from './table.ts'

/** Lists terms by id. */
export const list: Command = {
  name: 'terms list',
  summary: 'List the terms of use.',
  usage: 'terms list [--dataset SLUG] [--search TEXT] [--limit N] [--json]',
  options: { dataset: one('SLUG', 'Only of this dataset.'), ...listOptions },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const name = textOption(args, 'dataset')
      const dataset = name === undefined ? undefined : (await datasetOf(rooms, name)).slug
      const page = await rooms.get('ledger').terms.list({ ...pageAsk(args), dataset })
      const lines = tableLines(page, {
        none: 'No terms.',
        headings: ['ID', 'TITLE', 'DATASET', 'VERSION', 'SERVICES', 'TEXT', 'REQUIRED', 'SOURCE', 'RETIRED'],
        cells: (terms) => [
          ...[terms.id, terms.title, terms.dataset, terms.version, terms.services.join(', '), terms.text.number],
          ...[terms.requiredNumber, terms.source, terms.retiredAt],
        ],
      })
      return say(args, io, { result: page.rows, lines })
    }),
}

/** Shows terms with their newest text. */
export const show: Command = {
  name: 'terms show',
  summary: 'Show terms of use with their newest text.',
  usage: 'terms show ID [--json]',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const terms = await termsOf(rooms, wordOf(args, 0))
      const { text, services, ...rest } = terms
      const { number, digest, publishedBy, publishedAt, markdown } = text
      const lines = [
        pairsText([
          ...Object.entries({ ...rest, services: services.join(', ') }),
          ...Object.entries({ number, digest, publishedBy, publishedAt }),
        ]),
        '',
        ...markdown.trimEnd().split('\n').map(plain),
      ]
      return say(args, io, { result: terms, lines })
    }),
}

/** Lists who accepted terms. */
export const accepted: Command = {
  name: 'terms accepted',
  summary: 'List who accepted terms of use, and which text.',
  usage: 'terms accepted ID [--search TEXT] [--limit N] [--json]',
  options: listOptions,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await termsOf(rooms, wordOf(args, 0))
      const page = await rooms.get('ledger').terms.acceptances({ ...pageAsk(args), terms: id })
      const nameOf = await namesOf(
        rooms,
        page.rows.map(({ account }) => account),
      )
      const lines = tableLines(page, {
        none: 'Nobody has accepted them.',
        headings: ['USERNAME', 'TEXT', 'WHEN', 'FROM', 'DIGEST'],
        cells: ({ account, number, at, address, digest }) => [
          ...[nameOf(account), number, at, address, digest.slice(0, 12)],
        ],
      })
      const result = page.rows.map((row) => ({ ...row, username: nameOf(row.account) }))
      return say(args, io, { result, lines })
    }),
}

/**
 * The terms of an id.
 * @throws Fault ERR_NOT_FOUND
 */
export async function termsOf(rooms: Rooms, id: string): Promise<Terms> {
  const found = await rooms.get('ledger').terms.find(id)
  if (found === undefined)
    throw new Fault('ERR_NOT_FOUND', `there are no terms ${plain(id)}; \`labgate terms list\` shows all`)
  return found
}

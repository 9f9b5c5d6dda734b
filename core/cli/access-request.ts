/** `labgate access requests list` and `decide`: who asks for access. @module */
import { Fault } from '@labgate/contract'
import { type Command, textOption, wordOf } from './command.ts'
import {
  actorFor,
  base,
  choiceOption,
  instantOption,
  levelOption,
  listOptions,
  namesOf,
  one,
  pageAsk,
  say,
  tableLines,
} from './ledger.ts'
import { withRooms } from './site.ts'

const states = ['open', 'granted', 'refused', 'withdrawn'] as const

/** Lists requests. */
export const list: Command = {
  name: 'access requests list',
  summary: 'List who asks for access.',
  usage: 'access requests list [--state open|granted|refused|withdrawn] [--search TEXT] [--limit N] [--json]',
  options: { state: one('STATE', `One of ${states.join(', ')}; default open.`), ...listOptions },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const state = choiceOption(args, 'state', states) ?? 'open'
      const page = await rooms.get('ledger').requests.list({ ...pageAsk(args), state })
      const nameOf = await namesOf(
        rooms,
        page.rows.map(({ account }) => account),
      )
      const lines = tableLines(page, {
        none: `No requests are ${state}.`,
        headings: ['ID', 'WHO', 'DATASET', 'VERSION', 'LEVEL', 'WHEN', 'WHY'],
        cells: ({ id, account, dataset, version, level, createdAt, why }) => [
          ...[id, nameOf(account), dataset, version ?? 'all', level, createdAt, why],
        ],
      })
      return say(args, io, { result: page.rows, lines })
    }),
}

/** Decides a request. */
export const decide: Command = {
  name: 'access requests decide',
  summary: 'Grant or refuse a request for access; the person is told by mail.',
  usage: 'access requests decide ID yes|no [--level LEVEL] [--until DATE] [--note TEXT] [--json]',
  options: {
    level: one('LEVEL', 'Instead of the level that was asked for.'),
    until: one('DATE', 'To the end of this date (UTC) or to this instant.'),
    note: one('TEXT', 'A word to the person.'),
    ...base,
  },
  words: ['ID', 'yes|no'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const [id, grant] = [wordOf(args, 0), wordOf(args, 1)]
      if (!/^\d{1,15}$/.test(id)) throw new Fault('ERR_INPUT', 'the id of a request is a number')
      if (grant !== 'yes' && grant !== 'no') throw new Fault('ERR_INPUT', 'the answer is yes or no')
      const [level, until] = [levelOption(args), instantOption(args, 'until')]
      const answer = { grant, level, until, note: textOption(args, 'note') } as const
      const decided = await rooms.get('ledger').requests.decide(actorFor(decide), Number(id), answer)
      return say(args, io, { result: decided, lines: [`Request ${id}: ${decided.state}.`] })
    }),
}

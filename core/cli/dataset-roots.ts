/** `labgate dataset roots list`, `add`, `remove`: objects of a service's table that anyone may see. @module */
import { Fault } from '@labgate/contract'
import { type Args, type Command, type Io, textOption, textsOption, wordOf } from './command.ts'
import { datasetOf } from './dataset.ts'
import { tableOf } from './dataset-change.ts'
import { actorFor, base, fileText, listOptions, many, one, pageAsk, say, tableLines } from './ledger.ts'
import { withRooms } from './site.ts'

/** Lists the public objects of a dataset's tables. */
export const list: Command = {
  name: 'dataset roots list',
  summary: 'List the objects of a dataset that anyone may see.',
  usage: 'dataset roots list SLUG [--search DIGITS] [--limit N] [--json]',
  options: listOptions,
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await datasetOf(rooms, wordOf(args, 0))
      const page = await rooms.get('ledger').datasets.roots({ ...pageAsk(args), dataset: slug })
      const lines = tableLines(page, {
        none: `Nothing of ${slug} is public.`,
        headings: ['NAMESPACE', 'TABLE', 'OBJECT', 'ADDED BY', 'SINCE'],
        cells: ({ namespace, name, root, addedBy, createdAt }) => [namespace, name, root, addedBy, createdAt],
      })
      return say(args, io, { result: page.rows, lines })
    }),
}

const options = {
  root: many('ID', 'Id of an object, in digits'),
  file: one('FILE', 'File with ids, one a line; # begins a comment.'),
  ...base,
} as const

/** Lets anyone see objects. */
export const add: Command = {
  name: 'dataset roots add',
  summary: 'Let anyone see objects of a table.',
  usage: 'dataset roots add NAMESPACE/NAME [--root ID] [--file FILE] [--json]',
  options,
  words: ['NAMESPACE/NAME'],
  run: (args, io) => alter(args, io, 'add'),
}

/** Takes objects back. */
export const remove: Command = {
  name: 'dataset roots remove',
  summary: 'Take objects of a table back: only who has access sees them.',
  usage: 'dataset roots remove NAMESPACE/NAME [--root ID] [--file FILE] [--json]',
  options,
  words: ['NAMESPACE/NAME'],
  run: (args, io) => alter(args, io, 'remove'),
}

/** Everything that writes waits for a change, so long lists go in parts. */
const part = 10_000

async function alter(args: Args, io: Io, what: 'add' | 'remove'): Promise<number> {
  const table = tableOf(wordOf(args, 0))
  const file = textOption(args, 'file')
  const lines = file === undefined ? [] : (await fileText(file, io)).split('\n')
  const fromFile = lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
  const roots = [...new Set([...textsOption(args, 'root'), ...fromFile])]
  if (roots.length === 0) throw new Fault('ERR_INPUT', 'name at least one object by --root or --file')
  return withRooms(args, io, async (rooms) => {
    const { addRoots, removeRoots } = rooms.get('ledger').datasets
    let changed = 0
    for (let at = 0; at < roots.length; at += part) {
      const some = roots.slice(at, at + part)
      changed += await (what === 'add'
        ? addRoots(actorFor(add), table, some)
        : removeRoots(actorFor(remove), table, some))
    }
    const line = what === 'add' ? `Made public: ${changed}.` : `Taken back: ${changed}.`
    return say(args, io, { result: { ...table, given: roots.length, changed }, lines: [line] })
  })
}

/** `labgate dataset add`, `change`, `remove`, `freeze`, `open`: what is done to datasets. @module */
import { Fault } from '@labgate/contract'
import type { Dataset, DatasetPatch } from '../access/model.ts'
import { type Args, type Command, textOption, textsOption, wordOf } from './command.ts'
import { datasetOf, datasetText } from './dataset.ts'
import { actorFor, base, choiceOption, many, one, say } from './ledger.ts'
import { withRooms } from './site.ts'

const visibilities = ['listed', 'hidden'] as const

const facts = {
  description: one('TEXT', 'What it is.'),
  visibility: one('WORD', 'listed (people find it and ask for access) or hidden.'),
  alias: many('NAME', 'Another name it is known by'),
  version: many('VERSION[=TITLE]', 'A version'),
  place: many('[VERSION=]URL', 'Where data lie, such as gs://lab-bucket/fish2 or v1=gs://lab-bucket/fish2/v1'),
  table: many('NAMESPACE/NAME', 'A table by which a service knows it'),
} as const

/** Adds a dataset. */
export const add: Command = {
  name: 'dataset add',
  summary: 'Add a dataset.',
  usage: [
    'dataset add SLUG [--title TEXT] [--version V] [--place URL] [--table NAMESPACE/NAME] [more] [--json]',
    'A running server knows it at once. Datasets of the config file are changed there.',
  ].join('\n'),
  options: { title: one('TEXT', 'Title for people; default the slug.'), ...facts, ...base },
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const slug = wordOf(args, 0)
      const patch = { ...textsOf(args), ...listsOf(args) }
      const made = await rooms
        .get('ledger')
        .datasets.create(actorFor(add), { ...patch, slug, title: patch.title ?? slug })
      return say(args, io, { result: made, lines: [`Added ${made.slug}.`] })
    }),
}

/** Changes a dataset: texts are replaced, names and places are added or dropped. */
export const change: Command = {
  name: 'dataset change',
  summary: 'Change a dataset: its texts, names, versions, places and tables.',
  usage: [
    'dataset change SLUG [--title TEXT] [--alias NAME] [--drop alias:NAME] [more] [--json]',
    'What is given is added to the lists; --drop takes out of them: alias:NAME, version:V, place:URL, table:NAMESPACE/NAME.',
  ].join('\n'),
  options: {
    title: one('TEXT', 'Title for people.'),
    ...facts,
    drop: many('WHAT:NAME', 'Takes something out of a list'),
    ...base,
  },
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const before = await datasetOf(rooms, wordOf(args, 0))
      const patch = { ...textsOf(args), ...mergedLists(before, args) }
      const changed = await rooms.get('ledger').datasets.change(actorFor(change), before.slug, patch)
      return say(args, io, { result: changed, lines: [datasetText(changed)] })
    }),
}

/** Removes a dataset with all that hangs on it. */
export const remove: Command = {
  name: 'dataset remove',
  summary: 'Remove a dataset with its grants, terms and requests.',
  usage: 'dataset remove SLUG [--json]\nTo close it for everybody and keep its lines: labgate dataset freeze.',
  options: base,
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await datasetOf(rooms, wordOf(args, 0))
      await rooms.get('ledger').datasets.remove(actorFor(remove), slug)
      return say(args, io, { result: { slug, removed: true }, lines: [`Removed ${slug}.`] })
    }),
}

/** Closes a dataset for everybody. */
export const freeze: Command = {
  name: 'dataset freeze',
  summary: 'Close a dataset for everybody, with a reason they are shown.',
  usage: 'dataset freeze SLUG --why TEXT [--json]',
  options: { why: one('TEXT', 'The reason.'), ...base },
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const why = textOption(args, 'why')
      if (why === undefined) throw new Fault('ERR_INPUT', '--why is missing: say why it is closed')
      const { slug } = await datasetOf(rooms, wordOf(args, 0))
      const frozen = await rooms.get('ledger').datasets.change(actorFor(freeze), slug, { frozen: why })
      return say(args, io, { result: frozen, lines: [`${slug} is closed for everybody.`] })
    }),
}

/** Opens a closed dataset again. */
export const open: Command = {
  name: 'dataset open',
  summary: 'Open a closed dataset again; its grants count as before.',
  usage: 'dataset open SLUG [--json]',
  options: base,
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await datasetOf(rooms, wordOf(args, 0))
      const opened = await rooms.get('ledger').datasets.change(actorFor(open), slug, { frozen: null })
      return say(args, io, { result: opened, lines: [`${slug} is open.`] })
    }),
}

function textsOf(args: Args): Pick<DatasetPatch, 'title' | 'description' | 'visibility'> {
  const [title, description] = [textOption(args, 'title'), textOption(args, 'description')]
  const visibility = choiceOption(args, 'visibility', visibilities)
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(visibility === undefined ? {} : { visibility }),
  }
}

type Lists = Required<Pick<Dataset, 'aliases' | 'versions' | 'tables'>> & {
  readonly places: readonly { readonly version: string | undefined; readonly bucket: string; readonly prefix: string }[]
}

function listsOf(args: Args): Lists {
  return {
    aliases: textsOption(args, 'alias'),
    versions: textsOption(args, 'version').map((text) => {
      const [version = '', ...title] = text.split('=')
      return { version, title: title.join('=') }
    }),
    places: textsOption(args, 'place').map(placeOf),
    tables: textsOption(args, 'table').map(tableOf),
  }
}

function placeOf(text: string): Lists['places'][number] {
  const found = /^(?:(?<version>[^=]+)=)?(?<bucket>[a-z][a-z0-9+.-]*:\/\/[^/]+)(?:\/(?<prefix>.*))?$/s.exec(
    text,
  )?.groups
  if (found?.bucket === undefined)
    throw new Fault('ERR_INPUT', `a place is [VERSION=]SCHEME://BUCKET/PREFIX, got ${text}`)
  return { version: found.version, bucket: found.bucket, prefix: found.prefix ?? '' }
}

/** A table as options name it: the name may have slashes, the namespace has none. */
export function tableOf(text: string): { readonly namespace: string; readonly name: string } {
  const slash = text.indexOf('/')
  if (slash < 1) throw new Fault('ERR_INPUT', `a table is NAMESPACE/NAME, got ${text}`)
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}

/** Keys of the things in each list, as `--drop` names them. */
const keys = {
  aliases: (alias: string) => `alias:${alias}`,
  versions: ({ version }: Lists['versions'][number]) => `version:${version}`,
  places: ({ version, bucket, prefix }: Lists['places'][number]) =>
    `place:${version === undefined ? '' : `${version}=`}${bucket}/${prefix}`,
  tables: ({ namespace, name }: Lists['tables'][number]) => `table:${namespace}/${name}`,
}

function mergedLists(before: Dataset, args: Args): Lists {
  const given = listsOf(args)
  const drop = new Set(
    textsOption(args, 'drop').map((text) => (/^place:[^/]*\/\/[^/]+$/.test(text) ? `${text}/` : text)),
  )
  const dropped = new Set<string>()
  const merge = <T>(old: readonly T[], fresh: readonly T[], keyOf: (item: T) => string): T[] => {
    const items = new Map([...old, ...fresh].map((item) => [keyOf(item), item]))
    for (const key of drop) if (items.delete(key)) dropped.add(key)
    return [...items.values()]
  }
  const places = before.places.map(({ version, bucket, prefix }) => ({ version, bucket, prefix }))
  const lists = {
    aliases: merge(before.aliases, given.aliases, keys.aliases),
    versions: merge(before.versions, given.versions, keys.versions),
    places: merge(places, given.places, keys.places),
    tables: merge(before.tables, given.tables, keys.tables),
  }
  const [missed] = [...drop].filter((key) => !dropped.has(key))
  if (missed !== undefined) throw new Fault('ERR_NOT_FOUND', `${before.slug} has no ${missed} to drop`)
  return lists
}

/** `labgate terms add`, `change`, `publish`, `retire`, `invite`: what is done to terms of use. @module */
import { Fault } from '@labgate/contract'
import { type Args, type Command, type Io, textOption, textsOption, wordOf } from './command.ts'
import { datasetOf } from './dataset.ts'
import { actorFor, base, choiceOption, fileText, instantOption, levelOption, many, one, say, yes } from './ledger.ts'
import { withRooms } from './site.ts'
import { termsOf } from './terms.ts'

const file = one('FILE', 'The text, in Markdown.')

async function textOf(args: Args, io: Io): Promise<string> {
  const path = textOption(args, 'file')
  if (path === undefined) throw new Fault('ERR_INPUT', '--file is missing: it names the text, in Markdown')
  return fileText(path, io)
}

/** Adds terms with their first text. */
export const add: Command = {
  name: 'terms add',
  summary: 'Add terms of use: of a dataset, of a version of it, or of services.',
  usage: [
    'terms add ID --file FILE [--title TEXT] [--dataset SLUG] [--version V] [--service ID] [--json]',
    'With a dataset, every grant there asks for them from now on. Without one, people are asked at sign-in to the services.',
  ].join('\n'),
  options: {
    file,
    title: one('TEXT', 'Title for people; default the id.'),
    dataset: one('SLUG', 'Dataset whose every grant asks for them.'),
    version: one('VERSION', 'Only this version of the dataset.'),
    service: many('ID', 'Only within this client or dialect instance'),
    ...base,
  },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const [id, markdown, name] = [wordOf(args, 0), await textOf(args, io), textOption(args, 'dataset')]
      const dataset = name === undefined ? undefined : (await datasetOf(rooms, name)).slug
      const [title = id, version] = [textOption(args, 'title'), textOption(args, 'version')]
      const services = textsOption(args, 'service')
      const made = await rooms
        .get('ledger')
        .terms.add(actorFor(add), { id, title, markdown, dataset, version, services })
      return say(args, io, { result: made, lines: [`Added ${id}, text 1.`] })
    }),
}

/** Changes the title or the services of terms; a text is never changed. */
export const change: Command = {
  name: 'terms change',
  summary: 'Change the title of terms of use, or the services they are limited to.',
  usage:
    'terms change ID [--title TEXT] [--service ID] [--everywhere] [--json]\nServices that are given replace the list.',
  options: {
    title: one('TEXT', 'Title for people.'),
    service: many('ID', 'Only within this client or dialect instance'),
    everywhere: yes('No longer limited to services.'),
    ...base,
  },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const [title, services] = [textOption(args, 'title'), textsOption(args, 'service')]
      const everywhere = args.values.everywhere === true
      if (everywhere && services.length > 0)
        throw new Fault('ERR_INPUT', '--everywhere and --service exclude each other')
      if (title === undefined && services.length === 0 && !everywhere)
        throw new Fault('ERR_INPUT', 'nothing to change: give --title, --service or --everywhere')
      const { id } = await termsOf(rooms, wordOf(args, 0))
      const changed = await rooms.get('ledger').terms.change(actorFor(change), id, {
        ...(title === undefined ? {} : { title }),
        ...(everywhere || services.length > 0 ? { services } : {}),
      })
      return say(args, io, { result: changed, lines: [`Changed ${id}.`] })
    }),
}

/** Publishes a new text. */
export const publish: Command = {
  name: 'terms publish',
  summary: 'Publish a new text of terms of use.',
  usage: [
    'terms publish ID --file FILE --again accept|keep [--json]',
    'accept: everybody must accept the new text before they have access again. keep: who has accepted has accepted.',
  ].join('\n'),
  options: { file, again: one('WORD', 'accept or keep.'), ...base },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const again = choiceOption(args, 'again', ['accept', 'keep'])
      if (again === undefined) throw new Fault('ERR_INPUT', '--again is missing: accept or keep')
      const { id } = await termsOf(rooms, wordOf(args, 0))
      const markdown = await textOf(args, io)
      const terms = await rooms.get('ledger').terms.publish(actorFor(publish), id, { markdown, again })
      return say(args, io, { result: terms, lines: [`${id} has text ${terms.text.number}.`] })
    }),
}

/** Withdraws terms. */
export const retire: Command = {
  name: 'terms retire',
  summary: 'Withdraw terms of use: nobody needs them any more.',
  usage: 'terms retire ID [--json]',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await termsOf(rooms, wordOf(args, 0))
      const terms = await rooms.get('ledger').terms.retire(actorFor(retire), id)
      return say(args, io, { result: terms, lines: [`${id} is withdrawn; what it stood before is open without it.`] })
    }),
}

/** Makes a link to terms. */
export const invite: Command = {
  name: 'terms invite',
  summary: 'Make a link to terms of use; who accepts by it gets a level.',
  usage: [
    'terms invite ID [--level LEVEL] [--until DATE] [--seats N] [--json]',
    'The link is printed this once. Whoever has it may use it: send it only to those who are meant.',
  ].join('\n'),
  options: {
    level: one('LEVEL', 'What who accepts gets on the dataset: view or edit.'),
    until: one('DATE', 'Good to the end of this date (UTC) or to this instant.'),
    seats: one('N', 'Good for so many people.'),
    ...base,
  },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const seats = textOption(args, 'seats')
      if (seats !== undefined && !/^[1-9]\d{0,6}$/.test(seats))
        throw new Fault('ERR_INPUT', '--seats must be a positive whole number')
      const { id } = await termsOf(rooms, wordOf(args, 0))
      const { token, invitation } = await rooms.get('ledger').terms.invite(actorFor(invite), {
        ...{ terms: id, level: levelOption(args), endsAt: instantOption(args, 'until') },
        seats: seats === undefined ? undefined : Number(seats),
      })
      const link = `${rooms.get('config').issuer}/terms/invited/${token}`
      return say(args, io, { result: { ...invitation, link }, lines: [`Link (shown only now): ${link}`] })
    }),
}

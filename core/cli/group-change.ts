/** `labgate group add`, `change`, `remove`, `join`, `leave`, `manager`: what is done to groups. @module */
import { Fault } from '@labgate/contract'
import { type Command, textOption, wordOf } from './command.ts'
import { groupOf } from './group.ts'
import { actorFor, base, one, say, yes } from './ledger.ts'
import { accountOf, withRooms } from './site.ts'

/** Adds a group. */
export const add: Command = {
  name: 'group add',
  summary: 'Add a group.',
  usage: 'group add SLUG [--title TEXT] [--description TEXT] [--json]\nGroups of the config file are changed there.',
  options: {
    title: one('TEXT', 'Title for people; default the slug.'),
    description: one('TEXT', 'What it is for.'),
    ...base,
  },
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const slug = wordOf(args, 0)
      const [title = slug, description] = [textOption(args, 'title'), textOption(args, 'description')]
      const made = await rooms.get('groups').create(actorFor(add), { slug, title, description })
      return say(args, io, { result: made, lines: [`Added ${slug}.`] })
    }),
}

/** Changes the words of a group. */
export const change: Command = {
  name: 'group change',
  summary: 'Change the title or the description of a group.',
  usage: 'group change SLUG [--title TEXT] [--description TEXT] [--json]',
  options: {
    title: one('TEXT', 'Title for people.'),
    description: one('TEXT', 'What it is for.'),
    ...base,
  },
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await groupOf(rooms, wordOf(args, 0))
      const [title, description] = [textOption(args, 'title'), textOption(args, 'description')]
      if (title === undefined && description === undefined)
        throw new Fault('ERR_INPUT', 'nothing to change: give --title or --description')
      const changed = await rooms.get('groups').change(actorFor(change), slug, {
        ...(title === undefined ? {} : { title }),
        ...(description === undefined ? {} : { description }),
      })
      return say(args, io, { result: changed, lines: [`Changed ${slug}.`] })
    }),
}

/** Removes a group. */
export const remove: Command = {
  name: 'group remove',
  summary: 'Remove a group; what was granted to it ends.',
  usage: 'group remove SLUG [--json]',
  options: base,
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await groupOf(rooms, wordOf(args, 0))
      await rooms.get('groups').remove(actorFor(remove), slug)
      return say(args, io, { result: { slug, removed: true }, lines: [`Removed ${slug}.`] })
    }),
}

const words = ['SLUG', 'ACCOUNT'] as const

/** Puts an account into a group. */
export const join: Command = {
  name: 'group join',
  summary: 'Put an account into a group.',
  usage: 'group join SLUG ACCOUNT [--json]\nACCOUNT: id, username or verified e-mail address.',
  options: base,
  words,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await groupOf(rooms, wordOf(args, 0))
      const { id, username } = await accountOf(rooms, wordOf(args, 1))
      await rooms.get('groups').addMember(actorFor(join), slug, id)
      return say(args, io, { result: { group: slug, account: id, username }, lines: [`${username} is in ${slug}.`] })
    }),
}

/** Takes an account out of a group. */
export const leave: Command = {
  name: 'group leave',
  summary: 'Take an account out of a group.',
  usage: 'group leave SLUG ACCOUNT [--json]\nACCOUNT: id, username or verified e-mail address.',
  options: base,
  words,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await groupOf(rooms, wordOf(args, 0))
      const { id, username } = await accountOf(rooms, wordOf(args, 1))
      await rooms.get('groups').removeMember(actorFor(leave), slug, id)
      return say(args, io, {
        result: { group: slug, account: id, username },
        lines: [`${username} is not in ${slug}.`],
      })
    }),
}

/** Lets an account look after a group. */
export const manager: Command = {
  name: 'group manager',
  summary: 'Let an account look after the members of a group.',
  usage: 'group manager SLUG ACCOUNT [--off] [--json]\nACCOUNT: id, username or verified e-mail address.',
  options: { off: yes('No longer.'), ...base },
  words,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await groupOf(rooms, wordOf(args, 0))
      const { id, username } = await accountOf(rooms, wordOf(args, 1))
      const is = args.values.off === true ? 'none' : 'manager'
      await rooms.get('groups').setManager(actorFor(manager), slug, { account: id, is })
      const line = `${username} ${is === 'none' ? 'no longer looks' : 'looks'} after ${slug}.`
      return say(args, io, { result: { group: slug, account: id, username, manager: is === 'manager' }, lines: [line] })
    }),
}

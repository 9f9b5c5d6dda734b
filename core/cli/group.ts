/** `labgate group list` and `group show`: which groups there are, and who is in them. @module */
import { Fault } from '@labgate/contract'
import type { Group, Member } from '../accounts/groups.ts'
import type { Rooms } from '../assembly.ts'
import { type Command, wordOf } from './command.ts'
import { listOptions, namesOf, pageAsk, say, tableLines } from './ledger.ts'
import { withRooms } from './site.ts'
import { pairsText, plain } from './table.ts'

/** Lists groups by slug. */
export const list: Command = {
  name: 'group list',
  summary: 'List the groups.',
  usage: 'group list [--search TEXT] [--limit N] [--json]',
  options: listOptions,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const page = await rooms.get('groups').list(pageAsk(args))
      const nameOf = await namesOf(
        rooms,
        page.rows.flatMap(({ managers }) => managers),
      )
      const lines = tableLines(page, {
        none: 'No groups.',
        headings: ['SLUG', 'TITLE', 'MEMBERS', 'MANAGERS', 'SOURCE'],
        cells: ({ slug, title, memberCount, managers, source }) => [
          ...[slug, title, memberCount, managers.map(nameOf).join(', '), source],
        ],
      })
      return say(args, io, { result: page.rows, lines })
    }),
}

/** Shows one group with its members. */
export const show: Command = {
  name: 'group show',
  summary: 'Show a group and who is in it.',
  usage: 'group show SLUG [--search TEXT] [--limit N] [--json]',
  options: listOptions,
  words: ['SLUG'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const group = await groupOf(rooms, wordOf(args, 0))
      const members = await rooms.get('groups').members(group.slug, pageAsk(args))
      const nameOf = await namesOf(rooms, group.managers)
      const { slug, title, description, source } = group
      const lines = [
        pairsText([
          ...Object.entries({ slug, title, description, source }),
          ['managers', group.managers.map(nameOf).join(', ')],
        ]),
        '',
        ...tableLines(members, {
          none: 'Nobody is in it.',
          headings: ['USERNAME', 'NAME', 'BY', 'SINCE'],
          cells: ({ account, sources, since }) => [account.username, account.displayName, sources.join(', '), since],
        }),
      ]
      return say(args, io, { result: { ...group, members: members.rows.map(memberJson) }, lines })
    }),
}

function memberJson({ account, sources, isManager, since }: Member) {
  return { account: account.id, username: account.username, sources, isManager, since }
}

/**
 * The group of a slug.
 * @throws Fault ERR_NOT_FOUND
 */
export async function groupOf(rooms: Rooms, slug: string): Promise<Group> {
  const found = await rooms.get('groups').find(slug)
  if (found === undefined)
    throw new Fault('ERR_NOT_FOUND', `there is no group ${plain(slug)}; \`labgate group list\` shows all`)
  return found
}

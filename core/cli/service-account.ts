/** `labgate service-account list`, `add`, `change`: accounts of programs. @module */
import { Fault } from '@labgate/contract'
import type { ServiceAccount } from '../accounts/service-accounts.ts'
import type { Rooms } from '../assembly.ts'
import { type Command, textOption, wordOf } from './command.ts'
import { actorFor, base, choiceOption, listOptions, namesOf, one, pageAsk, say, tableLines } from './ledger.ts'
import { accountOf, withRooms } from './site.ts'
import { plain } from './table.ts'

/** Lists service accounts. */
export const list: Command = {
  name: 'service-account list',
  summary: 'List the accounts of programs.',
  usage: 'service-account list [--search TEXT] [--limit N] [--json]',
  options: listOptions,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const page = await rooms.get('serviceAccounts').list(pageAsk(args))
      const nameOf = await namesOf(
        rooms,
        page.rows.flatMap(({ parent }) => parent ?? []),
      )
      const lines = tableLines(page, {
        none: 'No service accounts.',
        headings: ['USERNAME', 'STATE', 'NAME', 'PARENT', 'GROUPS', 'ID'],
        cells: (account) => [
          ...[account.username, account.state, account.displayName, account.parent && nameOf(account.parent)],
          ...[account.groups.join(', '), account.id],
        ],
      })
      return say(args, io, { result: page.rows.map(serviceJson), lines })
    }),
}

/** Adds a service account. */
export const add: Command = {
  name: 'service-account add',
  summary: 'Add an account for a program.',
  usage: [
    'service-account add USERNAME [--name TEXT] [--description TEXT] [--parent ACCOUNT] [--json]',
    'It has no access and no token yet: labgate grant add, labgate token add.',
  ].join('\n'),
  options: {
    name: one('TEXT', 'Name for people; default the username.'),
    description: one('TEXT', 'What it does.'),
    parent: one('ACCOUNT', 'Whom it belongs to: it acts only while they may, and their accepted terms are its own.'),
    ...base,
  },
  words: ['USERNAME'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const username = wordOf(args, 0)
      const parent = textOption(args, 'parent')
      const made = await rooms.get('serviceAccounts').create(actorFor(add), {
        ...{ username, displayName: textOption(args, 'name') ?? username },
        description: textOption(args, 'description'),
        parent: parent === undefined ? undefined : (await accountOf(rooms, parent)).id,
      })
      return say(args, io, { result: serviceJson(made), lines: [`Added ${made.username}.`] })
    }),
}

/** Changes a service account. */
export const change: Command = {
  name: 'service-account change',
  summary: 'Change an account of a program, or shut it out.',
  usage: [
    'service-account change USERNAME|ID [--name TEXT] [--description TEXT] [--parent ACCOUNT|none] [--state STATE] [--json]',
    'A running server heeds it with its next request.',
  ].join('\n'),
  options: {
    name: one('TEXT', 'Name for people.'),
    description: one('TEXT', 'What it does.'),
    parent: one('ACCOUNT', 'Whom it belongs to; none: nobody.'),
    state: one('STATE', 'active or deactivated.'),
    ...base,
  },
  words: ['USERNAME|ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await serviceOf(rooms, wordOf(args, 0))
      const [name, description, parent] = ['name', 'description', 'parent'].map((option) => textOption(args, option))
      const state = choiceOption(args, 'state', ['active', 'deactivated'])
      const changed = await rooms.get('serviceAccounts').change(actorFor(change), id, {
        ...(name === undefined ? {} : { displayName: name }),
        ...(description === undefined ? {} : { description }),
        ...(parent === undefined ? {} : { parent: parent === 'none' ? null : (await accountOf(rooms, parent)).id }),
        ...(state === undefined ? {} : { state }),
      })
      return say(args, io, { result: serviceJson(changed), lines: [`${changed.username} is ${changed.state}.`] })
    }),
}

async function serviceOf(rooms: Rooms, name: string): Promise<ServiceAccount> {
  const found = await rooms.get('serviceAccounts').find(name)
  if (found === undefined)
    throw new Fault(
      'ERR_NOT_FOUND',
      `there is no service account ${plain(name)}; \`labgate service-account list\` shows all`,
    )
  return found
}

function serviceJson({ id, username, state, displayName, description, parent, groups, createdAt }: ServiceAccount) {
  return { id, username, state, displayName, description, parent, groups, createdAt }
}

/** `labgate token list`, `add`, `revoke`: API tokens of people and programs. @module */
import { Fault } from '@labgate/contract'
import { parseDuration } from '../config/units.ts'
import { type Args, type Command, textOption, textsOption, wordOf } from './command.ts'
import { actorFor, base, choiceOption, listOptions, many, namesOf, one, pageAsk, say, tableLines } from './ledger.ts'
import { accountOf, withRooms } from './site.ts'

/** Lists tokens. */
export const list: Command = {
  name: 'token list',
  summary: 'List API tokens; their values are kept nowhere.',
  usage: 'token list [--account ACCOUNT] [--state active|expired|revoked] [--search TEXT] [--limit N] [--json]',
  options: {
    account: one('ACCOUNT', 'Only of this account: id, username or verified e-mail address.'),
    state: one('STATE', 'active, expired or revoked.'),
    ...listOptions,
  },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const name = textOption(args, 'account')
      const state = choiceOption(args, 'state', ['active', 'expired', 'revoked'])
      const page = await rooms.get('tokens').list({
        ...pageAsk(args),
        ...(name === undefined ? {} : { account: (await accountOf(rooms, name)).id }),
        ...(state === undefined ? {} : { state }),
      })
      const nameOf = await namesOf(
        rooms,
        page.rows.map(({ account }) => account),
      )
      const lines = tableLines(page, {
        none: 'No tokens.',
        headings: ['ID', 'OF', 'NAME', 'BEGINS', 'SCOPES', 'STATE', 'EXPIRES', 'LAST USED', 'FROM'],
        cells: (token) => [
          ...[token.id, nameOf(token.account), token.name, token.hint, token.scopes.join(' '), token.state],
          ...[token.expiresAt ?? 'never', token.lastUsedAt ?? 'never', token.lastUsedAddress],
        ],
      })
      return say(args, io, { result: page.rows, lines })
    }),
}

/** Makes a token. */
export const add: Command = {
  name: 'token add',
  summary: 'Make an API token; its value is printed this once.',
  usage: [
    'token add ACCOUNT --name TEXT --scope SCOPE [--life 90d|endless] [--json]',
    'ACCOUNT: id, username or verified e-mail address. Only tokens of programs may be endless.',
  ].join('\n'),
  options: {
    name: one('TEXT', 'What it is for, to know it again.'),
    scope: many('SCOPE', 'What it may do: admin, or a scope of a dialect'),
    life: one('LENGTH', 'How long it lives, such as 30d (default `access.tokenLife`); endless for a program.'),
    ...base,
  },
  words: ['ACCOUNT'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const [name, scopes] = [textOption(args, 'name'), textsOption(args, 'scope')]
      if (name === undefined) throw new Fault('ERR_INPUT', '--name is missing: say what the token is for')
      const account = await accountOf(rooms, wordOf(args, 0))
      const seconds = lifeOf(args, rooms.get('config').access.tokenLife)
      const now = rooms.get('clock').now().getTime()
      const { value, token } = await rooms.get('tokens').create(actorFor(add), {
        ...{ account: account.id, name, scopes },
        expiresAt: seconds === undefined ? 'never' : new Date(now + seconds * 1000),
      })
      const lines = [`Token of ${account.username} (shown only now): ${value}`]
      return say(args, io, { result: { ...token, value }, lines })
    }),
}

/** Seconds; `undefined`: endless. */
function lifeOf(args: Args, usual: number): number | undefined {
  const text = textOption(args, 'life')
  if (text === undefined) return usual
  if (text === 'endless') return undefined
  const seconds = parseDuration(text)
  if (seconds === undefined || seconds === 0)
    throw new Fault('ERR_INPUT', '--life must be a length of time such as 12h or 30d, or endless')
  return seconds
}

/** Revokes a token. */
export const revoke: Command = {
  name: 'token revoke',
  summary: 'Revoke an API token, at once and everywhere.',
  usage: 'token revoke ID [--json]\nThe id is that of `labgate token list`, not the value.',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const token = await rooms.get('tokens').revoke(actorFor(revoke), wordOf(args, 0))
      return say(args, io, { result: token, lines: [`The token “${token.name}” is revoked.`] })
    }),
}

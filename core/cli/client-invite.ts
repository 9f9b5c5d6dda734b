/** `labgate client invite`, `invitations`, `uninvite`: tokens that let clients register themselves (RFC 7591). @module */
import { Fault } from '@labgate/contract'
import { type Args, type Command, textOption, textsOption, wordOf } from './command.ts'
import { actorFor, base, many, one, say, tableLines } from './ledger.ts'
import { note, withRooms } from './site.ts'

/** Makes a token that lets somebody register clients. */
export const invite: Command = {
  name: 'client invite',
  summary: 'Let somebody register a client of theirs; the token for it is printed this once.',
  usage: [
    'client invite --redirect-host HOST [--scope SCOPE] [--uses N] [--days N] [more] [--json]',
    'The token opens the registration endpoint (RFC 7591) and nothing else. What comes by it is never first party, asks for',
    'PKCE, has addresses at these hosts only, and is removed when it is not used (`clientRegistration` in the config file).',
  ].join('\n'),
  options: {
    'redirect-host': many('HOST', 'Host of its addresses, such as app.example.org'),
    scope: many('SCOPE', 'Scope it may have; default openid, profile and email'),
    'grant-type': many('TYPE', 'Grant type it may have; default authorization_code and refresh_token'),
    uses: one('N', 'How many clients (default 1, at most 1000).'),
    days: one('N', 'How long the token lasts (default 7, at most 365).'),
    note: one('TEXT', 'What it is for.'),
    ...base,
  },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      if (!rooms.get('config').clientRegistration.enabled)
        throw new Fault(
          'ERR_CONFLICT',
          '`clientRegistration.enabled` is false in the config file: nobody could register',
        )
      const { invitation, token } = await rooms.get('registrations').invite(actorName(invite), {
        redirectHosts: textsOption(args, 'redirect-host'),
        scopes: textsOption(args, 'scope'),
        grantTypes: textsOption(args, 'grant-type'),
        uses: numberOption(args, 'uses'),
        days: numberOption(args, 'days'),
        note: textOption(args, 'note'),
      })
      await note(rooms, { type: 'client.invited', detail: { invitation: invitation.id } })
      const { issuer } = rooms.get('config')
      const lines = [
        `Invited (${invitation.id}), until ${invitation.endsAt.toISOString()}.`,
        `Registration endpoint: ${issuer}/oidc/register`,
        `Initial access token (shown only now): ${token}`,
      ]
      return say(args, io, { result: { ...invitation, token }, lines })
    }),
}

/** Lists them. */
export const invitations: Command = {
  name: 'client invitations',
  summary: 'List the tokens that let clients register; their values are kept nowhere.',
  usage: 'client invitations [--json]',
  options: base,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const rows = await rooms.get('registrations').invitations()
      const lines = tableLines(
        { rows, total: rows.length },
        {
          none: 'No clients were invited.',
          headings: ['ID', 'FOR', 'HOSTS', 'SCOPES', 'USED', 'GOOD UNTIL', 'ENDED'],
          cells: (row) => [
            ...[row.id, row.note, row.redirectHosts.join(' '), row.scopes.join(' '), `${row.used}/${row.uses}`],
            ...[row.endsAt, row.endedAt],
          ],
        },
      )
      return say(args, io, { result: rows, lines })
    }),
}

/** Ends one. */
export const uninvite: Command = {
  name: 'client uninvite',
  summary: 'End a token that lets clients register; clients that came by it stay.',
  usage: 'client uninvite INVITATION [--json]\nINVITATION: its id in `labgate client invitations`, not the token.',
  options: base,
  words: ['INVITATION'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const id = wordOf(args, 0)
      await rooms.get('registrations').end(id)
      await note(rooms, { type: 'client.uninvited', detail: { invitation: id } })
      return say(args, io, { result: { id, ended: true }, lines: ['The token opens nothing now.'] })
    }),
}

function actorName(command: Command): string {
  const actor = actorFor(command)
  return actor.kind === 'system' ? actor.name : actor.account
}

function numberOption(args: Args, name: string): number | undefined {
  const text = textOption(args, name)
  return text === undefined ? undefined : Number(text)
}

/** `labgate terms invitations` and `terms uninvite`: links to terms of use that were made. @module */
import { Fault } from '@labgate/contract'
import { type Command, wordOf } from './command.ts'
import { actorFor, base, namesOf, say, tableLines } from './ledger.ts'
import { withRooms } from './site.ts'
import { plain } from './table.ts'
import { termsOf } from './terms.ts'

/** Lists the invitations of terms. */
export const list: Command = {
  name: 'terms invitations',
  summary: 'List the links that lead to terms of use; the links themselves are kept nowhere.',
  usage: 'terms invitations ID [--json]',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await termsOf(rooms, wordOf(args, 0))
      const rows = await rooms.get('ledger').terms.invitations(id)
      const nameOf = await namesOf(
        rooms,
        rows.map(({ madeBy }) => madeBy),
      )
      const lines = tableLines(
        { rows, total: rows.length },
        {
          none: 'No links were made.',
          headings: ['ID', 'LEVEL', 'BY', 'SINCE', 'GOOD UNTIL', 'SEATS', 'USED', 'ENDED'],
          cells: ({ madeBy, ...one }) => [
            ...[
              one.id,
              one.level,
              nameOf(madeBy),
              one.createdAt,
              one.endsAt,
              one.seats ?? 'any',
              one.used,
              one.endedAt,
            ],
          ],
        },
      )
      return say(args, io, { result: rows, lines })
    }),
}

/** Ends an invitation. */
export const end: Command = {
  name: 'terms uninvite',
  summary: 'End a link to terms of use; what it gave stays.',
  usage: 'terms uninvite ID INVITATION [--json]\nINVITATION: its id in `labgate terms invitations ID`, not the link.',
  options: base,
  words: ['ID', 'INVITATION'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { terms } = rooms.get('ledger')
      const [{ id }, invitation] = [await termsOf(rooms, wordOf(args, 0)), wordOf(args, 1)]
      if (!(await terms.invitations(id)).some((one) => one.id === invitation))
        throw new Fault('ERR_NOT_FOUND', `${id} has no invitation ${plain(invitation)}`)
      await terms.endInvitation(actorFor(end), invitation)
      return say(args, io, {
        result: { id: invitation, terms: id, ended: true },
        lines: ['The link leads nowhere now.'],
      })
    }),
}

/** `labgate account invite`, `invitations`, `waiting`, `approve`, `turn-down`: who may come in. @module */
import type { AccountRole } from '@labgate/contract'
import type { WaitingPerson } from '../accounts/approval.ts'
import { accountJson, roles } from './account.ts'
import { type Args, type Command, type Io, textOption, textsOption, wordOf, wrongUse } from './command.ts'
import { actorFor, base, choiceOption, listOptions, many, namesOf, one, pageAsk, say, tableLines } from './ledger.ts'
import { accountOf, withRooms } from './site.ts'
import { plain } from './table.ts'

const groupOption = many('SLUG', 'A group to be in from the start')
const noteOption = one('TEXT', 'A word to the person.')
const daysOption = one('N', 'How many days it lasts (default 14, at most 365).')

function daysOf(args: Args): number | undefined {
  const text = textOption(args, 'days')
  return text === undefined ? undefined : Number(text)
}

/** Invites somebody. */
export const invite: Command = {
  name: 'account invite',
  summary: 'Invite somebody by mail.',
  usage: [
    'account invite EMAIL [--role ROLE] [--group SLUG]... [--note TEXT] [--days N] [--json]',
    'Whoever accepts comes in although registration is closed or newcomers wait; the rule of the way to sign in still holds.',
    'A role above `user` counts only for a sign-in that proves the address. Where no mail leaves, the link is printed.',
  ].join('\n'),
  options: {
    role: one('ROLE', `One of ${roles.join(', ')} (default user).`),
    group: groupOption,
    note: noteOption,
    days: daysOption,
    ...base,
  },
  words: ['EMAIL'],
  run: runInvite,
}

async function runInvite(args: Args, io: Io): Promise<number> {
  const role = textOption(args, 'role') ?? 'user'
  if (!roles.includes(role)) return wrongUse(io, `--role must be one of ${roles.join(', ')}`)
  return withRooms(args, io, async (rooms) => {
    const wanted = { groups: textsOption(args, 'group'), note: textOption(args, 'note'), days: daysOf(args) }
    const { invitation, link, mailed } = await rooms
      .get('invitations')
      // Checked above.
      .invite(actorFor(invite), { email: wordOf(args, 0), role: role as AccountRole, ...wanted })
    return say(args, io, {
      result: sent({ invitation, link, mailed }),
      lines: sentLines(invitation.email, { link, mailed }),
    })
  })
}

/** The link is the invited person's: it is shown only where no mail brings it. */
function sent({ invitation, link, mailed }: { invitation: object; link: string; mailed: boolean }) {
  return { invitation, mailed, ...(mailed ? {} : { link }) }
}

function sentLines(email: string, { link, mailed }: { link: string; mailed: boolean }): string[] {
  if (mailed) return [`Invited ${plain(email)}.`]
  return [`Invited ${plain(email)}, but no mail left. Give them this link yourself:`, link]
}

const states = ['open', 'accepted', 'over', 'ended'] as const

/** Lists, resends and withdraws invitations. */
export const invitations: Command = {
  name: 'account invitations',
  summary: 'List invitations by mail; send one again, or withdraw it.',
  usage: [
    'account invitations [--state STATE] [--search TEXT] [--limit N] [--json]',
    'account invitations --resend ID [--days N] [--json]',
    'account invitations --end ID [--json]',
    'Sending again makes a new link; the old one leads nowhere then.',
  ].join('\n'),
  options: {
    state: one('STATE', `One of ${states.join(', ')}.`),
    resend: one('ID', 'Send this one again.'),
    end: one('ID', 'Withdraw this one.'),
    days: daysOption,
    ...listOptions,
  },
  run: runInvitations,
}

async function runInvitations(args: Args, io: Io): Promise<number> {
  const [again, end] = [textOption(args, 'resend'), textOption(args, 'end')]
  if (again !== undefined && end !== undefined) return wrongUse(io, 'give either --resend or --end')
  return withRooms(args, io, async (rooms) => {
    const room = rooms.get('invitations')
    if (again !== undefined) {
      const { invitation, link, mailed } = await room.resend(actorFor(invitations), again, { days: daysOf(args) })
      const lines = sentLines(invitation.email, { link, mailed })
      return say(args, io, { result: sent({ invitation, link, mailed }), lines })
    }
    if (end !== undefined) {
      const ended = await room.end(actorFor(invitations), end)
      return say(args, io, { result: ended, lines: [`The invitation of ${plain(ended.email)} leads nowhere now.`] })
    }
    const found = await room.list(actorFor(invitations), {
      ...pageAsk(args),
      state: choiceOption(args, 'state', states),
    })
    const nameOf = await namesOf(
      rooms,
      found.rows.flatMap(({ madeBy, acceptedBy }) => (acceptedBy ? [madeBy, acceptedBy] : [madeBy])),
    )
    const lines = tableLines(found, {
      none: 'No invitations.',
      headings: ['ID', 'E-MAIL', 'STATE', 'ROLE', 'GROUPS', 'UNTIL', 'BY', 'ACCEPTED BY'],
      cells: ({ id, email, state, role, groups, endsAt, madeBy, acceptedBy }) => [
        ...[id, email, state, role, groups.join(', '), endsAt, nameOf(madeBy)],
        acceptedBy === undefined ? '' : nameOf(acceptedBy),
      ],
    })
    return say(args, io, { result: found.rows, lines })
  })
}

/** Lists who waits. */
export const waiting: Command = {
  name: 'account waiting',
  summary: 'List who waits for approval, the oldest first.',
  usage: 'account waiting [--search TEXT] [--limit N] [--json]',
  options: listOptions,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const found = await rooms.get('approval').waiting(pageAsk(args))
      const lines = tableLines(found, {
        none: 'Nobody waits.',
        headings: ['USERNAME', 'NAME', 'E-MAIL', 'SINCE', 'BY', 'ID'],
        cells: ({ account, since, signIns }) => [
          ...[account.username, account.displayName, account.email, since],
          ...[signIns.map(({ instance, subject }) => `${instance}: ${subject}`).join(', '), account.id],
        ],
      })
      return say(args, io, { result: found.rows.map(waitingJson), lines })
    }),
}

function waitingJson({ account, since, signIns }: WaitingPerson) {
  return { account: accountJson(account), since, signIns }
}

/** Lets somebody in who waits. */
export const approve: Command = {
  name: 'account approve',
  summary: 'Let in somebody who waits; they are told by mail.',
  usage: 'account approve ID|USERNAME [--group SLUG]... [--note TEXT] [--json]',
  options: { group: groupOption, note: noteOption, ...base },
  words: ['ID|USERNAME'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await accountOf(rooms, wordOf(args, 0))
      const decision = { groups: textsOption(args, 'group'), note: textOption(args, 'note') }
      const account = await rooms.get('approval').approve(actorFor(approve), id, decision)
      return say(args, io, { result: accountJson(account), lines: [`${plain(account.username)} is active.`] })
    }),
}

/** Turns somebody down who waits. */
export const turnDown: Command = {
  name: 'account turn-down',
  summary: 'Turn down somebody who waits; they are told by mail.',
  usage: 'account turn-down ID|USERNAME [--note TEXT] [--json]\nTheir account is deactivated.',
  options: { note: noteOption, ...base },
  words: ['ID|USERNAME'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await accountOf(rooms, wordOf(args, 0))
      const account = await rooms.get('approval').turnDown(actorFor(turnDown), id, { note: textOption(args, 'note') })
      return say(args, io, { result: accountJson(account), lines: [`${plain(account.username)} is turned down.`] })
    }),
}

/** `labgate account activate`, `deactivate`, `role`, `sessions`, `sign-out`: what is done to accounts. @module */
import type { AccountRole } from '@labgate/contract'
import { tokenModels } from '../oidc/models.ts'
import type { SessionRow } from '../storage/sessions.ts'
import { accountJson, roles } from './account.ts'
import {
  type Args,
  type Command,
  configOption,
  type Io,
  jsonOption,
  print,
  printJson,
  textOption,
  wordOf,
  wrongUse,
} from './command.ts'
import { accountOf, note, withLabgate, withRooms } from './site.ts'
import { plain, tableText } from './table.ts'

const options = { config: configOption, json: jsonOption } as const
const words = ['ID|USERNAME'] as const

/** Lets a waiting or deactivated account in. */
export const activate: Command = {
  name: 'account activate',
  summary: 'Let a waiting or deactivated account in.',
  usage: 'account activate ID|USERNAME [--json]',
  options,
  words,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await accountOf(rooms, wordOf(args, 0))
      const account = await rooms.get('accounts').setState(id, 'active')
      await note(rooms, { type: 'account.activated', account: id })
      return say(args, io, { result: accountJson(account), line: `${account.username} is active.` })
    }),
}

/** Shuts an account out, at once and everywhere. */
export const deactivate: Command = {
  name: 'account deactivate',
  summary: 'Shut an account out: its sessions and tokens end at once.',
  usage: [
    'account deactivate ID|USERNAME [--json]',
    'A running server heeds it with its next request. Relying parties with a back-channel logout address are told.',
    'What was issued for offline verification (JWT access tokens) runs out within 10 minutes.',
  ].join('\n'),
  options,
  words,
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms }) => {
      const { id } = await accountOf(rooms, wordOf(args, 0))
      const account = await rooms.get('accounts').setState(id, 'deactivated')
      await note(rooms, { type: 'account.deactivated', account: id })
      const line = `${account.username} is deactivated; sessions and tokens have ended.`
      return say(args, io, { result: accountJson(account), line })
    }),
}

/** Gives an account a role. */
export const role: Command = {
  name: 'account role',
  summary: 'Make an account a user, manager or admin.',
  usage: 'account role ID|USERNAME user|manager|admin [--json]',
  options,
  words: ['ID|USERNAME', 'user|manager|admin'],
  run: runRole,
}

async function runRole(args: Args, io: Io): Promise<number> {
  const wanted = wordOf(args, 1)
  if (!roles.includes(wanted)) return wrongUse(io, `there is no role \`${wanted}\`; it is one of ${roles.join(', ')}`)
  return withRooms(args, io, async (rooms) => {
    const before = await accountOf(rooms, wordOf(args, 0))
    // One of the roles, see above.
    const account = await rooms.get('accounts').setRole(before.id, wanted as AccountRole)
    const detail = { from: before.role, to: account.role }
    await note(rooms, { type: 'account.role-changed', account: account.id, detail })
    return say(args, io, { result: accountJson(account), line: `${account.username} is ${wanted}.` })
  })
}

/** Lists where an account is signed in, or ends one session. */
export const sessions: Command = {
  name: 'account sessions',
  summary: 'List the browsers an account is signed in at, or end one of these sessions.',
  usage: 'account sessions ID|USERNAME [--end HANDLE] [--json]',
  options: {
    end: { type: 'string', value: 'HANDLE', description: 'End this session.' },
    ...options,
  },
  words,
  run: (args, io) => (textOption(args, 'end') === undefined ? listSessions(args, io) : endSession(args, io)),
}

function listSessions(args: Args, io: Io): Promise<number> {
  return withRooms(args, io, async (rooms) => {
    const { id, username } = await accountOf(rooms, wordOf(args, 0))
    const rows = await rooms.get('sessions').list(id)
    const line = rows.length === 0 ? `${username} is signed in nowhere.` : sessionTable(rows)
    return say(args, io, { result: rows.map(sessionJson), line })
  })
}

/** With the whole Labgate: services hear of it. */
function endSession(args: Args, io: Io): Promise<number> {
  return withLabgate(args, io, async ({ rooms }) => {
    const { id, username } = await accountOf(rooms, wordOf(args, 0))
    const handle = textOption(args, 'end') ?? ''
    await rooms.get('keeping').endSession({ kind: 'system', name: 'command' }, id, handle)
    return say(args, io, { result: { account: id, username, handle }, line: `A session of ${username} has ended.` })
  })
}

function sessionTable(rows: readonly SessionRow[]): string {
  return tableText(
    ['HANDLE', 'SIGNED IN', 'LAST SEEN', 'ENDS', 'BY', 'ADDRESS', 'BROWSER'],
    rows.map((row) => [
      row.handle,
      row.createdAt,
      row.lastSeenAt,
      row.endsAt,
      row.instance,
      row.address,
      row.userAgent,
    ]),
  )
}

function sessionJson({ handle, host, createdAt, lastSeenAt, endsAt, ...rest }: SessionRow) {
  const { authTime, instance, identity, amr, remember, address, userAgent } = rest
  return {
    handle,
    host,
    createdAt,
    lastSeenAt,
    endsAt,
    authTime,
    instance,
    identity,
    amr,
    remember,
    address,
    userAgent,
  }
}

/** What the Provider issues to or keeps for a signed-in person; consents stay. */
const issued = ['Session', ...tokenModels]

/** Ends all sessions and tokens of an account, which may sign in again. */
export const signOut: Command = {
  name: 'account sign-out',
  summary: 'End all sessions and tokens of an account; it may sign in again.',
  usage: [
    'account sign-out ID|USERNAME [--json]',
    'Relying parties with a back-channel logout address are told. Consents stay.',
  ].join('\n'),
  options,
  words,
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms }) => {
      const { id, username } = await accountOf(rooms, wordOf(args, 0))
      const ended = await rooms.get('sessions').list(id)
      await rooms.get('sessions').endAll(id)
      await rooms.get('storage').artifacts.deleteByAccount(id, issued)
      await note(rooms, { type: 'sign-out.everywhere', account: id })
      const result = { account: id, username, sessions: ended.length }
      return say(args, io, { result, line: `${username} is signed out; sessions ended: ${ended.length}.` })
    }),
}

function say(args: Args, io: Io, { result, line }: { result: unknown; line: string }): number {
  if (args.values.json === true) printJson(io, result)
  else print(io, line.includes('\n') ? line : plain(line))
  return 0
}

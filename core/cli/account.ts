/** `labgate account list` and `account show`: who is known here. @module */
import type { AccountRole, AccountState } from '@labgate/contract'
import type { AccountRow } from '../accounts/accounts.ts'
import type { Rooms } from '../assembly.ts'
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
import { accountOf, withRooms } from './site.ts'
import { pairsText, plain, tableText } from './table.ts'

const states: readonly string[] = ['pending', 'active', 'deactivated'] satisfies AccountState[]

/** The roles an account can have. */
export const roles: readonly string[] = ['user', 'manager', 'admin'] satisfies AccountRole[]

/** Lists accounts, newest first. */
export const list: Command = {
  name: 'account list',
  summary: 'List accounts, newest first.',
  usage: 'account list [--search TEXT] [--state STATE] [--role ROLE] [--limit N] [--json]',
  options: {
    search: { type: 'string', value: 'TEXT', description: 'Part of a username, name or e-mail address.' },
    state: { type: 'string', value: 'STATE', description: `One of ${states.join(', ')}.` },
    role: { type: 'string', value: 'ROLE', description: `One of ${roles.join(', ')}.` },
    limit: { type: 'string', value: 'N', description: 'At most so many (default 100).' },
    config: configOption,
    json: jsonOption,
  },
  run: runList,
}

async function runList(args: Args, io: Io): Promise<number> {
  const [state, role] = [textOption(args, 'state'), textOption(args, 'role')]
  const limit = Number(textOption(args, 'limit') ?? 100)
  if (state !== undefined && !states.includes(state)) return wrongUse(io, `--state must be one of ${states.join(', ')}`)
  if (role !== undefined && !roles.includes(role)) return wrongUse(io, `--role must be one of ${roles.join(', ')}`)
  if (!Number.isSafeInteger(limit) || limit < 1) return wrongUse(io, '--limit must be a positive integer')
  // Checked one line above each.
  const query = { state: state as AccountState | undefined, role: role as AccountRole | undefined }
  const search = textOption(args, 'search')
  const rows = await withRooms(args, io, (rooms) => rooms.get('accounts').list({ ...query, search, limit, offset: 0 }))
  if (args.values.json === true) printJson(io, rows.map(accountJson))
  else print(io, rows.length === 0 ? 'No accounts.' : accountTable(rows))
  return 0
}

function accountTable(rows: readonly AccountRow[]): string {
  return tableText(
    ['USERNAME', 'KIND', 'STATE', 'ROLE', 'NAME', 'E-MAIL', 'LAST SIGN-IN', 'ID'],
    rows.map((row) => [
      row.username,
      row.kind,
      row.state,
      row.role,
      row.displayName,
      row.email,
      row.lastSignInAt ?? 'never',
      row.id,
    ]),
  )
}

/** An account as scripts read it. */
export function accountJson({ id, username, kind, parent, state, role, displayName, groups, ...rest }: AccountRow) {
  const { email, emailVerified, createdAt, updatedAt, lastSignInAt } = rest
  return {
    id,
    username,
    kind,
    parent,
    state,
    role,
    displayName,
    email,
    emailVerified,
    groups,
    createdAt,
    updatedAt,
    lastSignInAt,
  }
}

/** Shows one account with its ways to sign in, what they say, and what the person says of themselves. */
export const show: Command = {
  name: 'account show',
  summary: 'Show an account, its ways to sign in and what they say.',
  usage: 'account show ID|USERNAME [--json]',
  options: { config: configOption, json: jsonOption },
  words: ['ID|USERNAME'],
  run: runShow,
}

async function runShow(args: Args, io: Io): Promise<number> {
  const found = await withRooms(args, io, (rooms) => readAccount(rooms, wordOf(args, 0)))
  if (args.values.json === true) printJson(io, found)
  else for (const part of accountText(found)) print(io, part)
  return 0
}

async function readAccount(rooms: Rooms, name: string) {
  const account = await accountOf(rooms, name)
  const identities = await rooms.get('identities').list(account.id)
  const sessions = await rooms.get('sessions').list(account.id)
  const answers = await rooms.get('profile').answers(account.id)
  return {
    ...accountJson(account),
    sessions: sessions.length,
    answers: answers.map(({ question, value, at, isDue }) => ({ question: question.id, value, at, isDue })),
    // Without what is kept sealed for upstream logout.
    identities: identities.map(({ id, instance, realm, issuer, subject, facts, createdAt, lastSeenAt }) => ({
      ...{ id, instance, realm, issuer, subject, createdAt, lastSeenAt },
      facts: facts.map(({ claim, value, trust }) => ({ claim, value, trust })),
    })),
  }
}

function accountText(found: Awaited<ReturnType<typeof readAccount>>): string[] {
  const { identities, answers, groups, email, emailVerified, ...account } = found
  const address = email === undefined ? undefined : `${email} (${emailVerified ? 'verified' : 'not verified'})`
  return [
    pairsText([
      ...Object.entries(account).map(([name, value]) => [name, value] as const),
      ['email', address],
      ['groups', groups.join(', ')],
    ]),
    ...(answers.length === 0 ? [] : ['', 'Says of themselves:']),
    ...answers.map(({ question, value, isDue }) => {
      const answer = value === undefined ? '(no answer)' : plain(value)
      return `  ${plain(question)} = ${answer}${isDue ? ' (is asked at the next sign-in)' : ''}`
    }),
    ...identities.flatMap(({ instance, issuer, subject, lastSeenAt, facts }) => [
      '',
      `Signs in by ${plain(instance)}: ${plain(subject)} at ${plain(issuer)}, last on ${plain(lastSeenAt)}`,
      ...facts.map(({ claim, value, trust }) => `  ${plain(claim)} = ${plain(value)} (${trust})`),
    ]),
  ]
}

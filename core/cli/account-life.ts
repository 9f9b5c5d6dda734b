/** `labgate account merge`, `export`, `erase`, `history`: what is done with whole accounts. @module */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { MergePreview } from '../accounts/merge.ts'
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
import { accountOf, withLabgate, withRooms } from './site.ts'
import { plain, tableText } from './table.ts'

const words = ['ID|USERNAME'] as const
const actor = { kind: 'system', name: 'command' } as const

/** Makes two accounts of one person one. */
export const merge: Command = {
  name: 'account merge',
  summary: 'Move what one account has to another of the same person, and shut it for good.',
  usage: [
    'account merge FROM INTO [--dry-run] [--json]',
    'Ways to sign in, groups, grants, accepted terms, requests and service accounts move; the role does not.',
    'Tokens and sessions of FROM end. Run again after a crash, it finishes. There is no way back.',
  ].join('\n'),
  options: {
    'dry-run': { type: 'boolean', description: 'Only say what would be done.' },
    config: configOption,
    json: jsonOption,
  },
  words: ['FROM', 'INTO'],
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms }) => {
      const [from, into] = [await accountOf(rooms, wordOf(args, 0)), await accountOf(rooms, wordOf(args, 1))]
      const isDry = args.values['dry-run'] === true
      const life = rooms.get('life')
      const done = isDry ? await life.mergePreview(from.id, into.id) : await life.merge(actor, from.id, into.id)
      if (args.values.json === true) printJson(io, done)
      else print(io, mergeText(done, isDry ? 'would move' : 'moved'))
      return done.refused === undefined ? 0 : 1
    }),
}

function mergeText({ from, into, moves, stays, ends, refused }: MergePreview, verb: string): string {
  if (refused !== undefined) return plain(refused)
  const listed: readonly (readonly [string, readonly string[]])[] = [
    ['ways to sign in', moves.identities.map(({ instance, subject }) => `${instance}: ${subject}`)],
    ['groups', moves.groups.map(({ group }) => group)],
    ['managed groups', moves.managed],
    [
      'grants',
      moves.grants.map(({ dataset, version, verb: what }) => `${what} ${dataset}${version ? ` ${version}` : ''}`),
    ],
    ['accepted terms', moves.acceptances.map(({ terms, number }) => `${terms} ${number}`)],
    ['requests', moves.requests.map(String)],
    ['service accounts', moves.serviceAccounts],
    ['answers', moves.answers],
    ['managers', moves.managers],
    ['people they manage', moves.people],
  ]
  return [
    plain(`${from.username} (${from.id}) into ${into.username} (${into.id}) ${verb}:`),
    ...listed.map(([what, list]) => plain(`  ${what}: ${list.length === 0 ? 'none' : list.join(', ')}`)),
    plain(`  ends: ${ends.tokens} tokens, ${ends.sessions} sessions, ${ends.consents.length} consents`),
    ...(stays.role === undefined ? [] : [plain(`  stays: the role ${stays.role}`)]),
    ...(stays.configGrants.length === 0
      ? []
      : [plain(`  the config file still names ${from.username}: grants ${stays.configGrants.join(', ')}`)]),
  ].join('\n')
}

/** Writes everything kept about somebody. */
export const exportAll: Command = {
  name: 'account export',
  summary: 'Print everything kept about a person, as JSON.',
  usage: [
    'account export ID|USERNAME [--output FILE]',
    'Of the core and of every plugin, without secrets. The audit trail keeps that it was done.',
  ].join('\n'),
  options: {
    output: { type: 'string', value: 'FILE', description: 'Write to a new file that only you can read.' },
    config: configOption,
  },
  words,
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms }) => {
      const { id } = await accountOf(rooms, wordOf(args, 0))
      const all = await rooms.get('life').exportOf(actor, id)
      const output = textOption(args, 'output')
      if (output === undefined) printJson(io, all)
      else await writeFile(resolve(io.cwd, output), `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
      for (const instance of all.missing)
        io.stderr.write(`labgate: plugins.${instance} could not say what it holds; mend it and export again\n`)
      return all.missing.length === 0 ? 0 : 1
    }),
}

/** Erases a person. */
export const erase: Command = {
  name: 'account erase',
  summary: 'Erase a person for good, from the database and every plugin.',
  usage: [
    'account erase ID|USERNAME --confirm USERNAME [--json]',
    'Only an id stays. Run again after a crash, it finishes. The database file is rewritten at the end, which takes as',
    'long as copying it. Back-ups, logs and mail that was sent are yours to see to.',
  ].join('\n'),
  options: {
    confirm: { type: 'string', value: 'USERNAME', description: 'The username, to say that this account is meant.' },
    config: configOption,
    json: jsonOption,
  },
  words,
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms }) => {
      const { id, username } = await accountOf(rooms, wordOf(args, 0))
      if (textOption(args, 'confirm') !== username)
        return wrongUse(io, `this erases ${plain(username)} for good; say so with --confirm ${plain(username)}`)
      const done = await rooms.get('life').erase(actor, id)
      if (args.values.json === true) printJson(io, done)
      else print(io, plain(`${id} is erased.`))
      if (done.inConfig.length > 0)
        io.stderr.write(`labgate: the config file still names them: grants ${done.inConfig.join(', ')}; change it\n`)
      return 0
    }),
}

/** Tells what happened to an account. */
export const history: Command = {
  name: 'account history',
  summary: 'List what happened to an account, newest first.',
  usage: 'account history ID|USERNAME [--limit N] [--before ID] [--json]',
  options: {
    limit: { type: 'string', value: 'N', description: 'At most so many (default 50).' },
    before: { type: 'string', value: 'ID', description: 'Only what is older than this line.' },
    config: configOption,
    json: jsonOption,
  },
  words,
  run: runHistory,
}

async function runHistory(args: Args, io: Io): Promise<number> {
  const [limit, before] = [Number(textOption(args, 'limit') ?? 50), textOption(args, 'before')]
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1000) return wrongUse(io, '--limit is a number up to 1000')
  if (before !== undefined && !/^[1-9]\d{0,14}$/.test(before)) return wrongUse(io, '--before is the id of a line')
  return withRooms(args, io, async (rooms) => {
    const { id } = await accountOf(rooms, wordOf(args, 0))
    const ask = { seenBy: 'admin', limit, before: before === undefined ? undefined : Number(before) } as const
    const { rows, next } = await rooms.get('life').history(id, ask)
    if (args.values.json === true) printJson(io, { rows, next })
    else if (rows.length === 0) print(io, 'Nothing.')
    else {
      const table = rows.map((row) => [row.id, row.at, row.type, row.actor, row.client, row.address, row.detail])
      print(io, tableText(['ID', 'WHEN', 'WHAT', 'BY', 'SERVICE', 'ADDRESS', 'MORE'], table))
      if (next !== undefined) print(io, `Go on with --before ${next}`)
    }
    return 0
  })
}

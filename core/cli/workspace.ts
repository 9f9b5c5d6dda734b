/** `labgate workspace list`, `show`, `events`, `logs`, `usage`: what runs for whom, and what was used. @module */
import { Fault } from '@labgate/contract'
import type { Rooms } from '../assembly.ts'
import type { Workspace, WorkspaceState } from '../workspaces/model.ts'
import { type Command, print, printJson, textOption, wordOf } from './command.ts'
import {
  base,
  choiceOption,
  instantOption,
  listOptions,
  namesOf,
  one,
  pageAsk,
  say,
  tableLines,
  yes,
} from './ledger.ts'
import { accountOf, withLabgate, withRooms } from './site.ts'
import { pairsText, plain, tableText } from './table.ts'

const states = [
  ...['requested', 'reserved', 'starting', 'ready', 'idle', 'stopping'],
  ...['lost', 'stopped', 'failed', 'expired', 'orphaned'],
] as const satisfies readonly WorkspaceState[]
const running = states.slice(0, 7)

/** Lists workspaces. */
export const list: Command = {
  name: 'workspace list',
  summary: 'List workspaces, newest first.',
  usage:
    'workspace list [--state STATE] [--account ACCOUNT] [--runner ID] [--profile NAME] [--search TEXT] [--limit N] [--json]',
  options: {
    state: one('STATE', `running, or one of ${states.join(', ')}; default all.`),
    account: one('ACCOUNT', 'Only of this account.'),
    runner: one('ID', 'Only on this runner.'),
    profile: one('NAME', 'Only of this app profile.'),
    ...listOptions,
  },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const state = choiceOption(args, 'state', ['running', ...states])
      const account = textOption(args, 'account')
      const page = await rooms.get('workspaces').list({
        ...pageAsk(args),
        account: account === undefined ? undefined : (await accountOf(rooms, account)).id,
        runner: textOption(args, 'runner'),
        profile: textOption(args, 'profile'),
        states: state === undefined ? undefined : state === 'running' ? running : [state],
      })
      const nameOf = await namesOf(
        rooms,
        page.rows.map((workspace) => workspace.account),
      )
      const lines = tableLines(page, {
        none: 'No workspaces.',
        headings: ['ID', 'OWNER', 'APP', 'SIZE', 'RUNNER', 'STATE', 'SINCE', 'UNTIL', 'TITLE'],
        cells: (workspace) => [
          ...[workspace.id, nameOf(workspace.account), workspace.profile, workspace.size, workspace.runner],
          ...[workspace.state, workspace.createdAt, workspace.endedAt ?? workspace.leaseEndsAt, workspace.title],
        ],
      })
      return say(args, io, { result: page.rows, lines })
    }),
}

/** Shows one. */
export const show: Command = {
  name: 'workspace show',
  summary: 'Show a workspace.',
  usage: 'workspace show ID [--json]',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const workspace = await workspaceOf(rooms, wordOf(args, 0))
      const nameOf = await namesOf(rooms, [workspace.account, ...workspace.guests])
      return say(args, io, { result: workspace, lines: [pairsText(pairsOf(workspace, nameOf))] })
    }),
}

function pairsOf(workspace: Workspace, nameOf: (id: string) => string): [string, unknown][] {
  const { trouble, guests } = workspace
  return [
    ['id', workspace.id],
    ['title', workspace.title],
    ['owner', nameOf(workspace.account)],
    ['app', workspace.profile],
    ['size', workspace.size],
    ['image', workspace.image],
    ['runner', workspace.runner],
    ['state', workspace.state],
    ['wanted', workspace.wanted],
    ['why', workspace.stopReason],
    ['trouble', trouble && `${trouble.code}: ${trouble.message} ${trouble.hint}`],
    ['asked for', workspace.createdAt],
    ['ready', workspace.readyAt],
    ['last used', workspace.lastActivityAt],
    ['ends', workspace.endedAt === undefined ? workspace.leaseEndsAt : undefined],
    ['ended', workspace.endedAt],
    ['past the proxy', workspace.direct && (workspace.direct.address ?? 'no port is free')],
    ['may enter', guests.map(nameOf).join(', ')],
  ]
}

/** What happened to one. */
export const events: Command = {
  name: 'workspace events',
  summary: 'Show what happened to a workspace.',
  usage: 'workspace events ID [--after NUMBER] [--json]',
  options: { after: one('NUMBER', 'Only those after this one.'), ...base },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await workspaceOf(rooms, wordOf(args, 0))
      const after = Number(textOption(args, 'after') ?? 0)
      if (!Number.isSafeInteger(after) || after < 0) throw new Fault('ERR_INPUT', '--after must be a whole number')
      const found = await rooms.get('workspaces').events(id, after)
      const rows = found.map(({ number, at, kind, text }) => [String(number), at, kind, text])
      const lines = rows.length === 0 ? ['No events.'] : [tableText(['NUMBER', 'AT', 'WHAT', 'TEXT'], rows)]
      return say(args, io, { result: found, lines })
    }),
}

/** What its app wrote. */
export const logs: Command = {
  name: 'workspace logs',
  summary: 'Show what the app of a workspace wrote.',
  usage: [
    'workspace logs ID [--tail N] [--follow] [--json]',
    'Asks the runner of this config; an interrupt (Ctrl-C) ends --follow.',
  ].join('\n'),
  options: {
    tail: one('N', 'The last so many lines (default 100, at most 100000).'),
    follow: yes('Go on with what it writes.'),
    ...base,
  },
  words: ['ID'],
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms, registry }) => {
      const tail = Number(textOption(args, 'tail') ?? 100)
      if (!Number.isSafeInteger(tail) || tail < 1 || tail > 100_000)
        throw new Fault('ERR_INPUT', '--tail must be a number from 1 to 100000')
      const { id, runner } = await workspaceOf(rooms, wordOf(args, 0))
      const { signal } = new AbortController()
      const place = registry.runners().find((instance) => instance.id === runner)?.runner
      await place?.start?.(signal)
      const kept: string[] = []
      const options = { tail, follow: args.values.follow === true, signal }
      try {
        for await (const line of rooms.get('workspaces').logs(id, options)) {
          if (args.values.json === true) kept.push(line)
          else print(io, plain(line))
        }
      } finally {
        await place?.stop?.()
      }
      if (args.values.json === true) printJson(io, kept)
      return 0
    }),
}

/** What was reserved. */
export const usage: Command = {
  name: 'workspace usage',
  summary: 'Show what was reserved, by person or group.',
  usage: 'workspace usage [--from DATE] [--until DATE] [--by account|group] [--json]',
  options: {
    from: one('DATE', 'From this day or instant (default 30 days ago).'),
    until: one('DATE', 'Until the end of this day, or this instant (default now).'),
    by: one('WHAT', 'account (default) or group; who is in two groups counts in both.'),
    ...base,
  },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const until = instantOption(args, 'until') ?? rooms.get('clock').now()
      const from = instantOption(args, 'from') ?? new Date(until.getTime() - 30 * 86_400_000)
      const by = choiceOption(args, 'by', ['account', 'group']) ?? 'account'
      const found = await rooms.get('workspaces').usage({ from, until, by })
      const nameOf = await namesOf(rooms, by === 'account' ? found.map(({ scope }) => scope.slice(8)) : [])
      const rows = found.map(({ scope, workspaces, ...sums }) => {
        const name = scope.slice(scope.indexOf(':') + 1)
        const numbers = [sums.hours, sums.memoryGibHours, sums.cpuHours].map((sum) => sum.toFixed(1))
        return [by === 'account' ? nameOf(name) : name, String(workspaces), ...numbers]
      })
      const headings = [by === 'account' ? 'ACCOUNT' : 'GROUP', 'WORKSPACES', 'HOURS', 'GIB HOURS', 'CPU HOURS']
      return say(args, io, { result: found, lines: rows.length === 0 ? ['Nothing.'] : [tableText(headings, rows)] })
    }),
}

/** The workspace with an id. @throws Fault ERR_NOT_FOUND */
export async function workspaceOf(rooms: Rooms, id: string): Promise<Workspace> {
  const found = await rooms.get('workspaces').find(id)
  if (found === undefined)
    throw new Fault('ERR_NOT_FOUND', `there is no workspace ${plain(id)}; \`labgate workspace list\` shows all`)
  return found
}

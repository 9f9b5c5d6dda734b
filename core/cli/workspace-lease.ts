/** `labgate workspace lease list`, `set`, `unset`: how long workspaces run where their profile does not say. @module */
import { Fault } from '@labgate/contract'
import { durationText, parseDuration } from '../config/units.ts'
import type { LeaseLine } from '../workspaces/model.ts'
import { type Args, type Command, textOption } from './command.ts'
import { actorFor, base, one, say } from './ledger.ts'
import { withRooms } from './site.ts'
import { plain, tableText } from './table.ts'

/** Shows leases. */
export const leaseList: Command = {
  name: 'workspace lease list',
  summary: 'Show how long workspaces run, and which profiles say so themselves.',
  usage: [
    'workspace lease list [--json]',
    'First: at the start. Extension: what one adds. Longest: in all, however often it is extended.',
  ].join('\n'),
  options: base,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const leases = await rooms.get('workspaces').leases()
      const own = Object.entries(rooms.get('config').workspaces.profiles).flatMap(([profile, { lease }]) =>
        lease === undefined ? [] : [{ profile, firstSeconds: lease }],
      )
      const rows = [cellsOf(leases), ...own.map((line) => ownCells(line, leases))]
      const lines = [tableText(['FOR', 'FIRST', 'EXTENSION', 'LONGEST', 'SET IN'], rows)]
      return say(args, io, { result: { ...leases, profiles: own }, lines })
    }),
}

function cellsOf({ firstSeconds, extensionSeconds, maxSeconds, source }: LeaseLine): string[] {
  const lengths = [firstSeconds, extensionSeconds, maxSeconds].map(durationText)
  return ['every profile', ...lengths, source === 'console' ? 'database' : source]
}

/** A first lease beyond the longest of all is the longest of that profile. */
function ownCells(
  { profile, firstSeconds }: { readonly profile: string; readonly firstSeconds: number },
  { extensionSeconds, maxSeconds }: LeaseLine,
): string[] {
  const lengths = [firstSeconds, extensionSeconds, Math.max(firstSeconds, maxSeconds)].map(durationText)
  return [plain(profile), ...lengths, 'config']
}

/** Sets them. */
export const leaseSet: Command = {
  name: 'workspace lease set',
  summary: 'Set leases in place of what the config says.',
  usage: [
    'workspace lease set [--first TIME] [--extension TIME] [--max TIME] [--json]',
    'What is left out stays as it is. They count at once, also in a running server; what runs keeps what it has.',
  ].join('\n'),
  options: {
    first: one('TIME', 'How long a workspace runs at first, such as 8h.'),
    extension: one('TIME', 'What one extension adds.'),
    max: one('TIME', 'How long it runs in all, however often it is extended, such as 7d.'),
    ...base,
  },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const [first, extension, max] = ['first', 'extension', 'max'].map((name) => lengthOption(args, name))
      if (first === undefined && extension === undefined && max === undefined)
        throw new Fault('ERR_INPUT', 'nothing to set: --first, --extension or --max is missing')
      const room = rooms.get('workspaces')
      const now = await room.leases()
      await room.setLeases(actorFor(leaseSet), {
        firstSeconds: first ?? now.firstSeconds,
        extensionSeconds: extension ?? now.extensionSeconds,
        maxSeconds: max ?? now.maxSeconds,
      })
      return say(args, io, { result: await room.leases(), lines: ['The leases are set.'] })
    }),
}

/** @throws Fault ERR_INPUT */
function lengthOption(args: Args, name: string): number | undefined {
  const text = textOption(args, name)
  const length = text === undefined ? undefined : parseDuration(text)
  if (text !== undefined && length === undefined)
    throw new Fault('ERR_INPUT', `--${name} must be a length of time such as 90m, 8h or 7d`)
  return length
}

/** Takes them back. */
export const leaseUnset: Command = {
  name: 'workspace lease unset',
  summary: 'Take back leases that were set; what the config says counts again.',
  usage: 'workspace lease unset [--json]',
  options: base,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const room = rooms.get('workspaces')
      await room.setLeases(actorFor(leaseUnset), undefined)
      return say(args, io, { result: await room.leases(), lines: ['What the config says counts.'] })
    }),
}

/** `labgate workspace quota list`, `set`, `unset`, and `workspace drain`: how much may run, and where. @module */
import { Fault } from '@labgate/contract'
import type { Rooms } from '../assembly.ts'
import { parseBytes } from '../config/units.ts'
import type { Quota, QuotaLine } from '../workspaces/model.ts'
import { type Args, type Command, textOption, wordOf } from './command.ts'
import { actorFor, base, namesOf, one, say, yes } from './ledger.ts'
import { accountOf, withRooms } from './site.ts'
import { plain, tableText } from './table.ts'

/** Lists quotas. */
export const quotaList: Command = {
  name: 'workspace quota list',
  summary: 'List quotas of workspaces, with how much of each is taken.',
  usage: ['workspace quota list [--account ACCOUNT] [--json]', 'Taken: workspaces, memory, CPUs.'].join('\n'),
  options: { account: one('ACCOUNT', 'Only those that concern this account, and what it has of its own.'), ...base },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const of = textOption(args, 'account')
      const room = rooms.get('workspaces')
      const quotas = of === undefined ? await room.quotas() : await room.standing((await accountOf(rooms, of)).id)
      const ids = quotas.flatMap(({ scope }) => (scope.startsWith('account:') ? [scope.slice(8)] : []))
      const nameOf = await namesOf(rooms, ids)
      const rows = quotas.map((line) => cellsOf(line, nameOf))
      return say(args, io, {
        result: quotas,
        lines: [tableText(['FOR', 'WORKSPACES', 'MEMORY', 'CPUS', 'TAKEN', 'SET IN'], rows)],
      })
    }),
}

function cellsOf({ scope, quota, taken, source }: QuotaLine, nameOf: (id: string) => string): string[] {
  const { instances, memoryBytes, milliCpus } = quota
  const who = scope.startsWith('account:') ? `account:${nameOf(scope.slice(8))}` : scope
  return [
    who,
    String(instances ?? 'any'),
    memoryBytes === undefined ? 'any' : `${Math.round(memoryBytes / 1024 ** 2)}m`,
    milliCpus === undefined ? 'any' : String(milliCpus / 1000),
    taken ? `${taken.instances}, ${Math.round(taken.memoryBytes / 1024 ** 2)}m, ${taken.milliCpus / 1000}` : '',
    source === 'console' ? 'database' : source,
  ]
}

const scopes = 'SCOPE: site, user (each person, unless named), account:ACCOUNT or group:SLUG.'

/** Sets one. */
export const quotaSet: Command = {
  name: 'workspace quota set',
  summary: 'Set a quota in place of what the config says.',
  usage: [
    'workspace quota set SCOPE [--instances N] [--memory SIZE] [--cpus N] [--json]',
    scopes,
    'What is left out is not limited. It counts at once, also in a running server; what runs goes on.',
  ].join('\n'),
  options: {
    instances: one('N', 'Workspaces at once.'),
    memory: one('SIZE', 'Memory of all of them, such as 32g.'),
    cpus: one('N', 'CPUs of all of them, such as 8 or 0.5.'),
    ...base,
  },
  words: ['SCOPE'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const scope = await scopeOf(rooms, wordOf(args, 0))
      const quota = quotaOf(args)
      await rooms.get('workspaces').setQuota(actorFor(quotaSet), scope, quota)
      return say(args, io, { result: { scope, quota }, lines: [`The quota of ${plain(scope)} is set.`] })
    }),
}

/** Takes one back. */
export const quotaUnset: Command = {
  name: 'workspace quota unset',
  summary: 'Take back a quota that was set; what the config says counts again.',
  usage: ['workspace quota unset SCOPE [--json]', scopes].join('\n'),
  options: base,
  words: ['SCOPE'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const scope = await scopeOf(rooms, wordOf(args, 0))
      await rooms.get('workspaces').setQuota(actorFor(quotaUnset), scope, undefined)
      return say(args, io, { result: { scope }, lines: [`What the config says counts for ${plain(scope)}.`] })
    }),
}

/** Drains a place, or opens it again. */
export const drain: Command = {
  name: 'workspace drain',
  summary: 'Let a runner, or a machine of one, take nothing new; without a place: list them.',
  usage: [
    'workspace drain [PLACE] [--off] [--json]',
    'PLACE: the id of a runner in the config, or RUNNER/MACHINE. What runs there goes on until it ends.',
  ].join('\n'),
  options: { off: yes('It takes new ones again.'), ...base },
  positionals: 1,
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const room = rooms.get('workspaces')
      const [place] = args.positionals
      if (place !== undefined) {
        const [runner = ''] = place.split('/')
        const isKnown = Object.hasOwn(rooms.get('config').plugins, runner) || (await room.drained()).includes(place)
        if (!isKnown) throw new Fault('ERR_NOT_FOUND', `the config has no plugin ${plain(runner)}`)
        await room.drain(actorFor(drain), place, args.values.off === true ? 'off' : 'on')
      }
      const drained = await room.drained()
      const lines = drained.length === 0 ? ['Every place takes new ones.'] : drained.map((one) => plain(one))
      return say(args, io, { result: drained, lines })
    }),
}

async function scopeOf(rooms: Rooms, word: string): Promise<string> {
  return word.startsWith('account:') ? `account:${(await accountOf(rooms, word.slice(8))).id}` : word
}

/** @throws Fault ERR_INPUT */
function quotaOf(args: Args): Quota {
  const [instances, memory, cpus] = ['instances', 'memory', 'cpus'].map((name) => textOption(args, name))
  const memoryBytes = memory === undefined ? undefined : parseBytes(memory)
  if (instances !== undefined && !/^\d{1,6}$/.test(instances)) throw wrong('--instances must be a whole number')
  if (memory !== undefined && memoryBytes === undefined) throw wrong('--memory must be a size such as 32g')
  if (cpus !== undefined && !/^\d{1,6}(\.\d{1,3})?$/.test(cpus)) throw wrong('--cpus must be a number such as 8 or 0.5')
  return {
    instances: instances === undefined ? undefined : Number(instances),
    memoryBytes,
    milliCpus: cpus === undefined ? undefined : Math.round(Number(cpus) * 1000),
  }
}

function wrong(message: string): Fault {
  return new Fault('ERR_INPUT', message)
}

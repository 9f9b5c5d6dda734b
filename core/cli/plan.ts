/** `labgate plan`: what another config file would change, before it is applied. @module */
import type { LoadedConfig } from '../config/load.ts'
import { configFault } from '../config/problems.ts'
import type { Difference } from '../difference.ts'
import type { Candidate, Plan } from '../plan.ts'
import {
  type Args,
  type Command,
  configFile,
  configOption,
  type Io,
  jsonOption,
  print,
  printJson,
  wordOf,
} from './command.ts'
import { paintFor } from './paint.ts'
import { quietLog } from './site.ts'
import { plain } from './table.ts'

/** Compares a file with the configured one, over the people and the ledger there are. */
export const command: Command = {
  name: 'plan',
  summary: 'Say what another config file would change: for whom, which parts, and what needs a restart.',
  usage: [
    'plan NEW.yaml [--config FILE] [--json]',
    'Compares it with the config file that serves (--config). Nothing is applied: groups and access are looked up in a copy of',
    'the database, which is made beside it (of a PostgreSQL: a file in the folder `data`) and removed.',
    'Exits with 0 when nothing changes, with 3 when something does, with 1 when the file could not be applied.',
  ].join('\n'),
  options: { config: configOption, json: jsonOption },
  words: ['NEW.yaml'],
  run,
}

const changesCode = 3

async function run(args: Args, io: Io): Promise<number> {
  const { readConfig } = await import('../config/load.ts')
  const { planOf } = await import('../plan.ts')
  const before = await candidate(await readConfig(configFile(args, io), io), io)
  const wanted = await readConfig(wordOf(args, 0), io)
  const after = await candidate(wanted, io)
  const { findProblems } = await import('../judge.ts')
  const { errors } = findProblems(wanted, after.registry)
  if (errors.length > 0) throw configFault(errors)
  const plan = await planOf(before, after, { log: quietLog(io) })
  if (args.values.json === true) printJson(io, plan)
  else for (const line of linesOf(plan, io)) print(io, line)
  return plan.changes ? changesCode : 0
}

async function candidate(loaded: LoadedConfig, io: Io): Promise<Candidate> {
  const { loadRegistry } = await import('./check.ts')
  const { registry, errors } = await loadRegistry(loaded, io)
  if (registry === undefined) throw configFault(errors)
  return { loaded, registry }
}

const most = 50

function linesOf(plan: Plan, io: Io): string[] {
  if (!plan.changes) return ['Nothing changes.']
  const { people, routes } = plan
  const section = (title: string, lines: readonly string[]): string[] => {
    if (lines.length === 0) return []
    const rest = lines.length > most ? [`  … and ${lines.length - most} more (--json has all)`] : []
    return [paintFor(io)('yellow', title), ...lines.slice(0, most).map((line) => `  ${plain(line)}`), ...rest, '']
  }
  const last = (others: boolean) => (others ? '' : ', the only way')
  return [
    ...section('Needs a restart', plan.restart),
    ...section('Plugins', plan.plugins.map(pluginLine)),
    ...section('Clients', plan.clients.map(differenceLine)),
    ...section('Other parts of the config', plan.parts),
    ...section('Routes', [...routes.removed.map((one) => `- ${one}`), ...routes.added.map((one) => `+ ${one}`)]),
    ...section(
      'Can no longer sign in',
      people.loseWays.map(({ who, way, others }) => `- ${who} by ${way}${last(others)}`),
    ),
    ...section(
      'Can sign in',
      people.gainWays.map(({ who, way, others }) => `+ ${who} by ${way}${last(others)}`),
    ),
    ...section('Admins', [
      ...people.becomeAdmin.map((who) => `+ ${who}, at the next sign-in`),
      ...people.noLongerNamed.map(
        (who) => `  ${who} is no longer named and stays one; \`labgate account role ${who} user\` ends it`,
      ),
    ]),
    ...section(
      'Groups',
      plan.groups.map(({ who, group, change }) => `${change === 'joins' ? '+' : '-'} ${who} ${change} ${group}`),
    ),
    ...section('Access', plan.access.flatMap(accessLines)),
  ]
}

function pluginLine({ name, change, settings = [] }: Difference): string {
  const words = { added: 'starts', removed: 'stops', changed: `is made anew: ${settings.join(', ')}` }
  return `${signs[change]} ${name} ${words[change]}`
}

function differenceLine({ name, change, settings = [] }: Difference): string {
  return `${signs[change]} ${name}${change === 'changed' ? `: ${settings.join(', ')}` : ''}`
}

const signs = { added: '+', removed: '-', changed: '~' } as const

function accessLines({ who, dataset, version, gains, loses }: Plan['access'][number]): string[] {
  const place = version === undefined ? dataset : `${dataset} ${version}`
  return [
    ...(loses.length > 0 ? [`- ${who} loses ${loses.join(', ')} on ${place}`] : []),
    ...(gains.length > 0 ? [`+ ${who} gains ${gains.join(', ')} on ${place}`] : []),
  ]
}

/** `labgate reload`: asks the running Labgate to read its config file again. @module */
import { type Args, type Command, configFile, configOption, type Io, jsonOption, print, printJson } from './command.ts'

/** Asks, and says what became of it. */
export const command: Command = {
  name: 'reload',
  summary: 'Let the running Labgate read its config file again, without a stop.',
  usage: [
    'reload [--config FILE] [--json]',
    'Asks the process that serves from the config’s data folder, through a socket there that only its own user may open.',
    'What people are in the middle of goes on. A file that is wrong changes nothing. Says what counts after a restart only.',
    'Exits with 0 when the file serves now, with 1 when it was refused or nothing runs.',
  ].join('\n'),
  options: { config: configOption, json: jsonOption },
  run,
}

async function run(args: Args, io: Io): Promise<number> {
  const { readDataFolder } = await import('../config/load.ts')
  const { askControl } = await import('./control.ts')
  const data = await readDataFolder(configFile(args, io), io)
  const answer = await askControl(data, 'reload')
  if (args.values.json === true) printJson(io, answer)
  else for (const line of reloadLines(answer)) print(io, line)
  return answer.outcome === 'applied' ? 0 : 1
}

/** What a reload came to, for a person. */
export function reloadLines({
  outcome,
  changed,
  restart,
  why,
  warnings,
}: {
  readonly outcome: 'applied' | 'refused'
  readonly changed: readonly string[]
  readonly restart: readonly string[]
  readonly warnings: readonly string[]
  readonly why?: string | undefined
}): string[] {
  const restarts = restart.length === 0 ? [] : [`Counts after a restart only: ${restart.join(', ')}.`]
  if (outcome === 'refused') return ['The config was not reloaded; the former one goes on:', why ?? '', ...restarts]
  const what = changed.length === 0 ? 'nothing in it differs from what served before' : `changed: ${changed.join(', ')}`
  return [`The config was reloaded; ${what}.`, ...warnings.map((warning) => `warning ${warning}`), ...restarts]
}

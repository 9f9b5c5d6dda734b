/** The texts of `--help`. @module */
import type { Command, Option } from './command.ts'
import type { Paint } from './paint.ts'

/** Options that every command has. */
export const commonOptions = {
  help: { type: 'boolean', short: 'h', description: 'Show this help.' },
  verbose: { type: 'boolean', short: 'v', description: 'On failure, show where it happened.' },
} as const satisfies Readonly<Record<string, Option>>

/** The help of `labgate` itself. */
export function overview(commands: readonly Command[], paint: Paint): string {
  return [
    `${paint('bold', 'labgate')}, the gate of a lab: one config file turns sign-ins into what services ask for.`,
    '',
    paint('bold', 'Usage'),
    '  labgate <command> [options]',
    '',
    paint('bold', 'Commands'),
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong use. `labgate <command> --help` says more.',
    '',
  ].join('\n')
}

/** The help of one command. */
export function commandHelp(command: Command, paint: Paint): string {
  const [usage = '', ...more] = command.usage.split('\n')
  const options = Object.entries({ ...command.options, ...commonOptions })
  return [
    command.summary,
    '',
    paint('bold', 'Usage'),
    `  labgate ${usage}`,
    '',
    paint('bold', 'Options'),
    ...columns(options.map(([name, option]) => [optionText(name, option), option.description])),
    ...(more.length > 0 ? ['', ...more] : []),
    '',
  ].join('\n')
}

function optionText(name: string, { short, value }: Option): string {
  return [short === undefined ? '' : `-${short}, `, `--${name}`, value === undefined ? '' : ` ${value}`].join('')
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

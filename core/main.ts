/** The command `labgate`: finds the command, parses its options, prints failures and chooses the exit code. @module */
import { parseArgs } from 'node:util'
import { isFault } from '@labgate/contract'
import { type Args, type Command, type Io, wrongUse } from './cli/command.ts'
import { commands, type Load } from './cli/commands.ts'
import { commandHelp, commonOptions, overview } from './cli/help.ts'
import { paintFor } from './cli/paint.ts'
import { processEnv } from './config/env.ts'
import { didYouMean } from './config/suggest.ts'

/** What {@link main} may be handed instead of the real thing, in tests. */
export interface MainOptions {
  readonly commands?: Readonly<Record<string, Load>>
}

/** Runs one command line (without `node` and the script) and returns the exit code: 0 done, 1 failed, 2 wrong use. */
export async function main(argv: readonly string[], io: Io, options: MainOptions = {}): Promise<number> {
  const table = options.commands ?? commands
  const found = findCommand(argv, table)
  if (found === undefined) return withoutCommand(argv, io, table)
  const { command } = await found.load()
  try {
    const args = parse(command, found.rest)
    if ('wrong' in args) return wrongUse(io, `${args.wrong}\nSee \`labgate ${command.name} --help\`.`)
    return await runCommand(command, args, io)
  } catch (error) {
    printFailure(error, io, found.rest.includes('--verbose') || found.rest.includes('-v'))
    return 1
  }
}

async function runCommand(command: Command, args: Args, io: Io): Promise<number> {
  if (args.values.help === true) {
    io.stdout.write(commandHelp(command, paintFor(io)))
    return 0
  }
  return (await command.run(args, io)) ?? 0
}

interface FoundCommand {
  readonly load: Load
  readonly rest: readonly string[]
}

/** The longest name that the command line begins with. */
function findCommand(argv: readonly string[], table: Readonly<Record<string, Load>>): FoundCommand | undefined {
  for (const words of [3, 2, 1]) {
    const name = argv.slice(0, words).join(' ')
    const load = Object.hasOwn(table, name) ? table[name] : undefined
    if (load !== undefined) return { load, rest: argv.slice(words) }
  }
  return undefined
}

async function withoutCommand(argv: readonly string[], io: Io, table: Readonly<Record<string, Load>>): Promise<number> {
  const [first] = argv
  const group = Object.keys(table).filter((name) => name.startsWith(`${first} `))
  if (group.length > 0 && argv.slice(1).every((word) => word === '--help' || word === '-h'))
    return showGroup(argv, io, Object.fromEntries(group.map((name) => [name, table[name] as Load])))
  if (first === '--version' && table.version !== undefined) return main(['version'], io, { commands: table })
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    return showGroup(argv, io, table)
  }
  const given = argv.filter((word) => !word.startsWith('-')).slice(0, 2)
  const hint = didYouMean(given.join(' '), Object.keys(table)) || didYouMean(first, Object.keys(table))
  return wrongUse(io, `there is no command \`${first}\`${hint}\nSee \`labgate --help\`.`)
}

/** The help of some commands: on standard output to who asks for it, else as what was wrong. */
async function showGroup(argv: readonly string[], io: Io, table: Readonly<Record<string, Load>>): Promise<number> {
  const loaded = await Promise.all(Object.values(table).map(async (load) => (await load()).command))
  const isAsked = argv.some((word) => ['--help', '-h', 'help'].includes(word))
  ;(isAsked ? io.stdout : io.stderr).write(overview(loaded, paintFor(io)))
  return isAsked ? 0 : 2
}

function parse(command: Command, rest: readonly string[]): Args | { readonly wrong: string } {
  const known = { ...command.options, ...commonOptions }
  const options = Object.fromEntries(Object.entries(known).map(([name, option]) => [name, parserOption(option)]))
  try {
    const { values, positionals } = parseArgs({ args: [...rest], options, allowPositionals: true, strict: true })
    const extra = positionals[command.words?.length ?? command.positionals ?? 0]
    const missing = values.help === true ? undefined : command.words?.[positionals.length]
    if (missing !== undefined) return { wrong: `${missing} is missing` }
    return extra === undefined ? { values, positionals } : { wrong: `unexpected argument \`${extra}\`` }
  } catch (error) {
    return { wrong: parserWords(error, Object.keys(known)) }
  }
}

function parserOption({ type, short, multiple }: Command['options'][string]) {
  return { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) }
}

function parserWords(error: unknown, known: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error)
  const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1]
  return unknown === undefined ? message : `unknown option \`--${unknown}\`${didYouMean(unknown, known)}`
}

/** A fault is the operator's to mend: its message is enough. Anything else is a bug and shows where it happened. */
function printFailure(error: unknown, io: Io, isVerbose: boolean): void {
  const red = paintFor(io)
  const text = isFault(error) && !isVerbose ? `${error.code}\n${error.message}` : stackOf(error)
  io.stderr.write(`${red('red', 'labgate:')} ${text}\n`)
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

// The starter imports this file in its own process and puts it in the place of the script.
if (import.meta.main || process.argv[1] === import.meta.filename) {
  const { stdout, stderr } = process
  process.exitCode = await main(process.argv.slice(2), {
    stdout,
    stderr,
    env: processEnv(),
    cwd: process.cwd(),
    isTty: stdout.isTTY === true,
  })
}

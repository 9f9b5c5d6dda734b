/** The shape of a command and of what it is handed, so that tests run commands in-process. @module */
import type { Env } from '../config/secrets.ts'

/** Something that takes text. */
export interface Sink {
  write(text: string): unknown
}

/** All that is outside of a command. */
export interface Io {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: Env
  /** Folder that relative paths start from. */
  readonly cwd: string
  /** Whether a person looks at standard output. */
  readonly isTty: boolean
}

/** One option, for the parser and for the help. */
export interface Option {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  readonly multiple?: boolean
  readonly description: string
  /** How the value is called in the help: `FILE`. */
  readonly value?: string
}

/** What was given on the command line. */
export interface Args {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
}

/**
 * One command, in a file of its own that exports it as `command`. The file imports what is heavy within `run`,
 * so that the help of all commands stays fast.
 */
export interface Command {
  /** One word, or two: `new plugin`. */
  readonly name: string
  /** What it does, in a few words. */
  readonly summary: string
  /** The line after `labgate`: `check [--json]`. More lines are shown below the options. */
  readonly usage: string
  readonly options: Readonly<Record<string, Option>>
  /** How many words may follow; default none. */
  readonly positionals?: number
  /** Names of the words that must follow, instead: `ID`. */
  readonly words?: readonly string[]
  /** Returns the exit code; nothing is 0. A Fault is printed as its message and exits with 1. */
  run(args: Args, io: Io): Promise<number | undefined>
}

/** `--config FILE`, for every command that reads the config. */
export const configOption = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  description: 'Config file (default $LABGATE_CONFIG, else config/labgate.yaml).',
} as const satisfies Option

/** `--json`, for every command whose output a script may read. */
export const jsonOption = { type: 'boolean', description: 'Print JSON, for scripts.' } as const satisfies Option

/** The config file that is meant. */
export function configFile(args: Args, io: Io): string {
  return textOption(args, 'config') ?? io.env.LABGATE_CONFIG ?? 'config/labgate.yaml'
}

/** The value of a text option, `undefined` when it was not given. */
export function textOption(args: Args, name: string): string | undefined {
  const value = args.values[name]
  return typeof value === 'string' ? value : undefined
}

/** Prints a value as JSON, for scripts. */
export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Prints one line. */
export function print(io: Io, line: string): void {
  io.stdout.write(`${line}\n`)
}

/** The word at `index`, which `words` asked for. */
export function wordOf(args: Args, index: number): string {
  const word = args.positionals[index]
  if (word === undefined) throw new TypeError(`\`words\` of the command must name word ${index}`)
  return word
}

/** The values of a text option that may be given several times. */
export function textsOption(args: Args, name: string): string[] {
  const value = args.values[name]
  return Array.isArray(value) ? value.map(String) : []
}

/** Tells a wrong use; returns its exit code. */
export function wrongUse(io: Io, message: string): 2 {
  io.stderr.write(`labgate: ${message}\n`)
  return 2
}

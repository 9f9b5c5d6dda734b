/** What the commands of the ledger share: who acts, how people, places and instants are named, how lists are shown. @module */
import { Fault, isFault, type Level, levels } from '@labgate/contract'
import type { Subject } from '../access/model.ts'
import type { Actor, Paged } from '../accounts/actor.ts'
import type { Rooms } from '../assembly.ts'
import { parseInstant } from '../config/units.ts'
import {
  type Args,
  type Command,
  configOption,
  type Io,
  jsonOption,
  type Option,
  print,
  printJson,
  textOption,
} from './command.ts'
import { accountOf } from './site.ts'
import { plain, tableText } from './table.ts'

/** Options of every command of the ledger. */
export const base = { config: configOption, json: jsonOption } as const

/** A text option. */
export const one = (value: string, description: string) =>
  ({ type: 'string', value, description }) as const satisfies Option
/** A text option that may be given several times. */
export const many = (value: string, description: string) =>
  ({ type: 'string', multiple: true, value, description: `${description}; may be repeated.` }) as const satisfies Option
/** An option without a value. */
export const yes = (description: string) => ({ type: 'boolean', description }) as const satisfies Option

/** Options of every command that lists. */
export const listOptions = {
  search: one('TEXT', 'Only what has this text in it.'),
  limit: one('N', 'At most so many (default 100, at most 1000).'),
  ...base,
} as const

/** Who a change by this command is written down for. */
export function actorFor({ name }: Pick<Command, 'name'>): Actor {
  return { kind: 'system', name: `labgate ${name}` }
}

/** A wrong value of an option. */
function wrong(message: string): Fault {
  return new Fault('ERR_INPUT', message)
}

/** Which page a list shows. @throws Fault ERR_INPUT */
export function pageAsk(args: Args): { readonly search: string | undefined; readonly limit: number } {
  const limit = Number(textOption(args, 'limit') ?? 100)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1000) throw wrong('--limit must be a number from 1 to 1000')
  return { search: textOption(args, 'search'), limit }
}

/** An instant, or a date: its beginning, or its end for what lasts until that day. @throws Fault ERR_INPUT */
export function instantOption(args: Args, name: 'from' | 'until'): Date | undefined {
  const text = textOption(args, name)
  const instant = text === undefined ? undefined : parseInstant(text, name === 'from' ? 'begin' : 'end')
  if (text !== undefined && instant === undefined)
    throw wrong(`--${name} must be a date such as 2027-03-31, or a date and time such as 2027-03-31T18:00:00Z`)
  return instant
}

/** One of a few words. @throws Fault ERR_INPUT */
export function choiceOption<const W extends string>(args: Args, name: string, words: readonly W[]): W | undefined {
  const text = textOption(args, name)
  const found = words.find((word) => word === text)
  if (text !== undefined && found === undefined) throw wrong(`--${name} must be one of ${words.join(', ')}`)
  return found
}

/** A level of access. @throws Fault ERR_INPUT */
export const levelOption = (args: Args): Level | undefined => choiceOption(args, 'level', levels)

/**
 * Whom a word names: `group:SLUG`, `signed-in`, `anyone`, `name:INSTANCE:VALUE`, or an account by `account:` and id,
 * username or verified address, or by these alone.
 * @throws Fault ERR_NOT_FOUND, ERR_INPUT
 */
export async function subjectOf(rooms: Rooms, word: string): Promise<Subject> {
  const { parseSubject } = await import('../access/model.ts')
  const subject = parseSubject(word)
  if (subject !== undefined && subject.kind !== 'account') return subject
  if (/^(group|name):/.test(word))
    throw wrong('a subject is group:SLUG, name:INSTANCE:VALUE, signed-in, anyone or an account')
  const { id } = await accountOf(rooms, subject?.account ?? word).catch((error: unknown) => {
    throw isFault(error) && error.code === 'ERR_NOT_FOUND' && word.includes('@') ? notYetKnown(error, word) : error
  })
  return { kind: 'account', account: id }
}

function notYetKnown({ message }: Fault, address: string): Fault {
  const way = `name:INSTANCE:${address} (INSTANCE: the id of the way to sign in, such as email)`
  return new Fault('ERR_NOT_FOUND', `${message}; for somebody who has not signed in yet write ${way}`)
}

/** Usernames of accounts by id; those that are gone keep their id. */
export async function namesOf(rooms: Rooms, ids: Iterable<string>): Promise<(id: string) => string> {
  const names = new Map<string, string>()
  for (const id of new Set(ids)) names.set(id, (await rooms.get('accounts').find(id))?.username ?? id)
  return (id) => names.get(id) ?? id
}

/** A subject as people read it. */
export function subjectText(subject: Subject, nameOf: (id: string) => string): string {
  if (subject.kind === 'account') return nameOf(subject.account)
  if (subject.kind === 'group') return `group:${subject.group}`
  return subject.kind === 'name' ? `name:${subject.instance}:${subject.value}` : subject.kind
}

/** Ids of accounts in subjects. */
export function accountsIn(subjects: readonly Subject[]): string[] {
  return subjects.flatMap((subject) => (subject.kind === 'account' ? [subject.account] : []))
}

/** Prints a result: JSON for scripts, else lines. */
export function say(
  args: Args,
  io: Io,
  { result, lines }: { readonly result: unknown; readonly lines: readonly string[] },
) {
  if (args.values.json === true) printJson(io, result)
  else for (const line of lines) print(io, line)
  return 0
}

/** A list as a table, with how many there are when not all are shown. */
export function tableLines<T>(
  { rows, total }: Pick<Paged<T>, 'rows' | 'total'>,
  { none, headings, cells }: { none: string; headings: readonly string[]; cells: (row: T) => readonly unknown[] },
): string[] {
  if (rows.length === 0) return [none]
  const more = total > rows.length ? [`… ${rows.length} of ${total}; --search and --limit show others.`] : []
  return [tableText(headings, rows.map(cells)), ...more]
}

/** The text of a file that an option names. @throws Fault ERR_INPUT when it cannot be read or is not UTF-8 */
export async function fileText(path: string, { cwd }: Pick<Io, 'cwd'>): Promise<string> {
  const [{ readFile }, { resolve }] = await Promise.all([import('node:fs/promises'), import('node:path')])
  const bytes = await readFile(resolve(cwd, path)).catch((cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    throw new Fault('ERR_INPUT', `${plain(path)} cannot be read (${code})`, { cause })
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Fault('ERR_INPUT', `${plain(path)} is not UTF-8`, { cause })
  }
}

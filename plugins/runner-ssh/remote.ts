/**
 * Calls to a host: the library `remote.sh` and one call after it, as one script for the standard input of `sh -s`. So there
 * is nothing to install, and nothing of a call stands in a command line.
 * @module
 */
import { readFileSync } from 'node:fs'
import { Fault } from '@labgate/contract'
import { oneLine, quoteWord } from './connect/index.ts'

const library = readFileSync(new URL('remote.sh', import.meta.url), 'utf8')

/** The text of the process that leads an instance. */
export const leading = readFileSync(new URL('lead.sh', import.meta.url), 'utf8')

/** The command that reads a call. */
export const shell = ['sh', '-s'] as const

/** Where things are on a host, and whose they are. */
export interface Place {
  readonly folder: string
  readonly runFolder: string | undefined
  /** Installation and instance of the plugin: letters, digits and dashes. */
  readonly owner: string
  /** Name of the host in the config. */
  readonly place: string
}

/** One step of a call: a function of `remote.sh` and its words. */
export type Step = readonly [name: string, ...words: string[]]

/** What a host answered: its lines as words, by their first. */
export interface Answer {
  /** The words of the first line that begins with `name`, without it. */
  line(name: string): readonly string[] | undefined
  lines(name: string): readonly (readonly string[])[]
  /** What came after the empty line, unchanged. */
  readonly rest: Buffer
}

/** A host's own no, with the word that says which. */
export class Refusal extends Error {
  readonly word: string
  constructor(word: string, message: string) {
    super(message)
    this.word = word
  }
}

/**
 * The script of a call. Its last part stands in braces: what is cut off on the way is no script, and nothing of it runs.
 * Nothing of it is read by the commands that it starts.
 */
export function scriptOf({ folder, runFolder, owner, place }: Place, steps: readonly Step[], scope = ''): string {
  const set = { FOLDER: folder, RUNS: runFolder ?? '', OWNER: owner, PLACE: place, SCOPE: scope }
  const variables = Object.entries(set).map(([name, value]) => `${name}=${quoteWord(value)}`)
  const calls = steps.map(([name, ...words]) => [name, ...words.map(quoteWord)].join(' '))
  return [library, '{', ...variables, `say ${mark}`, 'ground', ...calls, 'say @end', '} </dev/null', ''].join('\n')
}

const mark = '=labgate='
const begins = Buffer.from(`${mark}\n`)
const ends = '@end'

/** Where the answer begins in what a host printed: login files may print before it. -1: not there yet. */
export function answerAt(printed: Buffer): number {
  const at = printed.indexOf(begins)
  return at < 0 ? -1 : at + begins.length
}

/**
 * Reads the head of an answer: up to its end mark, or to the empty line before raw output.
 * @throws Refusal what the host refused; Fault ERR_UPSTREAM for what is no answer
 */
export function readAnswer(at: string, printed: Buffer, stderr: Buffer): Answer {
  const start = answerAt(printed)
  const text = start < 0 ? undefined : printed.subarray(start)
  const empty = text === undefined ? -1 : text.subarray(0, 1)[0] === 10 ? 0 : text.indexOf('\n\n')
  const head =
    text
      ?.subarray(0, empty < 0 ? undefined : empty)
      .toString('utf8')
      .split('\n') ?? []
  const lines = head.filter((line) => line !== '').map((line) => line.split(' '))
  const refused = lines.find(([name]) => name === 'fail')
  if (refused) throw new Refusal(refused[1] ?? '', oneLine(refused.slice(2).join(' ')))
  if (text === undefined || (empty < 0 && lines.at(-1)?.[0] !== ends))
    throw new Fault('ERR_UPSTREAM', `ssh ${at}: no whole answer; ${said(stderr)}`, { detail: { host: at } })
  return {
    line: (name) => lines.find(([first]) => first === name)?.slice(1),
    lines: (name) => lines.filter(([first]) => first === name).map((words) => words.slice(1)),
    rest: empty < 0 ? Buffer.alloc(0) : text.subarray(empty === 0 ? 1 : empty + 2),
  }
}

function said(stderr: Buffer): string {
  const words = oneLine(stderr.toString('utf8').trim().split('\n').at(-1) ?? '')
  return words === '' ? 'is its login shell a POSIX one?' : `it said: ${words}`
}

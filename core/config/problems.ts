/** Mistakes of an operator, with the place they stand at, and the one fault that carries all of them. @module */
import { Fault } from '@labgate/contract'

/** Keys and indexes from the top of the file down to a value. */
export type Path = readonly (string | number)[]

/** A place in a file; `line` and `column` count from 1. */
export interface Place {
  /** The file's name, or what stands in for it (`environment variable LABGATE_NAME`). */
  readonly file: string
  readonly line?: number
  readonly column?: number
}

/** Finds where a path stands: its value, or the key before it. */
export type Locate = (path: Path, part: 'key' | 'value') => Place | undefined

/** One mistake. */
export interface ConfigProblem extends Partial<Place> {
  /** The value's path, as an operator would write it: `plugins.github.config.clientId`. */
  readonly path: string
  /** What is wrong, to be read after the path. */
  readonly message: string
}

/** What checking a part of the config needs to know about where that part stands. */
export interface At {
  readonly path: Path
  readonly locate?: Locate | undefined
}

/** A mistake at a path, with its place when that is known. */
export function problemAt(at: At & { readonly part?: 'key' | 'value' }, message: string): ConfigProblem {
  return { ...at.locate?.(at.path, at.part ?? 'value'), path: pathText(at.path), message }
}

/** A path as an operator would write it: `clients["my.app"].redirectUris[0]`. */
export function pathText(path: Path): string {
  return path.map((step, index) => stepText(step, index === 0)).join('')
}

function stepText(step: string | number, isFirst: boolean): string {
  if (typeof step === 'number') return `[${step}]`
  if (!/^[A-Za-z_$][\w$-]*$/.test(step)) return `[${JSON.stringify(step)}]`
  return isFirst ? step : `.${step}`
}

/** One line about one mistake: `file:line:column: path: what is wrong`. */
export function problemText(problem: ConfigProblem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':')
  return [place, problem.path, problem.message].filter((part) => part !== '').join(': ')
}

/** The fault of a config with mistakes: all of them, one a line, in the order of the file. */
export function configFault(problems: readonly ConfigProblem[], cause?: unknown): Fault {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  return new Fault('ERR_CONFIG', sorted.map(problemText).join('\n'), { detail: { problems: sorted }, cause })
}

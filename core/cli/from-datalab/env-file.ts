/** A `.env` file as python-dotenv reads it, with the line of each value. Nothing here ever prints a value. @module */
import type { ConfigProblem, Place } from '../../config/problems.ts'

/** One variable. */
export interface Variable {
  readonly value: string
  readonly place: Place
}

/** The variables of a file in its order, and what could not be read. */
export interface EnvFile {
  readonly variables: ReadonlyMap<string, Variable>
  readonly problems: readonly ConfigProblem[]
}

/** Reads the text of a `.env` file called `file`. */
export function parseEnvFile(text: string, file: string): EnvFile {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const variables = new Map<string, Variable>()
  const problems: ConfigProblem[] = []
  for (let index = 0; index < lines.length; ) {
    const place = { file, line: index + 1 }
    const found = variableAt(lines, index)
    index = found.next
    const first = found.name === undefined ? undefined : variables.get(found.name)
    const problem = found.problem ?? (first ? `stands on line ${first.place.line} already; keep one` : undefined)
    if (problem !== undefined) problems.push({ ...place, path: found.name ?? '', message: problem })
    else if (found.name !== undefined && found.value !== undefined)
      variables.set(found.name, { value: found.value, place })
  }
  return { variables, problems }
}

interface Read {
  /** Line after what was read. */
  readonly next: number
  readonly name?: string
  /** Absent: nothing is set here. */
  readonly value?: string
  readonly problem?: string
}

function variableAt(lines: readonly string[], index: number): Read {
  const line = (lines[index] ?? '').trim()
  const next = index + 1
  if (line === '' || line.startsWith('#')) return { next }
  const [, name, equals, rest = ''] = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)(?:\s*(=)\s*(.*)|\s*)$/.exec(line) ?? []
  if (name === undefined) return { next, problem: 'must be NAME=value, or a comment that begins with #' }
  if (equals === undefined) return { next, name }
  const read = /^['"]/.test(rest)
    ? quoted({ lines, index, rest })
    : { next, value: rest.replace(/(^|\s+)#.*$/, '').trim() }
  if ('problem' in read) return { ...read, name }
  if (!rest.startsWith("'") && read.value.includes('${'))
    return { next: read.next, name, problem: 'refers to another variable; write the value out' }
  if (read.value.includes('\0')) return { next: read.next, name, problem: 'has a character in it that is no text' }
  return { ...read, name }
}

type Value = { readonly next: number; readonly value: string } | { readonly next: number; readonly problem: string }

/** A quoted value may go on over lines. */
function quoted({ lines, index, rest }: { lines: readonly string[]; index: number; rest: string }): Value {
  const quote = rest.charAt(0)
  let value = ''
  let line = rest.slice(1)
  for (let at = index; at < lines.length; ) {
    for (let column = 0; column < line.length; column++) {
      const letter = line.charAt(column)
      if (letter === '\\') value += letter + line.charAt(++column)
      else if (letter !== quote) value += letter
      else if (/^\s*(#.*)?$/.test(line.slice(column + 1))) return { next: at + 1, value: unescaped(value, quote) }
      else return { next: at + 1, problem: 'goes on behind its closing quote' }
    }
    value += '\n'
    line = lines[++at] ?? ''
  }
  return { next: lines.length, problem: `has no closing ${quote === '"' ? 'double' : 'single'} quote` }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function unescaped(text: string, quote: string): string {
  if (quote === "'") return text.replaceAll(/\\(['\\])/g, '$1')
  return text.replaceAll(/\\(["'\\nrt])/g, (_, letter: string) => escapes[letter] ?? letter)
}

/** The text of a `.env` that a shell, systemd, Docker and dotenv read alike, as far as the values let them. */
export function envFileText(
  variables: readonly { readonly name: string; readonly value: string; readonly why: string }[],
) {
  return variables.map(({ name, value, why }) => `# ${why}\n${name}=${written(value)}\n`).join('\n')
}

function written(value: string): string {
  if (/^[A-Za-z0-9_./:@+=,-]+$/.test(value)) return value
  if (!value.includes("'") && !value.includes('\\')) return `'${value}'`
  return `"${value.replaceAll(/["\\$`]/g, '\\$&')}"`
}

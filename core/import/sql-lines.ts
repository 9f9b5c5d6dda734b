/**
 * The plain text that `pg_dump` writes, line by line: COPY blocks as rows, everything else as whole statements. Knows
 * quotes, dollar quotes and comments, so that nothing inside a text is taken for a statement. @module
 */
import { Fault } from '@labgate/contract'

/** Longest line and longest statement, in characters: one row of one table. */
const longest = 64 * 1024 * 1024

/** A piece of the dump. */
export type Piece =
  | { readonly kind: 'statement'; readonly text: string; readonly line: number }
  | { readonly kind: 'row'; readonly text: string; readonly line: number }
  /** `\.`: the rows of a COPY are over. */
  | { readonly kind: 'end'; readonly line: number }

/** The last line that matters: without it the dump was cut off. */
const lastLine = '-- PostgreSQL database dump complete'

/** A fault of the file, with its line. */
export function atLine(file: string, line: number, message: string, cause?: unknown): Fault {
  return new Fault('ERR_INPUT', `${file}:${line}: ${message}`, { cause })
}

/** Lines of UTF-8 bytes, without their ends. A line is never longer than 64 MiB. @throws Fault ERR_INPUT */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let [rest, line] = ['', 1]
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch (cause) {
      throw atLine(file, line, 'is not UTF-8; make the dump with pg_dump --encoding=UTF8', cause)
    }
  }
  const plain = (text: string) => (text.endsWith('\r') ? text.slice(0, -1) : text)
  for await (const chunk of chunks) {
    const parts = decode(chunk).split('\n')
    rest += parts[0] ?? ''
    for (const part of parts.slice(1)) {
      yield plain(rest)
      line++
      rest = part
    }
    if (rest.length > longest) throw atLine(file, line, 'is longer than 64 MiB; this is no dump of such a system')
  }
  rest += decode()
  if (rest !== '') yield plain(rest)
}

/** Where the reader of statements stands: plain, or within something that ends with `until`. */
interface Within {
  readonly until: string
  /** In E'…' a backslash takes the next character along. */
  readonly escapes: boolean
}

const opening = /--|\/\*|[eE]'|'|"|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|;/g

/** Reads one line on; `ended` when a statement ends with it. Text of comments is left out. */
function scan(line: string, begun: Within | undefined): { text: string; within: Within | undefined; ended: boolean } {
  let [text, at, within, ended]: [string, number, Within | undefined, boolean] = ['', 0, begun, false]
  while (at < line.length) {
    if (within !== undefined) {
      const end = endOf(line, at, within)
      if (within.until !== '*/') text += line.slice(at, end ?? line.length)
      if (end === undefined) return { text, within, ended }
      ;[at, within] = [end, undefined]
      continue
    }
    opening.lastIndex = at
    const found = opening.exec(line)
    text += line.slice(at, found?.index ?? line.length)
    if (found === null || found[0] === '--') break
    const [mark] = found
    at = found.index + mark.length
    if (mark !== '/*') text += mark
    // Of several on one line pg_dump writes none; what follows a semicolon is a statement of its own.
    if (mark === ';') ended = line.slice(at).trim() === '' || ended
    else within = withinOf(mark)
  }
  return { text, within, ended }
}

function withinOf(mark: string): Within {
  if (mark === '/*') return { until: '*/', escapes: false }
  if (mark.length === 2 && mark.endsWith("'")) return { until: "'", escapes: true }
  return { until: mark, escapes: false }
}

/** Behind the end of a quoted part. A doubled quote ends one part and begins the next, which comes to the same. */
function endOf(line: string, from: number, { until, escapes }: Within): number | undefined {
  for (let at = from; at < line.length; at++) {
    if (escapes && line[at] === '\\') at++
    else if (line.startsWith(until, at)) return at + until.length
  }
  return undefined
}

/** The pieces of a dump. @throws Fault ERR_INPUT with the line */
export async function* piecesOf(lines: AsyncIterable<string>, file: string): AsyncGenerator<Piece> {
  let [number, isCopy, length, begins]: [number, boolean, number, number] = [0, false, 0, 0]
  // A text of many lines is put together once: looked at anew with each line, it would take minutes.
  let parts: string[] = []
  let within: Within | undefined
  let isWhole = false
  for await (const line of lines) {
    number++
    if (isCopy) {
      isCopy = line !== '\\.'
      yield isCopy ? { kind: 'row', text: line, line: number } : { kind: 'end', line: number }
      continue
    }
    const isBetween = parts.length === 0 && within === undefined
    if (isBetween && line === lastLine) isWhole = true
    // psql's own: \connect, \restrict.
    if (isBetween && line.startsWith('\\')) continue
    if (isBetween) [length, begins] = [0, number]
    const read = scan(line, within)
    within = read.within
    // Blank lines before a statement are none of it.
    if (parts.length > 0 || read.text.trim() !== '') parts.push(read.text)
    length += read.text.length + 1
    if (length > longest) throw atLine(file, begins, 'a statement is longer than 64 MiB')
    if (within !== undefined || !read.ended) continue
    const text = parts.join('\n')
    yield { kind: 'statement', text, line: begins }
    isCopy = /^\s*COPY\s[^;]*\sFROM\s+stdin\b[^;]*;\s*$/i.test(text)
    parts = []
  }
  if (isCopy || within !== undefined || !isWhole)
    throw atLine(file, number, `the dump ends without “${lastLine}”: it was cut off; make it anew`)
}

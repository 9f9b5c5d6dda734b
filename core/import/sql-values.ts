/** Names and values as PostgreSQL writes them: of COPY's text format, of INSERT, of CREATE TABLE. Pure. @module */

/** A value of a row; `null`: SQL's NULL. */
export type Value = string | null

/** A statement that puts rows into a table. */
export interface Insert {
  readonly table: string
  readonly schema: string
  /** Absent: all of the table, in its order. */
  readonly columns: readonly string[] | undefined
  readonly rows: readonly (readonly Value[])[]
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The fields of a line of COPY's text format (PostgreSQL, COPY, "Text Format"). */
export function copyFields(line: string): Value[] {
  return line.split('\t').map((field) => (field === '\\N' ? null : field.includes('\\') ? unescaped(field) : field))
}

function unescaped(field: string): string {
  // Octal and hexadecimal escapes are bytes; pg_dump writes none, and ASCII is all they could mean here.
  return field.replaceAll(/\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|([\s\S]))/g, (_, octal, hex, other) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff)
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    return escapes[other] ?? other
  })
}

/** `schema.table` with the quotes of its names resolved, read from the head of a text; and what follows. */
export function qualifiedName(text: string): { schema: string; table: string; rest: string } | undefined {
  const name = /^\s*(?:"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))/
  const [first, second] = [name.exec(text), undefined]
  if (first === null) return second
  const behind = text.slice(first[0].length)
  const one = nameIn(first)
  if (!behind.startsWith('.')) return { schema: '', table: one, rest: behind }
  const next = name.exec(behind.slice(1))
  return next === null ? undefined : { schema: one, table: nameIn(next), rest: behind.slice(1 + next[0].length) }
}

function nameIn([, quoted, bare = '']: RegExpExecArray): string {
  return quoted === undefined ? bare.toLowerCase() : quoted.replaceAll('""', '"')
}

/** The names of `(a, "b", c)` at the head of a text. */
export function nameList(text: string): { names: string[]; rest: string } | undefined {
  const open = /^\s*\(/.exec(text)
  if (open === null) return undefined
  const names: string[] = []
  for (let rest = text.slice(open[0].length); ; ) {
    const name = qualifiedName(rest)
    if (name === undefined || name.schema !== '') return undefined
    names.push(name.table)
    const next = /^\s*([,)])/.exec(name.rest)
    if (next === null) return undefined
    rest = name.rest.slice(next[0].length)
    if (next[1] === ')') return { names, rest }
  }
}

/** The columns of a CREATE TABLE, in their order. */
export function createdTable(text: string): { schema: string; table: string; columns: string[] } | undefined {
  const head = /^\s*CREATE\s+(?:UNLOGGED\s+|FOREIGN\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?/i.exec(text)
  const name = head === null ? undefined : qualifiedName(text.slice(head[0].length))
  if (name === undefined) return undefined
  // pg_dump writes a column or a constraint on a line of its own.
  const lines = name.rest.split('\n').map((line) => line.trim())
  const isColumn = (line: string) =>
    /^["A-Za-z_\u0080-\uffff]/.test(line) &&
    !/^(CONSTRAINT|PRIMARY KEY|UNIQUE|CHECK|FOREIGN KEY|EXCLUDE|LIKE|PARTITION|INHERITS|WITH|SERVER|OPTIONS)\b/i.test(
      line,
    )
  return {
    schema: name.schema,
    table: name.table,
    columns: lines.filter(isColumn).flatMap((line) => qualifiedName(line)?.table ?? []),
  }
}

/** What an INSERT puts where; `undefined` when the statement is none, or more than pg_dump writes. */
export function insertOf(text: string): Insert | undefined {
  const head = /^\s*INSERT\s+INTO\s+/i.exec(text)
  const name = head === null ? undefined : qualifiedName(text.slice(head[0].length))
  if (name === undefined) return undefined
  const list = nameList(name.rest)
  const values = /^\s*(?:OVERRIDING\s+(?:SYSTEM|USER)\s+VALUE\s+)?VALUES\s*/i.exec(list?.rest ?? name.rest)
  if (values === null) return undefined
  const rows = tuples((list?.rest ?? name.rest).slice(values[0].length))
  return rows && { schema: name.schema, table: name.table, columns: list?.names, rows }
}

/** What is no text in quotes, and what follows a value. */
const bare = /(?:(NULL|DEFAULT)\b|(true|false)\b|([-+]?[\d.]+(?:e[-+]?\d+)?|'?NaN'?))/iy
const behind = /(?:::[\w\s"[\].]+)?\s*([,)])/y

function tuples(text: string): Value[][] | undefined {
  const rows: Value[][] = []
  let at = 0
  for (;;) {
    const open = text.indexOf('(', at)
    if (open < 0) return undefined
    const row: Value[] = []
    at = open + 1
    for (let more = true; more; ) {
      const found = valueAt(text, at)
      if (found === undefined) return undefined
      behind.lastIndex = found.end
      const next = behind.exec(text)
      if (next === null) return undefined
      row.push(found.value)
      more = next[1] === ','
      at = behind.lastIndex
    }
    rows.push(row)
    const next = /^\s*([,;]|ON\s+CONFLICT\s+DO\s+NOTHING\s*;)/i.exec(text.slice(at, at + 100))
    if (next === null) return undefined
    if (next[1] !== ',') return rows
    at += next[0].length
  }
}

function valueAt(text: string, from: number): { readonly value: Value; readonly end: number } | undefined {
  let at = from
  while (/\s/.test(text[at] ?? '')) at++
  const escapes = /^e'/i.test(text.slice(at, at + 2))
  const begin = escapes ? at + 2 : at + 1
  const end = escapes || text[at] === "'" ? quoteAt(text, begin, escapes ? 'escapes' : 'plain') : undefined
  if (end !== undefined) {
    const inside = text.slice(begin, end).replaceAll("''", "'")
    return { value: escapes ? unescaped(inside) : inside, end: end + 1 }
  }
  bare.lastIndex = at
  const found = bare.exec(text)
  if (found === null) return undefined
  const [, nothing, truth, number] = found
  return { value: nothing === undefined ? (truth?.toLowerCase() ?? number ?? null) : null, end: bare.lastIndex }
}

/** Where a text in quotes ends. Step by step: an expression would need room for each step of a long one. */
function quoteAt(text: string, from: number, how: 'escapes' | 'plain'): number | undefined {
  for (let at = from; at < text.length; at++) {
    if (how === 'escapes' && text[at] === '\\') at++
    else if (text[at] === "'") {
      if (text[at + 1] !== "'") return at
      at++
    }
  }
  return undefined
}

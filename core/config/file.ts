/** The config file as text: YAML (JSON is YAML too) to a plain value, with the place of every key and value. @module */
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import type { ConfigProblem, Locate, Path, Place } from './problems.ts'

/** A parsed file. The value may be used only when there are no problems. */
export interface ParsedFile {
  readonly value: unknown
  readonly locate: Locate
  readonly problems: readonly ConfigProblem[]
}

type Doc = Document.Parsed<ParsedNode, true>

/** Parses the text of a config file; `file` is its name in messages. */
export function parseFile(text: string, file: string): ParsedFile {
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, merge: false })
  const place = (offset: number | undefined): Place => ({ file, ...position(lines, offset ?? 0) })
  const problems = [
    ...doc.errors.map((error) => ({ ...place(error.pos[0]), path: '', message: yamlWords(error) })),
    ...refused(doc).map(({ offset, message }) => ({ ...place(offset), path: '', message })),
  ]
  const locate: Locate = (path, part) => place(offsetOf(doc, path, part))
  if (problems.length > 0) return { value: undefined, locate, problems }
  const value: unknown = doc.toJS()
  if (isMap(doc.contents)) return { value, locate, problems }
  const message = value === null ? 'the file is empty; `labgate init` writes a first one' : 'must be `key: value` lines'
  return { value: undefined, locate, problems: [{ ...place(0), path: '', message }] }
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

const yamlMessages: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab indents this line; YAML wants spaces',
  RESOURCE_EXHAUSTION: 'this is nested too deeply',
  MULTIPLE_DOCS: 'a second document begins here (`---`); one file holds one config',
}

function yamlWords(error: YAMLError): string {
  return yamlMessages[error.code] ?? `this is not YAML: ${error.message}`
}

/** Anchors, aliases and tags would make one value stand in two places: mistakes could not be pointed at. */
function refused(doc: Doc): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = []
  visit(doc, {
    Alias: (_, node) => {
      found.push({ offset: node.range?.[0] ?? 0, message: 'an alias (`*name`) is not supported; write the value out' })
    },
    Node: (_, node) => {
      const offset = node.range?.[0] ?? 0
      if ('anchor' in node && node.anchor) {
        found.push({ offset, message: 'an anchor (`&name`) is not supported; write the value where it is needed' })
      }
      if (node.tag?.startsWith('!')) found.push({ offset, message: 'a tag (`!name`) is not supported' })
    },
    Map: (_, { items }) => {
      found.push(...twice(items).map((offset) => ({ offset, message: 'this key stands here twice' })))
    },
    Pair: (_, pair) => {
      const { key } = pair
      if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number')) {
        found.push({ offset: startOf(key) ?? 0, message: 'a key must be a word; put it in quotes' })
      }
    },
  })
  return found
}

/** Where keys stand that were there before. The library's own look compares each with all, which takes minutes for a large file. */
function twice(items: readonly Pair[]): number[] {
  const seen = new Set<string>()
  return items.flatMap(({ key }) => {
    if (!isScalar(key)) return []
    const name = String(key.value)
    if (seen.has(name)) return [key.range?.[0] ?? 0]
    seen.add(name)
    return []
  })
}

/** The offset of the deepest part of the path that the file has. */
function offsetOf(doc: Doc, path: Path, part: 'key' | 'value'): number | undefined {
  let node: unknown = doc.contents
  let offset: number | undefined
  for (const [index, step] of path.entries()) {
    const pair = isMap(node) ? pairOf(node.items, step) : undefined
    const next: unknown = pair === undefined && isSeq(node) ? node.items[Number(step)] : pair?.value
    if (pair === undefined && next === undefined) return offset
    const wantsKey = part === 'key' || index < path.length - 1 || !hasText(next)
    offset = (wantsKey && pair !== undefined ? startOf(pair.key) : startOf(next)) ?? offset
    node = next
  }
  return offset
}

function pairOf(items: readonly Pair[], step: string | number): Pair | undefined {
  return items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
}

/** `key:` with nothing behind it is pointed at by its key. */
function hasText(node: unknown): boolean {
  return isNode(node) && (node.range?.[1] ?? 0) > (node.range?.[0] ?? 0)
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

/**
 * A reader of the small, flat XML that LabArchives answers. Strict: no document types, no entities but the five that XML
 * knows by itself, no processing instructions, one root, capped in size and depth. Attributes are read over.
 * @module
 */

/** An element: its own text, trimmed, and the elements in it. */
export interface Element {
  readonly name: string
  readonly text: string
  readonly children: readonly Element[]
}

interface Open {
  readonly name: string
  text: string
  readonly children: Element[]
}

/** Characters, elements within each other, elements. */
const most = { length: 512 * 1024, depth: 16, elements: 20_000 }

const name = '[A-Za-z_][A-Za-z0-9_.-]*'
const attributes = `(?:\\s+${name}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*\\s*`
const token = new RegExp(
  `<(?<open>${name})${attributes}(?<empty>/?)>|</(?<close>${name})\\s*>|(?<text>[^<]+)` +
    '|<!\\[CDATA\\[(?<raw>[^]*?)\\]\\]>|<!--(?:(?!--)[^])*-->',
  'y',
)
const declaration = /^\uFEFF?<\?xml\s+version\s*=\s*["']1\.[01]["'](?<rest>[^?<>]*)\?>/
const otherEncoding = /encoding\s*=\s*["'](?!utf-8["'])/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 §2.2 excludes.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

/**
 * Reads a document. Its messages never quote the document, which may echo what was asked, signature included.
 * Spec: XML 1.0 §2.1, §2.2, §4.1, §4.6, without §2.8's document types.
 * @throws SyntaxError when it is anything else than plain elements and text
 */
export function readXml(document: string): Element {
  if (document.length > most.length) throw new SyntaxError('the XML is too large')
  if (forbidden.test(document)) throw new SyntaxError('the XML holds control characters')
  const head = declaration.exec(document)
  if (head !== null && otherEncoding.test(head.groups?.rest ?? '')) throw new SyntaxError('the XML is not UTF-8')
  return build(document, head?.[0].length ?? (document.startsWith('\uFEFF') ? 1 : 0))
}

function build(document: string, from: number): Element {
  const top: Open = { name: '', text: '', children: [] }
  const stack: Open[] = [top]
  let count = 0
  for (let at = from; at < document.length; at = token.lastIndex) {
    token.lastIndex = at
    const found = token.exec(document)?.groups
    if (found === undefined) throw new SyntaxError(refusalAt(document, at))
    if (found.open !== undefined && ++count > most.elements) throw new SyntaxError('the XML has too many elements')
    take(stack, found)
  }
  const [root, ...others] = top.children
  if (stack.length > 1) throw new SyntaxError('the XML breaks off')
  if (root === undefined || others.length > 0 || top.text.trim() !== '')
    throw new SyntaxError('the XML has no one root')
  return root
}

function refusalAt(document: string, at: number): string {
  if (/^<!(?:DOCTYPE|ENTITY)/i.test(document.slice(at, at + 9))) return 'the XML has a document type, which is refused'
  return `this is no XML, or more of it than is read here (character ${at})`
}

function take(stack: Open[], found: Readonly<Record<string, string | undefined>>): void {
  const current = stack.at(-1)
  if (current === undefined) return
  if (found.text !== undefined) current.text += decoded(found.text)
  else if (found.raw !== undefined) current.text += found.raw
  else if (found.open !== undefined) begin(stack, found.open)
  if (found.close !== undefined || found.empty === '/') end(stack, found.close ?? found.open)
}

function begin(stack: Open[], opened: string): void {
  if (stack.length > most.depth) throw new SyntaxError('the XML is too deep')
  stack.push({ name: opened, text: '', children: [] })
}

function end(stack: Open[], closed: string | undefined): void {
  const done = stack.pop()
  const parent = stack.at(-1)
  if (done === undefined || parent === undefined || done.name !== closed) {
    throw new SyntaxError('the XML closes what is not open')
  }
  parent.children.push({ name: done.name, text: done.text.trim(), children: done.children })
}

const entities: Readonly<Record<string, string>> = { 'amp;': '&', 'lt;': '<', 'gt;': '>', 'quot;': '"', 'apos;': "'" }

function decoded(text: string): string {
  return text.replace(/&([^;&\s]*;?)/g, (_, reference: string) => {
    const character = Object.hasOwn(entities, reference) ? entities[reference] : numbered(reference)
    if (character === undefined) throw new SyntaxError('the XML has an entity of its own, which is refused')
    return character
  })
}

function numbered(reference: string): string | undefined {
  const found = /^#(?:x(?<hex>[0-9a-fA-F]{1,6})|(?<decimal>\d{1,7}));$/.exec(reference)?.groups
  if (found === undefined) return undefined
  const point = found.hex === undefined ? Number(found.decimal) : Number.parseInt(found.hex, 16)
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined
  const character = String.fromCodePoint(point)
  return forbidden.test(character) ? undefined : character
}

/**
 * The one child of a name; children of children do not count, and their order means nothing.
 * @throws SyntaxError when there are several: which one to believe is not for us to choose
 */
export function childOf(element: Element, tag: string): Element | undefined {
  const [found, second] = element.children.filter((child) => child.name === tag)
  if (second !== undefined) throw new SyntaxError(`the XML has several <${tag}>`)
  return found
}

/** The text of the one child of a name; `undefined` when there is none or it is empty. */
export function textIn(element: Element, tag: string): string | undefined {
  return childOf(element, tag)?.text || undefined
}

/** Finds English of ours on a page that should be in another language. @module */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './sources.ts'

type Tree = { readonly [key: string]: string | Tree }

const flat = (tree: Tree): string[] =>
  Object.values(tree).flatMap((value) => (typeof value === 'string' ? [value] : flat(value)))
const read = (file: string) => flat(JSON.parse(readFileSync(join(root, 'core/pages/texts', file), 'utf8')) as Tree)

/** Pieces of our English texts between their places, long enough to be told from a name. */
const pieces = new Set(
  read('en.json')
    .flatMap((text) => text.split(/\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/))
    .map((piece) => piece.replace(/^[\s.,:;”“]+|[\s.,:;”“]+$/g, ''))
    .filter((piece) => piece.length >= 4),
)

/** The texts of a page as a person reads or hears them: elements and the attributes that are spoken. */
export function readable(html: string): readonly string[] {
  const body = html.replace(/<(style|script)[\s\S]*?<\/\1>/g, ' ')
  const spoken = [...body.matchAll(/\s(?:aria-label|title|alt|placeholder)="([^"]*)"/g)].map(([, text = '']) => text)
  return [...spoken, ...body.split(/<[^>]*>/)].map((text) => plain(text)).filter((text) => text !== '')
}

function plain(text: string): string {
  const signs: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return text
    .replace(/&(#39|\w+);/g, (_all, name: string) => signs[name] ?? "'")
    .replace(/\s+/g, ' ')
    .trim()
}

/** English of ours that a person would read on the page; what `data` holds is others' words. */
export function englishOn(html: string, options: { readonly language: string; readonly data?: string }): string[] {
  const own = read(`${options.language}.json`).join('\n')
  const others = (options.data ?? '').toLowerCase()
  return readable(html).filter((text) =>
    [...pieces].some(
      (piece) =>
        (text === piece || (piece.length >= 16 && text.includes(piece))) &&
        !own.includes(piece) &&
        !others.includes(piece.toLowerCase()),
    ),
  )
}

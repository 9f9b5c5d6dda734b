/** The words of the pages: one JSON file a language, by view and key; English is what other languages fall back to. @module */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Values for the `{name}` places of a text. */
export type TextValues = Readonly<Record<string, string | number>>

/** Looks up a text: `t('chooser.title', { client })`. */
export interface Text {
  /** @throws TypeError when no language has the key */
  (key: string, values?: TextValues): string
  /** The text, or `undefined` when no language has the key. */
  find(key: string, values?: TextValues): string | undefined
  /** The language of the texts, a BCP 47 tag. */
  readonly locale: string
}

/** All languages: `english` and what was laid beside it. */
export interface Texts {
  /** Tags of the languages that are there; `en` is always among them. */
  readonly locales: readonly string[]
  /** The texts of a language; an unknown one gets English. */
  in(locale: string): Text
  /** The best language for an `Accept-Language` header (RFC 9110 §12.5.4, lookup of RFC 4647 §3.4). */
  choose(acceptLanguage: string | undefined): string
}

type Tree = { readonly [key: string]: string | Tree }
type Flat = ReadonlyMap<string, string>

/** Reads `<language>.json` from each folder; a later folder's texts win, key by key. A folder that is not there is skipped. */
export function loadTexts(folders: readonly string[]): Texts {
  const languages = new Map<string, Map<string, string>>()
  for (const [locale, file] of folders.flatMap(languageFiles)) {
    const known = languages.get(locale) ?? new Map<string, string>()
    for (const [key, text] of flatten(JSON.parse(readFileSync(file, 'utf8')) as Tree)) known.set(key, text)
    languages.set(locale, known)
  }
  return textsOf(languages)
}

function languageFiles(folder: string): readonly (readonly [locale: string, file: string])[] {
  return filesIn(folder)
    .filter((name) => /^[A-Za-z-]+\.json$/.test(name))
    .map((name) => [name.slice(0, -'.json'.length), join(folder, name)] as const)
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function flatten(tree: Tree, prefix = ''): readonly (readonly [string, string])[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[prefix + key, value] as const] : flatten(value, `${prefix}${key}.`),
  )
}

function textsOf(languages: ReadonlyMap<string, Flat>): Texts {
  const english = languages.get('en') ?? new Map<string, string>()
  const made = new Map([...languages].map(([locale, own]) => [locale, textOf({ locale, own, english })]))
  const fallback = made.get('en') ?? textOf({ locale: 'en', own: english, english })
  const locales = [...new Set(['en', ...languages.keys()])]
  return {
    locales,
    in: (locale) => made.get(locale) ?? fallback,
    choose: (acceptLanguage) => chooseLocale(acceptLanguage, locales),
  }
}

function textOf({ locale, own, english }: { locale: string; own: Flat; english: Flat }): Text {
  const find = (key: string, values: TextValues = {}) => {
    const text = own.get(key) ?? english.get(key)
    return text === undefined ? undefined : fill(text, values)
  }
  const text = (key: string, values?: TextValues) => {
    const found = find(key, values)
    if (found === undefined) throw new TypeError(`no language has the text ${JSON.stringify(key)}`)
    return found
  }
  return Object.assign(text, { find, locale })
}

function fill(text: string, values: TextValues): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : place,
  )
}

/** The language of `available` that an `Accept-Language` header likes best; `en` when there is none. */
export function chooseLocale(acceptLanguage: string | undefined, available: readonly string[]): string {
  for (const range of rangesOf(acceptLanguage ?? '')) {
    const match = lookUp(range, available)
    if (match !== undefined) return match
  }
  return 'en'
}

function rangesOf(header: string): readonly string[] {
  return header
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [range = '', ...parameters] = part.trim().split(';')
      const quality = parameters
        .map((parameter) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/i.exec(parameter)?.[1])
        .find(Boolean)
      return { range: range.trim().toLowerCase(), quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter(({ range, quality }) => range !== '' && range !== '*' && quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ range }) => range)
}

function lookUp(range: string, available: readonly string[]): string | undefined {
  for (let tag = range; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
    const found = available.find((locale) => locale.toLowerCase() === tag)
    if (found !== undefined) return found
  }
  return undefined
}

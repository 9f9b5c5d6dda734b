/**
 * The words of the pages: one JSON file a language, by view and key; English is what other languages fall back to.
 * `{name}` is a place for a value, and `{count, plural, one {# day} other {# days}}` chooses by number, as in ICU's
 * messages (the cases are those of CLDR for the language; `#` is the number). Numbers are written as the language does.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@labgate/contract'
import { kept } from './when.ts'

/** Values for the `{name}` places of a text. */
export type TextValues = Readonly<Record<string, string | number>>

/** Looks up a text: `t('chooser.title', { client })`. */
export interface Text {
  /** @throws TypeError when no language has the key */
  (key: string, values?: TextValues): string
  /** The text, or `undefined` when no language has the key. */
  find(key: string, values?: TextValues): string | undefined
  /** A message that was made in English, of a fault for instance, in this language; as it is where that has none for it. */
  message(english: string): string
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
  /** What those get whose browser asks for nothing that is there. */
  readonly fallback: string
}

type Tree = { readonly [key: string]: string | Tree }
type Flat = ReadonlyMap<string, string>

/**
 * Reads `<language>.json` from each folder; a later folder's texts win, key by key. A folder that is not there is
 * skipped. `fallback` is the site's own language, English unless it says otherwise.
 * @throws Fault ERR_CONFIG when there are no texts in the site's language
 */
export function loadTexts(folders: readonly string[], fallback = 'en'): Texts {
  const messages = new Map(languageFiles(messagesFolder).map(([locale, file]) => [locale, messagesOf(file)]))
  const languages = new Map<string, Map<string, string>>()
  for (const [locale, file] of folders.flatMap(languageFiles)) {
    const known = languages.get(locale) ?? new Map<string, string>()
    for (const [key, text] of flatten(JSON.parse(readFileSync(file, 'utf8')) as Tree)) known.set(key, text)
    languages.set(locale, known)
  }
  const texts = textsOf(languages, { siteLanguage: fallback, messages })
  if (texts.locales.includes(fallback)) return texts
  throw new Fault('ERR_CONFIG', `language: there are no texts in ${fallback}; there are ${texts.locales.join(', ')}`)
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

interface Site {
  readonly siteLanguage: string
  readonly messages: ReadonlyMap<string, Translate>
}

/** Most headers of browsers whose language is remembered. */
const mostHeaders = 200

function textsOf(languages: ReadonlyMap<string, Flat>, { siteLanguage, messages }: Site): Texts {
  const english = languages.get('en') ?? new Map<string, string>()
  const made = new Map(
    [...languages].map(([locale, own]) => [locale, textOf({ locale, own, english, message: messages.get(locale) })]),
  )
  const fallback = made.get('en') ?? textOf({ locale: 'en', own: english, english })
  const locales = [...new Set(['en', ...languages.keys()])]
  const chosen = new Map<string, string>()
  return {
    locales,
    in: (locale) => made.get(locale) ?? fallback,
    choose(acceptLanguage = '') {
      const known = chosen.get(acceptLanguage)
      if (known !== undefined) return known
      const locale = chooseLocale(acceptLanguage, locales) ?? siteLanguage
      // Browsers send a few of them all the time; who sends others is answered all the same.
      if (chosen.size < mostHeaders) chosen.set(acceptLanguage, locale)
      return locale
    },
    fallback: siteLanguage,
  }
}

function textOf(given: { locale: string; own: Flat; english: Flat; message?: Translate | undefined }): Text {
  const { locale, own, english, message = (said) => said } = given
  const find = (key: string, values: TextValues = {}) => {
    const text = own.get(key) ?? english.get(key)
    return text === undefined ? undefined : fill(text, values, own.has(key) ? locale : 'en')
  }
  const text = (key: string, values?: TextValues) => {
    const found = find(key, values)
    if (found === undefined) throw new TypeError(`no language has the text ${JSON.stringify(key)}`)
    return found
  }
  return Object.assign(text, { find, message, locale })
}

/** Messages of faults, English to each language; a test compares them with the sources. */
const messagesFolder = join(import.meta.dirname, 'messages')

type Translate = (english: string) => string

/** Places of a message have numbers: `There is no group “{0}”.` */
function messagesOf(file: string): Translate {
  const known = new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>))
  const patterns = [...known]
    .filter(([english]) => /\{\d\}/.test(english))
    // What says most of itself is tried first: `There is no dataset {0}.` before `There is no {0}.`
    .toSorted(([a], [b]) => b.length - a.length)
    .map(([english, said]) => {
      const parts = english.split(/\{\d\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      return { pattern: new RegExp(`^${parts.join('([^]{1,300}?)')}$`), said }
    })
  const translate = (english: string, depth = 0): string => {
    const exact = known.get(english)
    if (exact !== undefined) return exact
    for (const { pattern, said } of patterns) {
      const found = pattern.exec(english)
      // What stands in a place may be words of ours, too: `This needs a site admin.`
      const value = (index: string) =>
        depth < 2 ? translate(found?.[Number(index) + 1] ?? '', depth + 1) : (found?.[Number(index) + 1] ?? '')
      if (found) return said.replace(/\{(\d)\}/g, (_whole, index: string) => value(index))
    }
    return english
  }
  return (english) => translate(english)
}

const pluralsOf = kept((locale) => new Intl.PluralRules(locale))
const numbersOf = kept((locale) => new Intl.NumberFormat(locale))
const place = /\{(\w+), plural, ((?:\w+ \{[^{}]*\} ?)+)\}|\{(\w+)\}/g

function fill(text: string, values: TextValues, locale: string): string {
  if (!text.includes('{')) return text
  return text.replace(place, (whole, counted: string | undefined, cases: string, name: string) => {
    if (counted !== undefined)
      return Object.hasOwn(values, counted) ? plural(Number(values[counted]), cases, locale) : whole
    return Object.hasOwn(values, name) ? written(values[name] as string | number, locale) : whole
  })
}

function plural(count: number, cases: string, locale: string): string {
  const words = new Map([...cases.matchAll(/(\w+) \{([^{}]*)\}/g)].map(([, name = '', text = '']) => [name, text]))
  const chosen = words.get(pluralsOf(locale).select(count)) ?? words.get('other') ?? ''
  return chosen.replaceAll('#', () => written(count, locale))
}

function written(value: string | number, locale: string): string {
  return typeof value === 'string' ? value : numbersOf(locale).format(value)
}

/** The language of `available` that an `Accept-Language` header likes best, if it likes one. */
export function chooseLocale(acceptLanguage: string | undefined, available: readonly string[]): string | undefined {
  for (const range of rangesOf(acceptLanguage ?? '')) {
    const match = lookUp(range, available)
    if (match !== undefined) return match
  }
  return undefined
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

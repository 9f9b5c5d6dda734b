/** A plugin's texts: checked at load, spoken with English where a language lacks a key. @module */

import type { TextOf } from './instance.ts'
import { isRecord } from './record.ts'

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What is wrong with a plugin's texts; empty when nothing is. */
export function textProblems(text: unknown): readonly string[] {
  if (!isRecord(text)) return ['`text` must be an object of languages, each an object of texts']
  const english = text.en
  if (!isRecord(english)) return ['`text.en` is missing; every other language falls back to it']
  return Object.entries(text).flatMap(([language, texts]) => languageProblems(language, texts, english))
}

function languageProblems(language: string, texts: unknown, english: Readonly<Record<string, unknown>>): string[] {
  if (!isRecord(texts)) return [`\`text.${language}\` must be an object of texts`]
  return Object.entries(texts).flatMap(([key, value]) => {
    if (typeof value !== 'string') return [`\`text.${language}.${key}\` must be a string`]
    if (!Object.hasOwn(english, key)) return [`\`text.${language}.${key}\` has no English text; is the key misspelt?`]
    return []
  })
}

/**
 * Speaks a plugin's texts: `de-CH` falls back to `de`, then to English; `{name}` becomes `values.name`.
 * @throws TypeError on a key that has no English text: a mistake of the plugin's author
 */
export function textOf(text: Table, plugin: string): TextOf {
  return (key, values = {}, locale = 'en') => {
    const found = languagesOf(locale)
      .map((language) => own(own(text, language), key))
      .find((candidate) => candidate !== undefined)
    if (found === undefined) throw new TypeError(`${plugin} has no text \`${key}\``)
    return found.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(own(values, name) ?? whole))
  }
}

function languagesOf(locale: string): readonly string[] {
  return [locale, locale.split('-')[0] ?? 'en', 'en']
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
}

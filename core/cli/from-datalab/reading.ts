/** Values of datalab read as what they must be. What is wrong is collected, with place and mend, and never repeated. @module */

import type { ConfigProblem } from '../../config/problems.ts'
import { isPlainObject } from '../../config/units.ts'
import type { Found, Name, Settings } from './settings.ts'

/** Reads values; `undefined` is "not set", or wrong and told. */
export interface Reading {
  readonly problems: ConfigProblem[]
  wrong(found: Found, message: string): undefined
  text(found: Found | undefined): string | undefined
  /** As it stands: a secret may begin and end with blanks. */
  secret(name: Name): string | undefined
  url(found: Found | undefined): string | undefined
  flag(found: Found | undefined): boolean | undefined
  whole(found: Found | undefined, range: Range): number | undefined
  /** `null` is a value of its own here. */
  texts(found: Found | undefined): readonly string[] | null | undefined
  list(found: Found | undefined): readonly Found[] | undefined
  tree(found: Found | undefined): Found | undefined
  /** Whether the setting has a value other than null. */
  isSet(name: Name): boolean
}

/** What a whole number may be. */
export interface Range {
  readonly least: number
  readonly most: number
}

/** Makes a reading of settings. */
export function readingOf(settings: Settings): Reading {
  const problems: ConfigProblem[] = []
  const wrong = (found: Found, message: string) => {
    problems.push({ ...found.place, path: found.label, message })
    return undefined
  }
  const texts: Reading['texts'] = (found) => {
    const read = jsonOf(found)
    if (read === undefined || read.value === null) return read && null
    if (Array.isArray(read.value) && read.value.every(isWord)) return read.value.map((one) => String(one).trim())
    return wrong(read, 'must be a list of texts, or null (in the environment as JSON: ["one", "two"])')
  }
  return {
    ...{ problems, wrong, texts },
    text: (found) => {
      if (isAbsent(found)) return undefined
      return typeof found.value === 'string' ? found.value.trim() || undefined : wrong(found, 'must be a text')
    },
    secret: (name) => {
      const value = settings.find(name)?.value
      return typeof value === 'string' && value.trim() !== '' ? value : undefined
    },
    url: (found) => {
      if (isAbsent(found)) return undefined
      const { value } = found
      const isUrl = typeof value === 'string' && /^https?:\/\/[^\s"<>]+$/.test(value) && URL.canParse(value)
      return isUrl ? value : wrong(found, 'must be an address such as https://lab.example.org')
    },
    flag: (found) => {
      if (isAbsent(found)) return undefined
      return flags[String(found.value).trim().toLowerCase()] ?? wrong(found, 'must be true or false')
    },
    whole: (found, { least, most }) => {
      if (isAbsent(found)) return undefined
      const isNumber = typeof found.value === 'number' || /^\s*[0-9]{1,15}\s*$/.test(String(found.value))
      const number = isNumber ? Number(found.value) : Number.NaN
      if (Number.isSafeInteger(number) && number >= least && number <= most) return number
      return wrong(found, `must be a whole number from ${least} to ${most}`)
    },
    list: (found) => {
      const read = jsonOf(found)
      if (isAbsent(read)) return undefined
      return Array.isArray(read.value)
        ? read.value.map((_, index) => read.within(index))
        : wrong(read, `must be a list${inJson}`)
    },
    tree: (found) => {
      const read = jsonOf(found)
      if (isAbsent(read)) return undefined
      return isPlainObject(read.value) ? read : wrong(read, `must have members${inJson}`)
    },
    isSet: (name) => !isAbsent(settings.find(name)),
  }
}

const inJson = ' (in the environment as JSON)'

/** As pydantic reads them. */
const flags: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['true', '1', 'on', 't', 'y', 'yes'].map((word) => [word, true] as const),
  ...['false', '0', 'off', 'f', 'n', 'no'].map((word) => [word, false] as const),
])

function isAbsent(found: Found | undefined): found is undefined {
  return found === undefined || found.value === undefined || found.value === null || found.value === ''
}

function isWord(value: unknown): boolean {
  return (typeof value === 'string' && value.trim() !== '') || typeof value === 'number'
}

/** In the environment lists and objects are written in JSON; what is none stays a text, and is refused as one. */
function jsonOf(found: Found | undefined): Found | undefined {
  if (typeof found?.value !== 'string') return found
  try {
    const value: unknown = JSON.parse(found.value)
    return valueInstead(found, value)
  } catch {
    // The error would repeat the text, and with it what may be secret.
    return found
  }
}

function valueInstead(found: Found, value: unknown): Found {
  const within = (key: string | number) => {
    const isMember = Array.isArray(value) || (isPlainObject(value) && Object.hasOwn(value, key))
    const member: unknown = isMember ? (value as Readonly<Record<string | number, unknown>>)[key] : undefined
    const label = typeof key === 'number' ? `${found.label}[${key}]` : `${found.label}.${key}`
    return valueInstead({ ...found, label }, member)
  }
  return { ...found, value, within }
}

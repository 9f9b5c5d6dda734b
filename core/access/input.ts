/** What may stand in the ledger's names and texts: one place that checks, and words that say what would do. @module */
import { Fault } from '@labgate/contract'

const slugPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/
const aliasPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const bucketPattern = /^[a-z][a-z0-9+.-]{0,15}:\/\/[A-Za-z0-9][A-Za-z0-9._-]{0,221}(?::\d{1,5})?$/
// What cannot be seen, or makes other characters appear where they do not stand.
const unseen = /[\p{C}\p{Zl}\p{Zp}]/u
// Prose may join letters (Persian, emoji) by invisible marks; it may not steer a terminal or turn its direction.
const unfitForProse = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/u
const largestRoot = 2n ** 64n - 1n

/** Refuses what was typed. @throws Fault ERR_INPUT always */
export function refuse(message: string): never {
  throw new Fault('ERR_INPUT', message)
}

// Input comes from forms, JSON and YAML: a number or a list may stand where the types say text.
function asText(value: unknown, what: string): string {
  return typeof value === 'string' ? value : refuse(`${what} must be a text.`)
}

/** A value as it may be shown in a message. */
export function shown(value: string): string {
  const cut = value.length > 80 ? `${value.slice(0, 80)}…` : value
  return `“${cut.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')}”`
}

/** A dataset's slug. */
export function checkSlug(slug: string): string {
  return slugPattern.test(asText(slug, 'The slug'))
    ? slug
    : refuse(
        `${shown(slug)} cannot be a slug: use up to 64 small letters, digits, dots, dashes and underscores, beginning with a letter or digit.`,
      )
}

/** Another name of a dataset. */
export function checkAlias(alias: string): string {
  return aliasPattern.test(asText(alias, 'An alias'))
    ? alias
    : refuse(
        `${shown(alias)} cannot be an alias: use up to 128 letters, digits, dots, colons, dashes and underscores, beginning with a letter or digit.`,
      )
}

/** A name that a service uses: visible characters, in their composed form (Unicode NFC), no space at its ends. */
export function checkName(name: string, { what, longest }: { what: string; longest: number }): string {
  const text = asText(name, what)
  if (text === '' || text.length > longest) refuse(`${what} ${shown(text)} must have 1 to ${longest} characters.`)
  const plain = !unseen.test(text) && text === text.trim() && text === text.normalize('NFC')
  return plain ? text : refuse(`${what} ${shown(text)} must be of visible characters, without space at its ends.`)
}

/** A version's name. */
export function checkVersion(version: string): string {
  const name = checkName(version, { what: 'The version', longest: 64 })
  return name.includes('/') ? refuse(`The version ${shown(name)} must not contain a slash.`) : name
}

/** A line of prose, trimmed; `least` 0 lets it be empty. */
export function checkLine(
  line: string,
  { what, least, longest }: { what: string; least: 0 | 1; longest: number },
): string {
  const text = asText(line, what).trim()
  if (text.length < least || text.length > longest) refuse(`${what} must have ${least} to ${longest} characters.`)
  return unfitForProse.test(text) ? refuse(`${what} must be one line without control characters.`) : text
}

/** Prose of several lines, trimmed. */
export function checkText(text: string, { what, longest }: { what: string; longest: number }): string {
  const prose = asText(text, what).replaceAll('\r\n', '\n').trim()
  if (prose.length > longest) refuse(`${what} must have at most ${longest} characters.`)
  return unfitForProse.test(prose.replaceAll(/[\n\t]/g, ' '))
    ? refuse(`${what} must be without control characters.`)
    : prose
}

/** A bucket with its scheme, such as `gs://lab-bucket`. */
export function checkBucket(bucket: string): string {
  return bucketPattern.test(asText(bucket, 'The bucket'))
    ? bucket
    : refuse(`${shown(bucket)} is no bucket: write its scheme and name and no more, such as gs://lab-bucket.`)
}

/** A prefix in a bucket. */
export function checkPrefix(prefix: string): string {
  const text = asText(prefix, 'The prefix')
  const fits = text.length <= 1024 && !text.startsWith('/') && !text.includes('..') && !/[\\]/.test(text)
  return fits && !unseen.test(text)
    ? text
    : refuse(`The prefix ${shown(text)} must be a plain path: no slash in front, no “..”, no control characters.`)
}

/** The id of an object: an unsigned 64-bit integer in decimal digits, without leading zeros. */
export function checkRoot(root: string): string {
  const fits = typeof root === 'string' && /^(?:0|[1-9]\d{0,19})$/.test(root) && BigInt(root) <= largestRoot
  return fits
    ? root
    : refuse(`${shown(String(root))} is no object id: write a number from 0 to ${largestRoot} in digits.`)
}

/**
 * What people type about datasets and grants: one entry a line, parts apart by `|`; instants in UTC; conditions on
 * facts as `claim = value; via sign-in; within 30 days`. What is read here is checked by the ledger.
 * @module
 */
import { Fault } from '@labgate/contract'
import { readFact } from '../access/fact-words.ts'
import type { Conditions, Dataset, DatasetPatch } from '../access/model.ts'

type Typed = Readonly<Record<string, string>>

/** The lines that say something. */
export function linesOf(text = ''): readonly string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function partsOf(line: string): readonly string[] {
  return line.split('|').map((part) => part.trim())
}

/** The lists of a dataset, as `formatLists` writes them. @throws Fault ERR_INPUT naming the line */
export function readLists(typed: Typed): Pick<DatasetPatch, 'aliases' | 'versions' | 'places' | 'tables'> {
  return {
    ...(typed.aliases === undefined ? {} : { aliases: linesOf(typed.aliases) }),
    ...(typed.versions === undefined ? {} : { versions: linesOf(typed.versions).map(versionOf) }),
    ...(typed.places === undefined ? {} : { places: linesOf(typed.places).map(placeOf) }),
    ...(typed.tables === undefined ? {} : { tables: linesOf(typed.tables).map(tableOf) }),
  }
}

/** The lists of a dataset as texts of one entry a line. */
export function formatLists({ aliases, versions, places, tables }: Dataset) {
  return {
    aliases: aliases.join('\n'),
    versions: versions.map(({ version, title }) => (title === '' ? version : `${version} | ${title}`)).join('\n'),
    places: places.map((place) => placeText(place) + (place.version ? ` | ${place.version}` : '')).join('\n'),
    tables: tables.map(tableText).join('\n'),
  }
}

/** `gs://bucket/prefix` */
export function placeText({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }): string {
  return prefix === '' ? bucket : `${bucket}/${prefix}`
}

/** `namespace | name` */
export function tableText({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace} | ${name}`
}

function versionOf(line: string) {
  const [version = '', ...title] = line.split('|')
  return { version: version.trim(), title: title.join('|').trim() }
}

function placeOf(line: string) {
  const [place = '', version] = partsOf(line)
  const found = /^([^/]+:\/\/[^/]+)(?:\/(.*))?$/.exec(place)
  if (!found?.[1]) throw new Fault('ERR_INPUT', `“${cut(line)}” is no place: write it as gs://bucket/prefix.`)
  return { bucket: found[1], prefix: found[2] ?? '', ...(version ? { version } : {}) }
}

/** A table as `tableText` writes it. @throws Fault ERR_INPUT */
export function tableOf(line: string) {
  const [namespace, name, more] = partsOf(line)
  if (!namespace || !name || more !== undefined)
    throw new Fault('ERR_INPUT', `“${cut(line)}” is no table: write its name space and its name with a | between.`)
  return { namespace, name }
}

/** Ids that were pasted: apart by blanks, commas or new lines. */
export function idsOf(text = ''): readonly string[] {
  return text.split(/[\s,;]+/).filter((id) => id !== '')
}

/** An instant as a field of a form has it, in UTC: `2030-01-31T12:00`. */
export function instantTyped(at: Date | undefined): string {
  return at === undefined ? '' : at.toISOString().slice(0, 16)
}

/** An instant for people: `2030-01-31 12:00 UTC`. */
export function instantText(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** @throws Fault ERR_INPUT for what is no day of the calendar */
export function instantOf(typed: string | undefined): Date | undefined {
  const text = typed?.trim() ?? ''
  if (text === '') return undefined
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?)?$/.exec(text)
  const plain = found && `${found[1]}T${found[2] ?? '00:00'}`
  const at = plain ? new Date(`${plain}:00.000Z`) : undefined
  // Some engines move a day that is in no calendar on to the next month.
  if (at === undefined || Number.isNaN(at.getTime()) || instantTyped(at) !== plain)
    throw new Fault('ERR_INPUT', `“${cut(text)}” is no day and time: write it as 2030-01-31T12:00, in UTC.`)
  return at
}

/** The conditions that a form has. @throws Fault ERR_INPUT */
export function readConditions(typed: Typed): Conditions {
  const [from, until] = [instantOf(typed.from), instantOf(typed.until)]
  const facts = linesOf(typed.facts).map(readFact)
  const group = typed.withinGroup?.trim()
  return {
    ...(typed.terms?.trim() ? { terms: termsOf(typed.terms) } : {}),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(facts.length === 0 ? {} : { facts }),
    ...(group ? { withinGroup: group } : {}),
  }
}

function termsOf(typed: string): { id: string; number: number } {
  const [id = '', number = '1', more] = partsOf(typed)
  if (!/^[1-9]\d{0,8}$/.test(number) || more !== undefined)
    throw new Fault('ERR_INPUT', `“${cut(typed)}” names no terms: write their id, then | and the number of the text.`)
  return { id, number: Number(number) }
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

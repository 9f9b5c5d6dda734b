/** What a dataset may be changed to: checks of the values alone, before anything is read. @module */

import {
  checkAlias,
  checkBucket,
  checkLine,
  checkName,
  checkPrefix,
  checkText,
  checkVersion,
  refuse,
  shown,
} from './input.ts'
import type { DatasetPatch } from './model.ts'

const longestList = 1000

/** A checked patch: what is `undefined` stays. */
export interface CheckedPatch {
  readonly title: string | undefined
  readonly description: string | undefined
  readonly visibility: 'listed' | 'hidden' | undefined
  readonly frozen: string | null | undefined
  readonly aliases: readonly string[] | undefined
  readonly versions: readonly { readonly version: string; readonly title: string }[] | undefined
  readonly places: readonly NewPlace[] | undefined
  readonly tables: readonly { readonly namespace: string; readonly name: string }[] | undefined
}

/** A place as it is written. */
export interface NewPlace {
  readonly version: string | undefined
  readonly bucket: string
  readonly prefix: string
}

/** Checks every value of a patch. @throws Fault ERR_INPUT */
export function checkPatch(patch: DatasetPatch): CheckedPatch {
  const { title, description, visibility, frozen, aliases, versions, places, tables } = patch
  if (visibility !== undefined && visibility !== 'listed' && visibility !== 'hidden')
    refuse('The visibility must be listed or hidden.')
  return {
    title: title === undefined ? undefined : checkLine(title, { what: 'The title', least: 1, longest: 200 }),
    description:
      description === undefined ? undefined : checkText(description, { what: 'The description', longest: 4000 }),
    visibility,
    frozen: frozen ? checkLine(frozen, { what: 'The reason for closing', least: 1, longest: 500 }) : checkOpen(frozen),
    aliases: listOf(aliases, 'aliases', { check: checkAlias, keyOf: (alias) => alias.toLowerCase() }),
    versions: listOf(versions, 'versions', { check: checkedVersion, keyOf: ({ version }) => version }),
    places: listOf(places, 'places', {
      check: checkedPlace,
      keyOf: ({ version, bucket, prefix }) => JSON.stringify([version, bucket, prefix]),
    }),
    tables: listOf(tables, 'tables', {
      check: ({ namespace, name }) => checkTable({ namespace, name }),
      keyOf: ({ namespace, name }) => JSON.stringify([namespace, name]),
    }),
  }
}

/** A table of a service. */
export function checkTable({ namespace, name }: { namespace: string; name: string }) {
  return {
    namespace: checkName(namespace, { what: 'The namespace of a table', longest: 128 }),
    name: checkName(name, { what: 'The name of a table', longest: 128 }),
  }
}

// An empty reason would be a closed dataset to one reader and an open one to another.
function checkOpen(frozen: string | null | undefined): null | undefined {
  return frozen === ''
    ? refuse('Say why the dataset is closed, for those who come to it.')
    : (frozen as null | undefined)
}

function checkedVersion({ version, title = '' }: { version: string; title?: string | undefined }) {
  return {
    version: checkVersion(version),
    title: checkLine(title, { what: 'The title of a version', least: 0, longest: 200 }),
  }
}

function checkedPlace(place: NonNullable<DatasetPatch['places']>[number]): NewPlace {
  return {
    version: place.version === undefined ? undefined : checkVersion(place.version),
    bucket: checkBucket(place.bucket),
    prefix: checkPrefix(place.prefix ?? ''),
  }
}

function listOf<From, To>(
  list: readonly From[] | undefined,
  what: string,
  { check, keyOf }: { check: (item: From) => To; keyOf: (item: To) => string },
): readonly To[] | undefined {
  if (list === undefined) return undefined
  if (!Array.isArray(list)) refuse(`The ${what} must be a list.`)
  if (list.length > longestList) refuse(`A dataset can have at most ${longestList} ${what}.`)
  const checked = list.map((item) => check(item))
  const seen = new Set<string>()
  for (const item of checked) {
    if (seen.has(keyOf(item))) refuse(`The ${what} name ${shown(keyOf(item))} twice.`)
    seen.add(keyOf(item))
  }
  return checked
}

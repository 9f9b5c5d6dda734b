/** Whether an instance of a new config is one that runs already: the same plugin with the same settings, secrets included. @module */
import { createHash } from 'node:crypto'
import { isSecret } from '@labgate/contract'
import type { Prepared } from './prepare.ts'

/** Tells two settings of an instance apart. A digest: secrets are in it and cannot be read out of it. */
export function printOf({ subject, entry, config }: Pick<Prepared, 'subject' | 'entry' | 'config'>): string {
  return digestOf({ use: subject.use, entry: { ...entry, config: undefined }, config })
}

/** A digest of a value of a config, whatever the order of its members. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(plain(value)) ?? 'nothing')
    .digest('base64url')
}

function plain(value: unknown): unknown {
  if (isSecret(value)) return { secret: value.reveal() }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]))
}

/** The audit trail without a person: lines and ids stay, addresses and what names the person go. @module */
import type { AccountId, Json } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'

/** What must not be read in the trail any more. */
export interface Unnamed {
  readonly ids: readonly AccountId[]
  /** Grants that were theirs: what was written as the reason goes. */
  readonly grants: readonly number[]
  /** Taken out wherever they stand in a text. */
  readonly texts: readonly string[]
  /** Short or common words: taken out where they are the whole of a value, or follow a colon in it. */
  readonly names: readonly string[]
}

interface Line {
  readonly id: number
  readonly account: string | null
  readonly detail: string | null
  /** As the database says yes and no. */
  readonly of_grant: number | boolean
}

const ofGrant = `(type in ('grant.added', 'grant.ended')
  and json_extract(detail, '$.grant') in (select value from json_each(?)))`
const blank = '[erased]'

/** Words of the house in lines about the person; whatever else is a text there may be the person's own. */
const plain = new Set([
  ...['instance', 'dataset', 'version', 'group', 'level', 'permission', 'terms', 'role', 'state', 'source', 'token'],
  ...['from', 'to', 'into', 'rule', 'scopes', 'until', 'expiresAt', 'endedAt', 'parent', 'serviceAccount', 'merged'],
  ...['subject', 'id', 'before', 'after', 'withinGroup', 'invitation'],
])

/** Rewrites every line that is about these accounts, by them, or names them. Within the caller's transaction. */
export async function eraseLines(em: EntityManager, unnamed: Unnamed): Promise<void> {
  const ids = JSON.stringify(unnamed.ids)
  const grants = JSON.stringify(unnamed.grants)
  const party = 'account in (select value from json_each(?)) or actor in (select value from json_each(?))'
  // From where somebody else acted upon them is not theirs.
  const own =
    'actor in (select value from json_each(?)) or (actor is null and account in (select value from json_each(?)))'
  await em.execute(`update audit_event set address = null where address is not null and (${own})`, [ids, ids])
  const words = [...new Set([...unnamed.texts, ...unnamed.names])].filter((word) => word !== '').map(escaped)
  const lines = await em.execute<Line[]>(
    `select id, account, detail, ${ofGrant} as of_grant from audit_event where detail is not null and (${party} or ${ofGrant}
       or exists (select 1 from json_each(?) where instr(lower(detail), lower(value)) > 0))`,
    [grants, ids, ids, grants, JSON.stringify(words)],
  )
  for (const { id, account, detail, of_grant } of lines) {
    const about = Boolean(of_grant) || (account !== null && unnamed.ids.includes(account))
    const cleaned = JSON.stringify(clean(JSON.parse(detail ?? 'null') as Json, { unnamed, about, key: '' }))
    if (cleaned !== detail) await em.execute('update audit_event set detail = ? where id = ?', [cleaned, id])
  }
}

/** As it stands within a text of JSON. */
function escaped(word: string): string {
  return JSON.stringify(word).slice(1, -1)
}

interface Place {
  readonly unnamed: Unnamed
  /** Whether the line is about the person. */
  readonly about: boolean
  /** Under which name the value stands. */
  readonly key: string
}

function clean(value: Json, place: Place): Json {
  if (typeof value === 'string') return isTheirs(value, place) ? blank : value
  if (Array.isArray(value)) return value.map((one: Json) => clean(one, place))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, clean(one, { ...place, key })]))
}

function isTheirs(value: string, { unnamed: { texts, names }, about, key }: Place): boolean {
  if (about && !plain.has(key)) return true
  const small = value.toLowerCase()
  return (
    texts.some((text) => small.includes(text.toLowerCase())) ||
    names.some((name) => name !== '' && (small === name.toLowerCase() || small.endsWith(`:${name.toLowerCase()}`)))
  )
}

/** What sources share when they read rows: truth, instants, names that are free, verbs, and notes on the way. @module */
import { type Level, levels, parseAddress } from '@labgate/contract'
import { inSmallLetters } from '../accounts/accounts.ts'
import type { FoundGrant, FoundGroup, FoundMember, FoundPerson, Note } from './model.ts'
import type { Value } from './sql-values.ts'

/** Gathers notes: what is said twice stands once, with all it is said of. */
export interface Notebook {
  add(kind: Note['kind'], what: string, of?: string): void
  readonly notes: readonly Note[]
}

/** An empty notebook. */
export function createNotebook(): Notebook {
  const said = new Map<string, { kind: Note['kind']; what: string; of: string[] }>()
  return {
    add(kind, what, of) {
      const note = said.get(`${kind} ${what}`) ?? { kind, what, of: [] }
      said.set(`${kind} ${what}`, note)
      if (of !== undefined) note.of.push(of)
    },
    get notes() {
      return [...said.values()]
    },
  }
}

/** A truth value as either database writes it. */
export function isTrue(value: Value | undefined): boolean {
  return value === 't' || value === 'true' || value === '1'
}

/** An instant as either database writes it; without a zone it is UTC. */
export function instantOf(value: Value | undefined): Date | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,3})\d*)?(?:([+-]\d\d):?(\d\d)?|Z)?$/.exec(value ?? '')
  if (parts === null) return undefined
  const [, day, time, fraction = '0', hours, minutes = '00'] = parts
  const zone = hours === undefined ? 'Z' : `${hours}:${minutes}`
  const at = new Date(`${day}T${time}.${fraction.padEnd(3, '0')}${zone}`)
  return Number.isNaN(at.getTime()) ? undefined : at
}

/**
 * A whole number above nothing; services know people by it. No larger than 32 bits with a sign, as PostgreSQL's `integer`:
 * the sequence goes on above the highest, and dialects have room for 32 bits.
 */
export function numberOf(value: Value | undefined): number | undefined {
  const number = /^[1-9]\d{0,9}$/.test(value ?? '') ? Number(value) : undefined
  return number !== undefined && number < 2 ** 31 ? number : undefined
}

/** An address in the one spelling in which addresses are compared, if it is one. */
export function addressOf(value: Value | undefined): string | undefined {
  const address = parseAddress((value ?? '').trim())?.address
  return address && inSmallLetters(address)
}

/** A name on one line: what could hide, turn or break text is left out. */
export function lineOf(value: Value | undefined, longest = 150): string {
  const plain = (value ?? '').replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
  return [...plain.replaceAll(/ {2,}/g, ' ').trim()].slice(0, longest).join('').trim()
}

/** Makes short names, each once: small letters, digits, dots, dashes, underscores. */
export function createSlugs(longest = 64): (name: string) => string {
  const taken = new Set<string>()
  return (name) => {
    const plain = name
      .normalize('NFKD')
      .replaceAll(/\p{M}/gu, '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9._-]+/g, '-')
      .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    const base = plain.slice(0, longest - 4) || 'unnamed'
    let slug = plain !== '' && plain.length <= longest ? plain : base
    for (let count = 2; taken.has(slug); count++) slug = `${base}-${count}`
    taken.add(slug)
    return slug
  }
}

/** A permission of the source as a verb of ours; `undefined`: it cannot be one. */
export function verbOf(name: string): Pick<FoundGrant, 'level' | 'permission'> | undefined {
  const level = levels.find((one) => one === name.toLowerCase())
  if (level !== undefined) return { level, permission: undefined }
  return /^[a-z][a-z0-9_:-]{0,63}$/.test(name) ? { level: undefined, permission: name } : undefined
}

/** People of whom a source has several rows with one address: only the first can be who signs in with it. */
export function withoutDoubles(people: readonly FoundPerson[], notes: Notebook): FoundPerson[] {
  const first = new Map<string, FoundPerson>()
  return people.filter((person) => {
    const other = person.names.map((name) => first.get(name)).find((one) => one !== undefined)
    for (const name of person.names) if (!first.has(name)) first.set(name, person)
    const what = 'people with an address that another row has, too: make one of them at the source'
    if (other !== undefined) notes.add('lost', what, `user ${person.key}, as user ${other.key}`)
    return other === undefined
  })
}

interface Rights {
  readonly groups: readonly FoundGroup[]
  readonly members: readonly FoundMember[]
  readonly managers: readonly FoundMember[]
  readonly grants: readonly FoundGrant[]
}

const most: readonly (Level | undefined)[] = ['edit', 'manage', 'admin']
const mayEdit = ({ level }: FoundGrant) => most.includes(level)
const viewOnly = (grant: FoundGrant): FoundGrant => (mayEdit(grant) ? { ...grant, level: 'view' } : grant)

/**
 * The rights without what people may not do who only read there: nobody is read-only here. They keep what their groups
 * let them see, by lines of their own, and leave the groups that let one edit.
 */
export function withoutEditing(rights: Rights, readOnly: ReadonlySet<string>, notes: Notebook): Rights {
  const idOf = ({ kind, key }: FoundMember['who']) => `${kind} ${key}`
  const own = ({ holder }: FoundGrant) =>
    (holder.kind === 'person' || holder.kind === 'program') &&
    readOnly.has(idOf({ kind: holder.kind, key: holder.key }))
  const byGroup = Map.groupBy(
    rights.grants.filter(({ holder }) => holder.kind === 'group'),
    ({ holder }) => (holder.kind === 'group' ? holder.key : ''),
  )
  const leaves = ({ group, who }: FoundMember) => readOnly.has(idOf(who)) && (byGroup.get(group) ?? []).some(mayEdit)
  const left = rights.members.filter(leaves)
  const titles = new Map(rights.groups.map(({ key, slug }) => [key, slug]))
  const what = 'read-only people stay out of groups that may edit, and see what the group sees by lines of their own'
  for (const { group, who } of left) notes.add('mind', what, `user ${who.key}, group ${titles.get(group)}`)
  const instead = left.flatMap(({ group, who }) =>
    (byGroup.get(group) ?? []).map((grant) => viewOnly({ ...grant, holder: who, withinGroup: undefined })),
  )
  const grants = [...rights.grants.map((grant) => (own(grant) ? viewOnly(grant) : grant)), ...instead]
  return {
    ...rights,
    members: rights.members.filter((member) => !leaves(member)),
    managers: rights.managers.filter((member) => !leaves(member)),
    grants: uniqueGrants(grants),
  }
}

/** What names a line: two of one key say the same. */
export function grantKey({ holder, dataset, version, level, permission, withinGroup }: FoundGrant): string {
  const key = holder.kind === 'signed-in' ? '' : holder.key
  return JSON.stringify([holder.kind, key, dataset, version ?? '', level ?? permission ?? '', withinGroup ?? ''])
}

/** Each line once. */
export function uniqueGrants(grants: readonly FoundGrant[]): FoundGrant[] {
  return [...new Map(grants.map((grant) => [grantKey(grant), grant])).values()]
}

/** The tables of CAVE's middle_auth (2.x), in our words. Its tokens are in Redis and in `api_key`, and are never read. @module */
import { checkAlias } from '../access/input.ts'
import { isAllowed } from './allowed.ts'
import type { Found, FoundDataset, FoundGrant, FoundGroup, FoundMember, FoundPerson, FoundProgram } from './model.ts'
import {
  addressOf,
  createNotebook,
  createSlugs,
  instantOf,
  isTrue,
  lineOf,
  type Notebook,
  numberOf,
  uniqueGrants,
  verbOf,
  withoutDoubles,
  withoutEditing,
} from './reading.ts'
import type { Row, Tables, Wanted } from './tables.ts'

/** What is read; the first column of each names its rows. */
export const middleAuthTables: Wanted = {
  user: ['id', 'name', 'email', 'admin', 'gdpr_consent', 'pi', 'parent_id', 'read_only'],
  user_custom_name: ['user_id', 'name', 'active'],
  group: ['id', 'name'],
  user_group: ['user_id', 'group_id', 'admin'],
  dataset: ['id', 'name', 'tos_id'],
  dataset_admin: ['user_id', 'dataset_id'],
  permission: ['id', 'name'],
  group_dataset_permission: ['group_id', 'dataset_id', 'permission_id'],
  tos: ['id', 'name', 'text'],
  user_tos: ['user_id', 'tos_id', 'created', 'updated'],
  service_table: ['dataset_id', 'service_name', 'table_name'],
  cell_temp: ['table_id', 'root_id', 'public'],
  affiliation: ['id', 'name'],
  user_affiliation: ['user_id', 'affiliation_id'],
  // Never the key itself.
  api_key: ['user_id'],
  app: ['url'],
}

/** Without these it is no middle_auth. */
export const middleAuthNeeds = ['user', 'group', 'user_group', 'dataset', 'permission', 'group_dataset_permission']

/** Everything in the tables. */
export function readMiddleAuth(tables: Tables): Found {
  const notes = createNotebook()
  const users = readUsers(tables, notes)
  const who = (id: string | null | undefined): FoundMember['who'] | undefined => users.who.get(id ?? '')
  const groups = readGroups(tables, notes)
  const datasets = readDatasets(tables, notes)
  const { members, managers } = readMembers(tables, { who, groups })
  const grants = [...groupGrants(tables, { groups, datasets, notes }), ...adminGrants(tables, { who, datasets })]
  const terms = readTerms(tables, { datasets, who })
  const rights = { groups, members, managers, grants: uniqueGrants(grants) }
  noteTheRest(tables, notes)
  return {
    people: users.people,
    programs: users.programs,
    ...withoutEditing(rights, users.readOnly, notes),
    datasets,
    roots: readRoots(tables, { datasets, notes }),
    ...terms,
    notes: notes.notes,
  }
}

function readUsers(tables: Tables, notes: Notebook) {
  const custom = new Map<string, string>()
  for (const { user_id, name, active } of tables.rows('user_custom_name'))
    if (user_id && (active === undefined || isTrue(active))) custom.set(user_id, lineOf(name))
  const rows = [...tables.rows('user')]
  const named = (row: Row) => custom.get(row.id ?? '') || lineOf(row.name)
  const all = rows.filter(({ parent_id }) => parent_id == null).flatMap((row) => personOf(row, named(row), notes))
  const people = withoutDoubles(all, notes)
  const known = new Set(people.map(({ key }) => key))
  const slugs = createSlugs(38)
  const programs = rows
    .filter(({ parent_id }) => parent_id != null)
    .flatMap((row): FoundProgram[] => {
      const parent = row.parent_id ?? ''
      if (!known.has(parent)) notes.add('lost', 'service accounts whose owner is not imported', named(row))
      return known.has(parent) ? [programOf(row, { name: named(row), slug: slugs(usable(named(row))) })] : []
    })
  const who = new Map<string, FoundMember['who']>([
    ...people.map(({ key }) => [key, { kind: 'person', key }] as const),
    ...programs.map(({ key }) => [key, { kind: 'program', key }] as const),
  ])
  const readOnly = new Set(
    rows.flatMap((row) => {
      const one = who.get(row.id ?? '')
      return one && isTrue(row.read_only) ? [`${one.kind} ${one.key}`] : []
    }),
  )
  return { people, programs, who, readOnly }
}

/** A username begins with a letter. */
const usable = (name: string) => (/^[a-z]/i.test(name.normalize('NFKD')) ? name : `service-${name}`)

function personOf(row: Row, name: string, notes: Notebook): FoundPerson[] {
  const [key, email] = [row.id ?? '', addressOf(row.email)]
  if (email === undefined) {
    notes.add('lost', 'people whose address is none that can sign in', `user ${key}`)
    return []
  }
  if (isTrue(row.admin)) notes.add('do', 'site admins there; name them in `admins` of the config file', email)
  if (row.pi) notes.add('lost', 'the name of a PI; ask people with a profile question', `user ${key}`)
  const displayName = name || (email.split('@')[0] ?? email)
  return [{ key, names: [email], email, displayName, number: numberOf(key), state: 'active' }]
}

function programOf(row: Row, { name, slug }: { name: string; slug: string }): FoundProgram {
  const key = row.id ?? ''
  return {
    ...{ key, username: slug, displayName: name || slug, description: '', state: 'active' },
    ...{ number: numberOf(key), parent: row.parent_id ?? undefined },
  }
}

function readGroups(tables: Tables, notes: Notebook): FoundGroup[] {
  const slugs = createSlugs()
  return [...tables.rows('group')].map(({ id, name }) => {
    const [title, slug] = [lineOf(name), slugs(name ?? '')]
    if (slug !== name) notes.add('mind', 'groups that services know by another name here', `${title} is ${slug}`)
    return { key: id ?? '', slug, title: title || slug }
  })
}

function readMembers(
  tables: Tables,
  { who, groups }: { who: (id: string | null | undefined) => FoundMember['who'] | undefined; groups: FoundGroup[] },
) {
  const known = new Set(groups.map(({ key }) => key))
  const [members, managers]: [FoundMember[], FoundMember[]] = [[], []]
  for (const { user_id, group_id, admin } of tables.rows('user_group')) {
    const one = who(user_id)
    if (one === undefined || !known.has(group_id ?? '')) continue
    members.push({ group: group_id ?? '', who: one })
    if (isTrue(admin) && one.kind === 'person') managers.push({ group: group_id ?? '', who: one })
  }
  return { members, managers }
}

function readDatasets(tables: Tables, notes: Notebook): FoundDataset[] {
  const slugs = createSlugs()
  const mapped = Map.groupBy(tables.rows('service_table'), ({ dataset_id }) => dataset_id ?? '')
  return [...tables.rows('dataset')].map(({ id, name }) => {
    const [title, slug] = [lineOf(name), slugs(name ?? '')]
    const isSame = slug === name
    if (!isSame)
      notes.add(
        'mind',
        'datasets that services know by another name here (the old one stays as an alias where it can)',
        `${title} is ${slug}`,
      )
    const tablesOf = (mapped.get(id ?? '') ?? []).flatMap(({ service_name, table_name }) =>
      service_name && table_name ? [{ namespace: service_name, name: table_name }] : [],
    )
    return {
      ...{ key: id ?? '', slug, title: title || slug, description: '', versions: [], places: [] },
      aliases: !isSame && isAlias(name ?? '') ? [name ?? ''] : [],
      tables: tablesOf,
    }
  })
}

const isAlias = (name: string) => isAllowed(() => checkAlias(name))

interface Around {
  readonly groups: readonly FoundGroup[]
  readonly datasets: readonly FoundDataset[]
  readonly notes: Notebook
}

function groupGrants(tables: Tables, { groups, datasets, notes }: Around): FoundGrant[] {
  const names = new Map([...tables.rows('permission')].map(({ id, name }) => [id ?? '', name ?? '']))
  const [titles, slugs] = [
    new Map(groups.map(({ key, slug }) => [key, slug])),
    new Map(datasets.map(({ key, slug }) => [key, slug])),
  ]
  const verbs = new Map([...names].map(([id, name]) => [id, verbOf(name)]))
  return [...tables.rows('group_dataset_permission')].flatMap(
    ({ group_id, dataset_id, permission_id }): FoundGrant[] => {
      const [group, dataset, verb] = [group_id ?? '', dataset_id ?? '', verbs.get(permission_id ?? '')]
      const [name, line] = [names.get(permission_id ?? '') ?? '', `${titles.get(group)} on ${slugs.get(dataset)}`]
      if (!titles.has(group) || !slugs.has(dataset) || name === 'none') return []
      if (verb === undefined)
        notes.add('lost', `the permission “${lineOf(name, 60)}”, whose name cannot be one here`, line)
      if (verb?.level === 'manage' || verb?.level === 'admin')
        notes.add('mind', `the permission “${verb.level}” is a level here: its holders look after the dataset`, line)
      if (verb?.level === 'edit') notes.add('mind', 'whoever may edit may view, too; manage and admin contain both')
      return verb === undefined
        ? []
        : [{ holder: { kind: 'group', key: group }, dataset, version: undefined, withinGroup: undefined, ...verb }]
    },
  )
}

function adminGrants(
  tables: Tables,
  {
    who,
    datasets,
  }: { who: (id: string | null | undefined) => FoundMember['who'] | undefined; datasets: FoundDataset[] },
): FoundGrant[] {
  const known = new Set(datasets.map(({ key }) => key))
  return [...tables.rows('dataset_admin')].flatMap(({ user_id, dataset_id }): FoundGrant[] => {
    const [holder, dataset] = [who(user_id), dataset_id ?? '']
    if (holder === undefined || !known.has(dataset)) return []
    const all = { version: undefined, permission: undefined, withinGroup: undefined }
    return [{ holder, dataset, level: 'admin', ...all }]
  })
}

/** One text may be of several datasets there; here each has its own, with the same acceptances. */
function readTerms(
  tables: Tables,
  {
    datasets,
    who,
  }: { datasets: FoundDataset[]; who: (id: string | null | undefined) => FoundMember['who'] | undefined },
): Pick<Found, 'terms' | 'acceptances' | 'problems'> {
  const texts = new Map([...tables.rows('tos')].map((row) => [row.id ?? '', row]))
  const slugs = createSlugs()
  const bySlug = new Map(datasets.map(({ key, slug }) => [key, slug]))
  const problems: string[] = []
  const bound = [...tables.rows('dataset')].filter(({ tos_id }) => tos_id != null)
  const terms = bound.flatMap(({ id, tos_id }) => {
    const text = texts.get(tos_id ?? '')
    const slug = bySlug.get(id ?? '') ?? ''
    if (!text?.text?.trim())
      problems.push(`tos ${tos_id} of the dataset ${slug} has no text: write it, or take it away`)
    const markdown = text?.text ?? ''
    const title = lineOf(text?.name, 200) || `Terms of ${slug}`
    const [key, dataset] = [`${tos_id} ${id}`, id ?? '']
    return { key, id: slugs(`${slug}-terms`), title, markdown, dataset, version: undefined, services: [] }
  })
  const byText = Map.groupBy(terms, ({ key }) => key.split(' ')[0] ?? '')
  const acceptances = [...tables.rows('user_tos')].flatMap(({ user_id, tos_id, created, updated }) => {
    const person = who(user_id)
    if (person?.kind !== 'person') return []
    const at = instantOf(updated) ?? instantOf(created)
    return (byText.get(tos_id ?? '') ?? []).map(({ key }) => ({
      terms: key,
      person: person.key,
      at,
      address: undefined,
    }))
  })
  return { terms, acceptances, problems }
}

/** It names no namespace there: an object is public in each that has a table of the name. */
function readRoots(tables: Tables, { datasets, notes }: { datasets: FoundDataset[]; notes: Notebook }) {
  const byName = Map.groupBy(
    datasets.flatMap((dataset) => dataset.tables),
    ({ name }) => name,
  )
  return [...tables.rows('cell_temp')].flatMap((row) => {
    if (!isTrue(row.public)) return []
    const [found, root] = [byName.get(row.table_id ?? ''), row.root_id ?? '']
    if (found === undefined) notes.add('lost', 'public objects of a table that no dataset has', lineOf(row.table_id))
    else if (!/^\d{1,19}$/.test(root)) notes.add('lost', 'public objects without a proper number', lineOf(root))
    else return found.map((table) => ({ ...table, root: BigInt(root).toString() }))
    return []
  })
}

function noteTheRest(tables: Tables, notes: Notebook): void {
  const used = new Set([...tables.rows('dataset')].map(({ tos_id }) => tos_id))
  for (const { id, name } of tables.rows('tos'))
    if (!used.has(id ?? null)) notes.add('lost', 'terms of use of no dataset', lineOf(name))
  const count = (table: string) => [...tables.rows(table)].length
  const affiliations = count('user_affiliation')
  if (affiliations > 0)
    notes.add('lost', `${affiliations} affiliations of people; a sign-in or a profile question says them`)
  const keys = count('api_key')
  if (keys > 0)
    notes.add('do', `${keys} tokens are not imported: make new ones (\`labgate token add\`, or /account/tokens)`)
  const apps = [...tables.rows('app')].flatMap(({ url }) => url ?? [])
  for (const url of apps)
    notes.add('do', 'apps that may be given tokens; list their origins in the config of authz-cave', lineOf(url))
}

/** The tables of DatasetGateway, in our words; its grants and terms are in `datasetgateway-rights.ts`. Its keys are never read. @module */
import { checkPrefix, checkVersion } from '../access/input.ts'
import { isAllowed } from './allowed.ts'
import { type FoundVersion, grantsOf, termsOf } from './datasetgateway-rights.ts'
import type { Found, FoundDataset, FoundGroup, FoundMember, FoundPerson, FoundProgram } from './model.ts'
import {
  addressOf,
  createNotebook,
  createSlugs,
  isTrue,
  lineOf,
  type Notebook,
  numberOf,
  withoutDoubles,
  withoutEditing,
} from './reading.ts'
import type { Row, Tables, Wanted } from './tables.ts'

/** What is read; the first column of each names its rows. */
export const datasetGatewayTables: Wanted = {
  dsg_user: ['id', 'email', 'name', 'display_name', 'admin', 'is_active', 'read_only', 'pi'],
  affiliation: ['id'],
  dsg_group: ['id', 'name'],
  user_group: ['user_id', 'group_id', 'is_admin'],
  permission: ['id', 'name'],
  dataset: ['id', 'name', 'description', 'tos_id', 'access_mode'],
  dataset_bucket: ['id', 'dataset_id', 'name'],
  dataset_version: ['id', 'dataset_id', 'version', 'branch', 'ordinal', 'prefix', 'is_public'],
  dataset_version_buckets: ['datasetversion_id', 'datasetbucket_id'],
  group_dataset_permission: ['group_id', 'dataset_id', 'permission_id', 'service_id'],
  grant: ['id', 'user_id', 'dataset_id', 'dataset_version_id', 'permission_id', 'group_id', 'service_id'],
  grant_buckets: ['grant_id', 'datasetbucket_id'],
  service: ['id', 'name'],
  service_table: ['id', 'service_name', 'table_name', 'dataset_id'],
  public_root: ['service_table_id', 'root_id'],
  tos_document: [
    ...['id', 'name', 'text', 'dataset_id', 'dataset_version_id', 'service_id'],
    ...['effective_date', 'retired_date'],
  ],
  tos_acceptance: ['user_id', 'tos_document_id', 'accepted_at', 'ip_address'],
  service_account: ['id', 'name', 'description', 'is_active'],
  service_account_grant: [
    'id',
    'service_account_id',
    'dataset_id',
    'dataset_version_id',
    'permission_id',
    'service_id',
  ],
  // Never the key itself.
  api_key: ['user_id'],
  service_account_token: ['service_account_id'],
  dataset_translation: ['client_name', 'client_version', 'dataset_id'],
  dataset_alias: ['client_name', 'client_version', 'dataset_id'],
}

/** Without these it is no DatasetGateway. */
export const datasetGatewayNeeds = ['dsg_user', 'dsg_group', 'user_group', 'dataset', 'grant', 'permission']

/** Everything in the tables. `now`: terms may be retired, or not in force yet. */
export function readDatasetGateway(tables: Tables, now: Date): Found {
  const notes = createNotebook()
  const { people, readOnly } = readPeople(tables, notes)
  const programs = readPrograms(tables, notes)
  const groups = readGroups(tables, notes)
  const versions = readVersions(tables, notes)
  const datasets = readDatasets(tables, { versions, notes })
  const around = { people, programs, groups, datasets, versions, notes }
  const rights = { groups, ...readMembers(tables, around), grants: grantsOf(tables, around) }
  noteTheRest(tables, notes)
  return {
    people,
    programs,
    ...withoutEditing(rights, readOnly, notes),
    datasets,
    roots: readRoots(tables, notes),
    ...termsOf(tables, { ...around, now }),
    notes: notes.notes,
  }
}

function readPeople(tables: Tables, notes: Notebook) {
  const rows = [...tables.rows('dsg_user')]
  const people = withoutDoubles(
    rows.flatMap((row) => personOf(row, notes)),
    notes,
  )
  const readOnly = new Set(rows.flatMap(({ id, read_only }) => (isTrue(read_only) ? [`person ${id}`] : [])))
  return { people, readOnly }
}

function personOf(row: Row, notes: Notebook): FoundPerson[] {
  const [key, email] = [row.id ?? '', addressOf(row.email)]
  if (email === undefined) {
    notes.add('lost', 'people whose address is none that can sign in', `user ${key}`)
    return []
  }
  if (isTrue(row.admin)) notes.add('do', 'site admins there; name them in `admins` of the config file', email)
  if (row.pi) notes.add('lost', 'the name of a PI; ask people with a profile question', `user ${key}`)
  const displayName = lineOf(row.display_name) || lineOf(row.name) || (email.split('@')[0] ?? email)
  const state = row.is_active === undefined || isTrue(row.is_active) ? 'active' : 'deactivated'
  return [{ key, names: [email], email, displayName, number: numberOf(key), state }]
}

function readPrograms(tables: Tables, notes: Notebook): FoundProgram[] {
  const slugs = createSlugs(38)
  return [...tables.rows('service_account')].map(({ id, name, description, is_active }) => {
    const username = slugs(/^[a-z]/i.test(name ?? '') ? (name ?? '') : `service-${name}`)
    const what = 'service accounts have no owner there, and accept no terms; here they need one where terms apply'
    notes.add('do', `${what} (\`labgate service-account change\`)`, username)
    return {
      ...{ key: id ?? '', username, displayName: lineOf(name) || username, description: lineOf(description, 1000) },
      // People come first: their numbers stand in data. A service account gets one of ours.
      ...{
        number: undefined,
        parent: undefined,
        state: isTrue(is_active) ? ('active' as const) : ('deactivated' as const),
      },
    }
  })
}

function readGroups(tables: Tables, notes: Notebook): FoundGroup[] {
  const slugs = createSlugs()
  return [...tables.rows('dsg_group')].map(({ id, name }) => {
    const [title, slug] = [lineOf(name), slugs(name ?? '')]
    if (slug !== name) notes.add('mind', 'groups that services know by another name here', `${title} is ${slug}`)
    return { key: id ?? '', slug, title: title || slug }
  })
}

function readMembers(tables: Tables, { people, groups }: { people: FoundPerson[]; groups: FoundGroup[] }) {
  const known = { people: new Set(people.map(({ key }) => key)), groups: new Set(groups.map(({ key }) => key)) }
  const [members, managers]: [FoundMember[], FoundMember[]] = [[], []]
  for (const { user_id, group_id, is_admin } of tables.rows('user_group')) {
    const [key, group] = [user_id ?? '', group_id ?? '']
    if (!known.people.has(key) || !known.groups.has(group)) continue
    const member: FoundMember = { group, who: { kind: 'person', key } }
    members.push(member)
    if (isTrue(is_admin)) managers.push(member)
  }
  return { members, managers }
}

function readVersions(tables: Tables, notes: Notebook): FoundVersion[] {
  const buckets = Map.groupBy(
    tables.rows('dataset_version_buckets'),
    ({ datasetversion_id }) => datasetversion_id ?? '',
  )
  return [...tables.rows('dataset_version')].flatMap(({ id, dataset_id, version, branch, ordinal, is_public }) => {
    const [key, name] = [id ?? '', version ?? '']
    if (!isAllowed(() => checkVersion(name))) {
      notes.add('lost', 'versions whose name cannot be one here, with what is granted on them', lineOf(name, 80))
      return []
    }
    const open =
      'public versions; if anyone may see them without a sign-in: labgate grant add anyone DATASET --version V --level view'
    if (isTrue(is_public)) notes.add('do', open, `dataset ${dataset_id}, ${name}`)
    const own = (buckets.get(key) ?? []).flatMap(({ datasetbucket_id }) => datasetbucket_id ?? [])
    const place = /^-?\d{1,19}$/.test(ordinal ?? '') ? BigInt(ordinal ?? 0) : undefined
    return [{ key, dataset: dataset_id ?? '', version: name, branch: branch ?? 'main', ordinal: place, buckets: own }]
  })
}

function readDatasets(
  tables: Tables,
  { versions, notes }: { versions: readonly FoundVersion[]; notes: Notebook },
): FoundDataset[] {
  const slugs = createSlugs()
  const by = (table: string) => Map.groupBy(tables.rows(table), ({ dataset_id }) => dataset_id ?? '')
  const parts = { buckets: by('dataset_bucket'), tables: by('service_table') }
  const prefixes = new Map([...tables.rows('dataset_version')].map(({ id, prefix }) => [id ?? '', prefix ?? '']))
  const rows = [...tables.rows('dataset')]
  const named = rows.map((row) => ({ row, slug: slugs(row.name ?? '') }))
  const aliases = createAliases(tables, named, notes)
  return named.map(({ row, slug }) => {
    const [key, title] = [row.id ?? '', lineOf(row.name)]
    if (slug !== row.name)
      notes.add(
        'mind',
        'datasets that services know by another name here (the old one stays as an alias where it can)',
        `${title} is ${slug}`,
      )
    const own = versions.filter(({ dataset }) => dataset === key)
    return {
      ...{ key, slug, title: title || slug, description: (row.description ?? '').slice(0, 4000) },
      aliases: aliases(row, slug),
      versions: own.map(({ version }) => version),
      places: placesOf({ buckets: parts.buckets.get(key) ?? [], versions: own, prefixes, notes }),
      tables: (parts.tables.get(key) ?? []).flatMap(({ service_name, table_name }) =>
        service_name && table_name ? [{ namespace: service_name, name: table_name }] : [],
      ),
    }
  })
}

/** Old names, and those that single services used; each dataset's own name comes first. */
function createAliases(tables: Tables, named: readonly { row: Row; slug: string }[], notes: Notebook) {
  const taken = new Set(named.map(({ slug }) => slug))
  const rows = [...tables.rows('dataset_translation'), ...tables.rows('dataset_alias')]
  const byDataset = Map.groupBy(rows, ({ dataset_id }) => dataset_id ?? '')
  return (row: Row, slug: string): string[] => {
    const wanted = (byDataset.get(row.id ?? '') ?? []).flatMap(({ client_name, client_version }) => {
      if (client_version == null) return client_name ?? []
      notes.add(
        'lost',
        'names of single versions that services use',
        `${slug}: ${lineOf(client_name)} ${lineOf(client_version)}`,
      )
      return []
    })
    const all = [...new Set([...(row.name === slug ? [] : [row.name ?? '']), ...wanted])].filter(
      (name) => name !== slug,
    )
    return all.filter((name) => {
      const isFree =
        /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(name) &&
        (!taken.has(name.toLowerCase()) || name.toLowerCase() === slug)
      if (isFree) taken.add(name.toLowerCase())
      else notes.add('lost', 'names that services use for a dataset, which another has', `${slug}: ${lineOf(name)}`)
      return isFree
    })
  }
}

interface Lying {
  readonly buckets: readonly Row[]
  readonly versions: readonly FoundVersion[]
  readonly prefixes: ReadonlyMap<string, string>
  readonly notes: Notebook
}

/** A bucket of some versions is theirs; one of none is the whole dataset's. */
function placesOf({ buckets, versions, prefixes, notes }: Lying): FoundDataset['places'] {
  return buckets.flatMap(({ id, name }): FoundDataset['places'] => {
    const bucket = `gs://${name}`
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,221}$/.test(name ?? '')) {
      notes.add('lost', 'buckets whose name cannot be one', lineOf(name, 80))
      return []
    }
    const own = versions.filter((version) => version.buckets.includes(id ?? ''))
    if (own.length === 0) return [{ version: undefined, bucket, prefix: '' }]
    return own.flatMap(({ key, version }) => {
      const prefix = (prefixes.get(key) ?? '').replace(/^\/+/, '')
      if (isAllowed(() => checkPrefix(prefix))) return [{ version, bucket, prefix }]
      notes.add('lost', 'prefixes that are no plain path', `${bucket}/${lineOf(prefix, 80)}`)
      return []
    })
  })
}

function readRoots(tables: Tables, notes: Notebook): Found['roots'] {
  const known = new Map([...tables.rows('service_table')].map((row) => [row.id ?? '', row]))
  return [...tables.rows('public_root')].flatMap(({ service_table_id, root_id }) => {
    const [table, root] = [known.get(service_table_id ?? ''), root_id ?? '']
    if (table && /^\d{1,19}$/.test(root))
      return [{ namespace: table.service_name ?? '', name: table.table_name ?? '', root: BigInt(root).toString() }]
    notes.add('lost', 'public objects without a table or a proper number', lineOf(root))
    return []
  })
}

function noteTheRest(tables: Tables, notes: Notebook): void {
  const affiliations = [...tables.rows('affiliation')].length
  if (affiliations > 0)
    notes.add('lost', `${affiliations} affiliations of people; a sign-in or a profile question says them`)
  const keys = [...tables.rows('api_key'), ...tables.rows('service_account_token')].length
  if (keys > 0)
    notes.add('do', `${keys} tokens are not imported: make new ones (\`labgate token add\`, or /account/tokens)`)
}

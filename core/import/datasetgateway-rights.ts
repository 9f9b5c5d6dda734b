/** What DatasetGateway grants and what it asks people to accept, in our words. @module */
import type {
  Found,
  FoundDataset,
  FoundGrant,
  FoundGroup,
  FoundPerson,
  FoundProgram,
  FoundTerms,
  Holder,
} from './model.ts'
import { createSlugs, instantOf, lineOf, type Notebook, uniqueGrants, verbOf } from './reading.ts'
import type { Row, Tables } from './tables.ts'

/** A version with what the rights must know of it. */
export interface FoundVersion {
  readonly key: string
  readonly dataset: string
  readonly version: string
  readonly branch: string
  readonly ordinal: bigint | undefined
  /** Keys of its buckets. */
  readonly buckets: readonly string[]
}

/** What was read before. */
export interface Around {
  readonly people: readonly FoundPerson[]
  readonly programs: readonly FoundProgram[]
  readonly groups: readonly FoundGroup[]
  readonly datasets: readonly FoundDataset[]
  readonly versions: readonly FoundVersion[]
  readonly notes: Notebook
}

const perService = 'grants for one service only: nothing here is granted for a service'
const perBucket = 'grants for some buckets of a dataset only; places of their own versions say that here'

/** Every line of the ledger that is there. */
export function grantsOf(tables: Tables, around: Around): FoundGrant[] {
  const verbs = new Map([...tables.rows('permission')].map(({ id, name }) => [id ?? '', name ?? '']))
  const lines = createLines(around, verbs)
  const bound = Map.groupBy(tables.rows('grant_buckets'), ({ grant_id }) => grant_id ?? '')
  const has = (list: readonly { readonly key: string }[]) => new Set(list.map(({ key }) => key))
  const known = { person: has(around.people), program: has(around.programs), group: has(around.groups) }
  const holder = (kind: keyof typeof known, key: string | null | undefined): Holder | undefined =>
    known[kind].has(key ?? '') ? { kind, key: key ?? '' } : undefined
  const found: FoundGrant[] = []
  const reached = createReached(tables, around)
  for (const row of tables.rows('grant')) {
    const buckets = (bound.get(row.id ?? '') ?? []).flatMap(({ datasetbucket_id }) => datasetbucket_id ?? [])
    const bounds = buckets.length === 0 ? undefined : { buckets, all: reached(row) }
    found.push(...lines(holder('person', row.user_id), row, bounds))
  }
  for (const row of tables.rows('group_dataset_permission')) {
    // Here the group is the holder, there a group on a person's grant is its bound.
    found.push(...lines(holder('group', row.group_id), { ...row, group_id: null }))
  }
  for (const row of tables.rows('service_account_grant'))
    found.push(...lines(holder('program', row.service_account_id), row))
  for (const { id, access_mode } of tables.rows('dataset')) {
    if (access_mode !== 'public') continue
    const all = { version: undefined, permission: undefined, withinGroup: undefined }
    found.push({ holder: { kind: 'signed-in' }, dataset: id ?? '', level: 'view', ...all })
    around.notes.add(
      'mind',
      'public datasets: whoever signs in may view, once the terms are accepted',
      slugOf(around, id),
    )
  }
  return uniqueGrants(found)
}

const slugOf = ({ datasets }: Pick<Around, 'datasets'>, key: string | null | undefined) =>
  datasets.find((one) => one.key === key)?.slug ?? `dataset ${key}`

/** All buckets that a grant without bounds would reach. */
function createReached(tables: Tables, { versions }: Around): (row: Row) => readonly string[] {
  const own = new Map(versions.map(({ key, buckets }) => [key, buckets]))
  const all = Map.groupBy(tables.rows('dataset_bucket'), ({ dataset_id }) => dataset_id ?? '')
  return ({ dataset_id, dataset_version_id }) => {
    const ofVersion = own.get(dataset_version_id ?? '') ?? []
    return ofVersion.length > 0 ? ofVersion : (all.get(dataset_id ?? '') ?? []).flatMap(({ id }) => id ?? [])
  }
}

interface Bounds {
  readonly buckets: readonly string[]
  readonly all: readonly string[]
}

function createLines(around: Around, verbs: ReadonlyMap<string, string>) {
  const { versions, groups, notes } = around
  const datasets = new Map(around.datasets.map(({ key, slug }) => [key, slug]))
  const groupKeys = new Set(groups.map(({ key }) => key))
  const byKey = new Map(versions.map((version) => [version.key, version]))
  return (holder: Holder | undefined, row: Row, bounds?: Bounds): FoundGrant[] => {
    const [dataset, within] = [row.dataset_id ?? '', row.group_id ?? undefined]
    if (holder === undefined || !datasets.has(dataset)) return []
    const line = `${holder.kind} ${holder.kind === 'signed-in' ? '' : holder.key} on ${datasets.get(dataset)}`
    const name = verbs.get(row.permission_id ?? '') ?? ''
    const verb = verbOf(name)
    const lost = (what: string): [] => {
      notes.add('lost', what, line)
      return []
    }
    if (verb === undefined) return lost(`the permission “${lineOf(name, 60)}”, whose name cannot be one here`)
    if (row.service_id != null) return lost(perService)
    if (within !== undefined && !groupKeys.has(within)) return lost('grants within a group that is not there')
    const isNarrow = bounds?.all.some((key) => !bounds.buckets.includes(key)) ?? false
    if (isNarrow) return lost(perBucket)
    const one = { holder, dataset, ...verb, withinGroup: within }
    if (row.dataset_version_id == null) return [{ ...one, version: undefined }]
    const version = byKey.get(row.dataset_version_id)
    if (version === undefined) return lost('grants on a version that is not imported')
    return upTo(version, versions).map((each) => ({ ...one, version: each.version }))
  }
}

/** A grant on a numbered version is for the earlier ones of its branch, too; here each version has its own line. */
function upTo(version: FoundVersion, versions: readonly FoundVersion[]): readonly FoundVersion[] {
  const { ordinal, branch, dataset } = version
  if (ordinal === undefined) return [version]
  return versions.filter(
    (one) => one.dataset === dataset && one.branch === branch && one.ordinal !== undefined && one.ordinal <= ordinal,
  )
}

/** Where a document is asked for. */
interface Bound {
  readonly dataset: string
  readonly version: string | undefined
  readonly services: readonly string[]
}

/** Documents that are in force, once for each place where they are asked for; and who accepted them. */
export function termsOf(
  tables: Tables,
  around: Around & { readonly now: Date },
): Pick<Found, 'terms' | 'acceptances' | 'problems'> {
  const { notes, datasets, now } = around
  const [slugs, problems]: [(name: string) => string, string[]] = [createSlugs(), []]
  const services = new Map([...tables.rows('service')].map(({ id, name }) => [id ?? '', name ?? '']))
  const asking = Map.groupBy(
    [...tables.rows('dataset')].filter(({ tos_id }) => tos_id != null),
    ({ tos_id }) => tos_id ?? '',
  )
  const terms: FoundTerms[] = []
  for (const row of tables.rows('tos_document')) {
    const [retired, effective] = [instantOf(row.retired_date), instantOf(row.effective_date)]
    const title = lineOf(row.name, 200) || `Terms ${row.id}`
    if (retired !== undefined && retired <= now) continue
    if (effective !== undefined && effective > now) {
      notes.add('lost', 'terms that are not in force yet; add them when they are', title)
      continue
    }
    const bounds = boundsOf(row, { ...around, services, asking: asking.get(row.id ?? '') ?? [] })
    if (bounds.length === 0) notes.add('lost', 'terms that nothing asks for', title)
    for (const { dataset, version, services: own } of bounds) {
      const [key, slug] = [`${row.id} ${dataset} ${version ?? ''} ${own.join()}`, slugOf({ datasets }, dataset)]
      if (!row.text?.trim())
        problems.push(`the terms “${title}” of the dataset ${slug} have no text: write it, or retire them`)
      const name = [slug, version, ...own, 'terms'].filter((word) => word !== undefined).join('-')
      terms.push({ key, id: slugs(name), title, markdown: row.text ?? '', dataset, version, services: own })
    }
  }
  return { terms, problems, acceptances: acceptancesOf(tables, { ...around, terms }) }
}

function boundsOf(
  row: Row,
  {
    datasets,
    versions,
    services,
    asking,
    notes,
  }: Around & { services: ReadonlyMap<string, string>; asking: readonly Row[] },
): Bound[] {
  const service = row.service_id == null ? undefined : services.get(row.service_id)
  const own = service === undefined ? [] : [service]
  if (service !== undefined)
    notes.add('mind', `terms for the service “${service}” count for a client or dialect instance of that id only`)
  const known = new Set(datasets.map(({ key }) => key))
  const whole = asking.map(({ id }) => ({ dataset: id ?? '', version: undefined, services: [] }))
  const version = versions.find(({ key }) => key === row.dataset_version_id)
  const bound =
    version !== undefined
      ? [{ dataset: version.dataset, version: version.version, services: own }]
      : service !== undefined && row.dataset_version_id == null
        ? [{ dataset: row.dataset_id ?? '', version: undefined, services: own }]
        : []
  return [...whole, ...bound].filter(({ dataset }) => known.has(dataset))
}

function acceptancesOf(
  tables: Tables,
  { people, terms }: Pick<Around, 'people'> & { terms: readonly FoundTerms[] },
): Found['acceptances'] {
  const known = new Set(people.map(({ key }) => key))
  const byText = Map.groupBy(terms, ({ key }) => key.split(' ')[0] ?? '')
  return [...tables.rows('tos_acceptance')].flatMap((row) => {
    const [person, at, address] = [row.user_id ?? '', instantOf(row.accepted_at), row.ip_address ?? undefined]
    if (!known.has(person)) return []
    return (byText.get(row.tos_document_id ?? '') ?? []).map(({ key }) => ({ terms: key, person, at, address }))
  })
}

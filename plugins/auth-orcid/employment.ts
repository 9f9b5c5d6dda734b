/**
 * Current employments from a person’s public record: `GET {publicApi}/{iD}/employments`, ORCID API 3.0.
 * What people wrote themselves and what an organisation’s system wrote are told apart.
 * @module
 */
import type { AuthContext, Fact, Json } from '@labgate/contract'
import type { OrcidConfig } from './config.ts'

type Node = Readonly<Record<string, unknown>>

/**
 * The facts `employment` (all current ones, as the person shows them) and `affiliation` (organisations that said so
 * themselves). A record that cannot be read costs these facts and a line in the log, never the sign-in.
 */
export async function employmentFacts(context: AuthContext<OrcidConfig>, orcid: string): Promise<readonly Fact[]> {
  try {
    const record = await readRecord(context, orcid)
    return factsOf(summaries(record).filter((one) => isCurrent(one, context.clock.now())))
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown'
    context.log.warn({ reason }, `auth-orcid "${context.id}": no employments from the public record; check publicApi`)
    return []
  }
}

async function readRecord({ config, fetch }: AuthContext<OrcidConfig>, orcid: string): Promise<unknown> {
  const host = config.sandbox ? 'pub.sandbox.orcid.org' : 'pub.orcid.org'
  const api = config.publicApi ?? `https://${host}/v3.0`
  const address = `${api.replace(/\/$/, '')}/${orcid}/employments`
  const response = await fetch(address, { headers: { accept: 'application/json' }, redirect: 'error' })
  if (response.status !== 200) throw new Error(`answered ${response.status}`)
  return response.json()
}

function summaries(record: unknown): readonly Node[] {
  const groups = list(node(record)['affiliation-group'])
  const all = groups.flatMap((group) => list(node(group).summaries))
  return all.map((one) => node(node(one)['employment-summary'])).filter((one) => organisationOf(one) !== undefined)
}

function factsOf(employments: readonly Node[]): readonly Fact[] {
  const confirmed = employments
    .filter(isByOrganisation)
    .map(organisationOf)
    .filter((one) => one !== undefined)
  return [
    { claim: 'employment', value: employments.slice(0, most).map(employmentOf), trust: 'self' },
    { claim: 'affiliation', value: [...new Set(confirmed)].sort().slice(0, most), trust: 'asserted' },
  ]
}

/** More current employments than this are no fact about a person. */
const most = 20

function employmentOf(summary: Node): Json {
  const known = {
    organisation: organisationOf(summary),
    department: text(summary['department-name']),
    role: text(summary['role-title']),
    ror: rorOf(node(summary.organization)),
  }
  const addedBy = isByOrganisation(summary) ? 'organisation' : 'person'
  const present = Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { ...Object.fromEntries(present), addedBy }
}

function organisationOf(summary: Node): string | undefined {
  return text(node(summary.organization).name)
}

function rorOf(organisation: Node): string | undefined {
  const { 'disambiguated-organization-identifier': id, 'disambiguation-source': source } = node(
    organisation['disambiguated-organization'],
  )
  return source === 'ROR' ? text(id) : undefined
}

/** A member’s system wrote it, and not in the person’s name (`assertion-origin-orcid`). */
function isByOrganisation({ source }: Node): boolean {
  const { 'source-client-id': client, 'assertion-origin-orcid': person } = node(source)
  return typeof client === 'object' && client !== null && (person === null || person === undefined)
}

/** An end may be a year, a month or a day; it holds to its last moment. */
function isCurrent(summary: Node, now: Date): boolean {
  const end = summary['end-date']
  if (typeof end !== 'object' || end === null) return true
  const part = (name: string) => Number(node(node(end)[name]).value) || undefined
  const [year, month, day] = [part('year'), part('month'), part('day')]
  if (year === undefined) return true
  const after = day === undefined ? Date.UTC(year, month ?? 12, 1) : Date.UTC(year, (month ?? 1) - 1, day + 1)
  return now.getTime() < after
}

function node(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {} // it came out of JSON
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 300) : undefined
}

/** Whether a person may come in, with the facts, or in which words not. @module */
import type { Fact } from '@labgate/contract'
import type { Api } from './api.ts'
import type { Context } from './config.ts'
import { askOrganization, type Memberships, membershipsOf, type Team, teamsOf } from './membership.ts'
import { type Listed, type Organization, resolveAll } from './organizations.ts'
import type { Person } from './person.ts'
import { type Case, type No, refusalOf } from './refusal.ts'
import type { Settings, TeamRef } from './settings.ts'

/** In, with facts about organisations and teams; or out. */
export type Verdict = { readonly facts: readonly Fact[] } | No

export interface Court {
  readonly context: Context
  readonly settings: Settings
  readonly api: Api
}

/** Looks at memberships as far as the config needs it, and decides. @throws Fault ERR_UPSTREAM */
export async function judge(court: Court, person: Person): Promise<Verdict> {
  const { settings, api } = court
  if (settings.rule.mode === 'nobody') return { no: 'nobody', values: {} }
  if (!settings.looksAtOrganizations) return { facts: [] }
  const [memberships, teams, listed] = await Promise.all([
    membershipsOf(api, person),
    settings.looksAtTeams ? teamsOf(api) : [],
    listedOf(court),
  ])
  const seen = { memberships, teams, listed, person }
  const more = await admitted(court, seen)
  if ('no' in more) return more
  return { facts: factsOf(settings, { ...seen, active: [...memberships.active, ...more.found] }) }
}

/** What is known of the person, and the organisations of the config with their ids. */
interface Seen {
  readonly person: Person
  readonly memberships: Memberships
  readonly teams: readonly Team[]
  readonly listed: Lists
}

interface Lists {
  /** Members of these come in. */
  readonly rule: readonly Listed[]
  /** Teams that come in, with the ids of their organisations. */
  readonly teams: readonly (TeamRef & { readonly within: Listed | undefined })[]
  readonly groups: readonly Listed[]
}

async function listedOf(court: Court): Promise<Lists> {
  const { rule, teamGroups } = court.settings
  const lists = rule.mode === 'organizations' ? rule : { organizations: [], teams: [] }
  const [organizations, groups, teams] = await Promise.all([
    resolveAll(lists.organizations, court),
    resolveAll(teamGroups?.organizations ?? [], court),
    Promise.all(lists.teams.map(async (team) => ({ ...team, within: await ownerOf(court, team) }))),
  ])
  return { rule: organizations, groups, teams }
}

async function ownerOf(court: Court, team: TeamRef): Promise<Listed | undefined> {
  return 'organization' in team ? (await resolveAll([team.organization], court))[0] : undefined
}

/** Whether the rule holds, and which memberships were found by asking the organisations themselves. */
async function admitted(court: Court, seen: Seen): Promise<{ readonly found: readonly Organization[] } | No> {
  const { rule } = court.settings
  if (rule.mode !== 'organizations') return { found: [] }
  const { person, memberships, teams } = seen
  if (seen.listed.rule.some(({ id }) => memberships.active.some((one) => one.id === id))) return { found: [] }
  if (seen.listed.teams.some((wanted) => teams.some((team) => isTeam(team, wanted)))) return { found: [] }
  const asked: Case['asked'][number][] = []
  for (const listed of seen.listed.rule) {
    const word = await askOrganization(court.api, listed, person)
    if ('member' in word) return { found: [word.member] }
    asked.push({ listed, word })
  }
  const no = refusalOf(court.settings, { person, memberships, asked, teams: rule.teams })
  court.context.log.info({ instance: court.context.id, reason: no.no, subject: person.id }, 'a person was not let in')
  return no
}

function isTeam(team: Team, wanted: Lists['teams'][number]): boolean {
  if ('id' in wanted) return team.id === wanted.id
  return team.organization.id === wanted.within?.id && team.slug.toLowerCase() === wanted.slug.toLowerCase()
}

/** Ids and names are facts of their own: a name may be all digits, and must never pass for an id. */
function factsOf(settings: Settings, seen: Seen & { readonly active: readonly Organization[] }): readonly Fact[] {
  const { listed, teams } = seen
  const ours = new Set(
    [...listed.rule, ...listed.groups, ...listed.teams.map(({ within }) => within)].map((one) => one?.id),
  )
  const shown = settings.allFacts ? seen.active : seen.active.filter(({ id }) => ours.has(id))
  const names: Fact = { claim: 'organisations', value: shown.map(({ login }) => login).sort(), trust: 'verified' }
  const ids: Fact = {
    claim: 'organisation_ids',
    value: shown.map(({ id }) => id).sort((a, b) => a - b),
    trust: 'verified',
  }
  return [names, ids, ...groupFacts(settings, { groups: listed.groups, teams })]
}

/** An empty list is said, too: a person who left every team must lose the groups. */
function groupFacts(
  { teamGroups }: Settings,
  { groups, teams }: { groups: readonly Listed[]; teams: readonly Team[] },
): readonly Fact[] {
  if (teamGroups === undefined) return []
  const ours = teams.filter(({ organization }) => groups.some(({ id }) => id === organization.id))
  const named = ours.map(({ slug, organization }) =>
    teamGroups.names === 'team' ? slug : `${organization.login}/${slug}`,
  )
  return [{ claim: 'groups', value: [...new Set(named)].sort(), trust: 'verified' }]
}

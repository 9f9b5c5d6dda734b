/** An instance's config, read once: addresses, scopes and the rule on who may come in. @module */
import { Fault } from '@labgate/contract'
import type { Config, Context } from './config.ts'

/** An organisation as the config names it. */
export type OrganizationRef = { readonly id: number } | { readonly name: string }

/** A team as the config names it. */
export type TeamRef = { readonly id: number } | { readonly organization: OrganizationRef; readonly slug: string }

/** Who may come in. */
export type Rule =
  | { readonly mode: 'anyone' | 'nobody' }
  | {
      readonly mode: 'organizations'
      readonly organizations: readonly OrganizationRef[]
      readonly teams: readonly TeamRef[]
    }

/** Whose teams become groups, and how those are called. */
export interface TeamGroups {
  readonly organizations: readonly OrganizationRef[]
  readonly names: 'organization/team' | 'team'
}

export interface Settings {
  /** The instance, for operators: `auth-github "github"`. */
  readonly name: string
  /** GitHub's name, for people. */
  readonly label: string
  readonly web: string
  readonly api: string
  readonly issuer: string
  readonly redirectUri: URL
  readonly rule: Rule
  readonly teamGroups: TeamGroups | undefined
  readonly allFacts: boolean
  /** Whether organisations are looked at all; without, `read:org` is not asked for and no token is kept. */
  readonly looksAtOrganizations: boolean
  readonly looksAtTeams: boolean
  readonly scopes: readonly string[]
}

/** Reads the config. @throws Fault ERR_CONFIG for settings that contradict each other */
export function settingsOf(context: Context): Settings {
  const { id, config } = context
  const rule = ruleOf(id, config)
  const teamGroups = teamGroupsOf(id, config, rule)
  const web = trimmed(config.url)
  const allFacts = config.organizationFacts === 'all'
  const looksAtOrganizations = rule.mode === 'organizations' || teamGroups !== undefined || allFacts
  return {
    name: `auth-github "${id}"`,
    label: config.label,
    web,
    api: trimmed(config.apiUrl ?? apiOf(new URL(web))),
    issuer: config.issuer ?? `${web}/login/oauth`,
    redirectUri: redirectUriOf(context),
    rule,
    teamGroups,
    allFacts,
    looksAtOrganizations,
    looksAtTeams: teamGroups !== undefined || (rule.mode === 'organizations' && rule.teams.length > 0),
    scopes: looksAtOrganizations ? ['user:email', 'read:org'] : ['user:email'],
  }
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '')
}

/** GitHub's three kinds of host, each with its API elsewhere. */
function apiOf({ origin, host }: URL): string {
  if (host === 'github.com') return 'https://api.github.com'
  return host.endsWith('.ghe.com') ? `https://api.${host}` : `${origin}/api/v3`
}

/** What GitHub has registered: our own path, or the alias of an older server. */
function redirectUriOf({ config, redirectUri }: Context): URL {
  return config.callbackPath === undefined ? redirectUri : new URL(config.callbackPath, redirectUri.origin)
}

/** Who may come in is decided here alone; what becomes of new accounts is the core's, later, and opens nothing. */
function ruleOf(id: string, { allow, githubOrgAllowList }: Config): Rule {
  if (allow !== undefined && githubOrgAllowList !== undefined)
    throw wrong(id, 'give either allow or githubOrgAllowList, not both')
  if (allow === undefined) return datalabRule(githubOrgAllowList)
  const { mode, organizations, teams } = allow
  const isListed = organizations !== undefined || teams !== undefined
  if (mode === 'organizations' && !isListed)
    throw wrong(id, 'allow.mode is organizations: name some in allow.organizations or allow.teams')
  if (mode !== 'organizations' && isListed)
    throw wrong(id, `allow.mode is ${mode}, so allow.organizations and allow.teams would do nothing; set organizations`)
  if (mode !== 'organizations') return { mode }
  return { mode, organizations: (organizations ?? []).map(organizationRef), teams: (teams ?? []).map(teamRef) }
}

/** datalab: absent or null is anyone, an empty list nobody, any other its members. */
function datalabRule(list: unknown): Rule {
  if (!Array.isArray(list)) return { mode: 'anyone' }
  if (list.length === 0) return { mode: 'nobody' }
  return { mode: 'organizations', organizations: list.map(organizationRef), teams: [] }
}

function teamGroupsOf(id: string, { teamGroups }: Config, rule: Rule): TeamGroups | undefined {
  if (teamGroups === undefined) return undefined
  const { names } = teamGroups
  if (teamGroups.organizations !== undefined)
    return { organizations: teamGroups.organizations.map(organizationRef), names }
  if (rule.mode === 'organizations' && rule.organizations.length > 0)
    return { organizations: rule.organizations, names }
  // Teams of any organisation would let anybody make up a group by making up an organisation.
  throw wrong(id, 'say whose teams become groups, in teamGroups.organizations')
}

/** All digits is an id: some names are digits, too, and must not be taken for one. */
function organizationRef(entry: unknown): OrganizationRef {
  const given = String(entry)
  return /^\d+$/.test(given) ? { id: Number(given) } : { name: given }
}

function teamRef(entry: unknown): TeamRef {
  const [first = '', slug] = String(entry).split('/')
  return slug === undefined ? { id: Number(first) } : { organization: organizationRef(first), slug }
}

function wrong(id: string, why: string): Fault {
  return new Fault('ERR_CONFIG', `plugins.${id}.config: ${why}`)
}

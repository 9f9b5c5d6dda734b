/** Why somebody is not let in, in the words that help them most: first what they can mend themselves. @module */
import type { Memberships, Word } from './membership.ts'
import type { Listed } from './organizations.ts'
import type { Person } from './person.ts'
import type { OrganizationRef, Settings, TeamRef } from './settings.ts'
import type { text } from './text.ts'

/** The key of a text, and its values. */
export interface No {
  readonly no: keyof typeof text.en
  readonly values: Readonly<Record<string, string>>
}

/** What was asked, and what came back. */
export interface Case {
  readonly person: Person
  readonly memberships: Memberships
  /** Organisations whose members come in, and what each said of the person. */
  readonly asked: readonly { readonly listed: Listed; readonly word: Exclude<Word, { readonly member: unknown }> }[]
  readonly teams: readonly TeamRef[]
}

/** The refusal for somebody whom no organisation and no team lets in. Pure. */
export function refusalOf({ web }: Pick<Settings, 'web'>, given: Case): No {
  const { person, memberships, asked, teams } = given
  const about = (organization: string, page: string) => {
    const link = /^#/.test(organization) ? web : `${web}/orgs/${encodeURIComponent(organization)}/${page}`
    return { login: person.login, organization, link }
  }
  const invited = memberships.pending.find(({ id }) => asked.some(({ listed }) => listed.id === id))
  if (invited !== undefined) return { no: 'pending', values: about(invited.login, 'invitation') }
  const isBehindSaml = ({ listed: { id }, word }: Case['asked'][number]) =>
    word.no === 'saml' || (id !== undefined && memberships.behindSaml.includes(id))
  const saml = asked.find(isBehindSaml)
  if (saml !== undefined) return { no: 'saml', values: about(nameOf(saml), 'sso') }
  const restricted = asked.find(({ word }) => word.no === 'restricted')
  if (restricted !== undefined) return { no: 'restricted', values: about(nameOf(restricted), 'people') }
  if (memberships.lack === 'forbidden') return { no: 'scope', values: {} }
  const organizations = [...asked.map(nameOf), ...teams.map(teamName)].join(', ')
  return { no: 'notMember', values: { login: person.login, organizations } }
}

/** Today's name, else what the config calls it. */
function nameOf({ listed, word }: Case['asked'][number]): string {
  return word.login ?? listed.given
}

function teamName(team: TeamRef): string {
  return 'id' in team ? `#${team.id}` : `${refName(team.organization)}/${team.slug}`
}

function refName(ref: OrganizationRef): string {
  return 'id' in ref ? `#${ref.id}` : ref.name
}

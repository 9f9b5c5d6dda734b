/**
 * Where a person is a member: their own list first, which knows private memberships and survives renames; where it does not
 * name an organisation that matters, that organisation is asked.
 * @module
 */
import type { Api, Hidden } from './api.ts'
import { type Listed, loginOf, type Organization, organizationIn } from './organizations.ts'
import { fieldsOf, isId, type Person } from './person.ts'

/** A team, within its organisation. */
export interface Team {
  readonly id: number
  readonly slug: string
  readonly organization: Organization
}

/** What a person's own lists say. */
export interface Memberships {
  readonly active: readonly Organization[]
  /** Invited, not yet accepted. */
  readonly pending: readonly Organization[]
  /** Ids of organisations that hide behind their SAML sign-on. */
  readonly behindSaml: readonly number[]
  /** Why the list of all memberships could not be read, and less had to do. */
  readonly lack: Hidden | undefined
}

/** The person's organisations: all their memberships, else those this token may see, else the public ones. */
export async function membershipsOf(api: Api, { login }: Person): Promise<Memberships> {
  const whole = await api.list('/user/memberships/orgs?per_page=100')
  if (!('hidden' in whole)) {
    const seats = whole.items.map(fieldsOf)
    const inState = (state: string) =>
      organizationsIn(seats.filter((seat) => seat.state === state).map((seat) => seat.organization))
    const { behindSaml } = whole
    return { active: inState('active'), pending: inState('pending'), behindSaml, lack: undefined }
  }
  const visible = await firstList(api, ['/user/orgs', `/users/${encodeURIComponent(login)}/orgs`])
  return { active: organizationsIn(visible.items), pending: [], behindSaml: visible.behindSaml, lack: whole.hidden }
}

async function firstList(api: Api, paths: readonly string[]) {
  for (const path of paths) {
    const answer = await api.list(`${path}?per_page=100`)
    if (!('hidden' in answer)) return answer
  }
  return { items: [], behindSaml: [] }
}

function organizationsIn(items: readonly unknown[]): readonly Organization[] {
  return items.map(organizationIn).filter((one) => one !== undefined)
}

/** The person's teams in all organisations; none where GitHub does not say. */
export async function teamsOf(api: Api): Promise<readonly Team[]> {
  const answer = await api.list('/user/teams?per_page=100')
  return 'hidden' in answer ? [] : answer.items.map(teamIn).filter((one) => one !== undefined)
}

function teamIn(json: unknown): Team | undefined {
  const { id, slug, organization } = fieldsOf(json)
  const owner = organizationIn(organization)
  return isId(id) && typeof slug === 'string' && slug !== '' && owner ? { id, slug, organization: owner } : undefined
}

/** What one organisation says of one person. */
export type Word = { readonly member: Organization } | { readonly no: Hidden | 'not a member'; readonly login?: string }

/**
 * Asks an organisation itself: 204 is a member, 302 means that the asker is not in it and only its public members are to be
 * seen, 404 is not a member. The organisation's name is today's, from its id: an old name may be somebody else's by now.
 */
export async function askOrganization(api: Api, { id }: Listed, person: Person): Promise<Word> {
  const login = id === undefined ? undefined : await loginOf(api, id)
  if (id === undefined || login === undefined) return { no: 'missing' }
  const at = (list: string) => `/orgs/${encodeURIComponent(login)}/${list}/${encodeURIComponent(person.login)}`
  const inside = await api.get(at('members'))
  if (!('hidden' in inside) && inside.status === 204) return { member: { id, login } }
  const inPublic = await api.get(at('public_members'))
  if (!('hidden' in inPublic) && inPublic.status === 204) return { member: { id, login } }
  return { no: 'hidden' in inside && inside.hidden !== 'missing' ? inside.hidden : 'not a member', login }
}

/**
 * GitHub's REST API as far as sign-ins ask it: scopes, pages with Link headers, restrictions and SAML, and the ways it has of
 * not answering (403, 404, 302).
 * @module
 */
import type {
  GitHubAnswer,
  GitHubAsk,
  GitHubOrganization,
  GitHubPerson,
  GitHubSeat,
  GitHubState,
  GitHubToken,
} from './github-state.ts'

const base = '/api/v3'

interface Talk {
  readonly state: GitHubState
  readonly ask: GitHubAsk
  readonly token: GitHubToken | undefined
}

/** Answers everything below `/api/v3`. */
export function answerApi(state: GitHubState, ask: GitHubAsk): GitHubAnswer {
  const path = ask.url.pathname.slice(base.length)
  if (!ask.url.pathname.startsWith(`${base}/`)) return refusal(404, 'Not Found')
  if (ask.headers['user-agent'] === undefined)
    return { status: 403, text: 'Request forbidden by administrative rules.' }
  const [scheme = '', credential = ''] = (ask.headers.authorization ?? '').split(' ')
  if (path.startsWith('/applications/')) return application({ state, ask, token: undefined }, path)
  const isPerson = /^(bearer|token)$/i.test(scheme)
  const token = isPerson ? state.tokens.get(credential) : undefined
  if (isPerson && token === undefined) return refusal(401, 'Bad credentials')
  const talk = { state, ask, token }
  const answer = ask.method === 'GET' ? route(talk, path) : refusal(404, 'Not Found')
  return { ...answer, headers: { ...commonHeaders(token), ...answer.headers } }
}

function commonHeaders(token: GitHubToken | undefined): Record<string, string> {
  return {
    'x-github-media-type': 'github.v3; format=json',
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    ...(token === undefined ? {} : { 'x-oauth-scopes': token.scopes.join(', ') }),
  }
}

function refusal(status: number, message: string, headers: Record<string, string> = {}): GitHubAnswer {
  const json = { message, documentation_url: 'https://docs.github.com/rest', status: String(status) }
  return { status, json, headers }
}

const notFound = () => refusal(404, 'Not Found')

function route(talk: Talk, path: string): GitHubAnswer {
  const [, first, second, third, fourth] = path.split('/').map(decodeURIComponent)
  if (path === '/organizations') return allOrganizations(talk)
  if (first === 'users' && third === 'orgs') return publicOrganizations(talk, second ?? '')
  if (first === 'orgs' && third === undefined) return oneOrganization(talk, second ?? '')
  if (talk.token === undefined) return refusal(401, 'Requires authentication')
  const known: Talk & { token: GitHubToken } = { ...talk, token: talk.token }
  if (path === '/user') return { status: 200, json: userJson(known.token.person) }
  if (path === '/user/emails') return emails(known)
  if (path === '/user/orgs') return ownOrganizations(known)
  if (path === '/user/memberships/orgs') return memberships(known)
  if (path === '/user/teams') return teams(known)
  if (first === 'orgs' && (third === 'members' || third === 'public_members'))
    return member(known, { organization: second ?? '', list: third, login: fourth ?? '' })
  return notFound()
}

type Known = Talk & { readonly token: GitHubToken }

function has({ token }: Known, ...scopes: string[]): boolean {
  return scopes.some((scope) => token.scopes.includes(scope))
}

function userJson({ id, login, name = null, email = null }: GitHubPerson) {
  return {
    login,
    id,
    node_id: `U_${id}`,
    type: 'User',
    site_admin: false,
    name,
    email,
    company: null,
    two_factor_authentication: true,
  }
}

function organizationJson({ id, login }: GitHubOrganization) {
  return { login, id, node_id: `O_${id}`, description: null }
}

/** Without the scope the list is not there, says GitHub. */
function emails(talk: Known): GitHubAnswer {
  if (!has(talk, 'user', 'user:email')) return notFound()
  return paged(talk, talk.token.person.emails)
}

function isOpen({ organization }: GitHubSeat): boolean {
  return organization.restricted !== true && organization.saml !== true
}

function ssoHeader(seats: readonly GitHubSeat[]): Record<string, string> {
  const ids = seats.filter(({ organization }) => organization.saml === true).map(({ organization }) => organization.id)
  return ids.length === 0 ? {} : { 'x-github-sso': `partial-results; organizations=${ids.join(',')}` }
}

function memberships(talk: Known): GitHubAnswer {
  const { person } = talk.token
  if (!has(talk, 'user', 'read:org'))
    return refusal(403, 'You need at least read:org scope or user scope to list your organization memberships.')
  const wanted = talk.ask.url.searchParams.get('state')
  const seats = (person.seats ?? []).filter(({ state = 'active' }) => wanted === null || wanted === state)
  const json = seats.filter(isOpen).map(({ organization, state = 'active' }) => ({
    state,
    role: 'member',
    organization: organizationJson(organization),
    user: userJson(person),
  }))
  return paged(talk, json, ssoHeader(seats))
}

function ownOrganizations(talk: Known): GitHubAnswer {
  if (!has(talk, 'user', 'read:org'))
    return refusal(403, 'You need at least read:org scope or user scope to list your organizations.')
  const seats = (talk.token.person.seats ?? []).filter(({ state = 'active' }) => state === 'active')
  return paged(
    talk,
    seats.filter(isOpen).map(({ organization }) => organizationJson(organization)),
    ssoHeader(seats),
  )
}

function publicOrganizations(talk: Talk, login: string): GitHubAnswer {
  const person = talk.state.world.people.find((one) => same(one.login, login))
  if (person === undefined) return notFound()
  const seats = (person.seats ?? []).filter((seat) => seat.public === true)
  return paged(
    talk,
    seats.map(({ organization }) => organizationJson(organization)),
  )
}

function teams(talk: Known): GitHubAnswer {
  if (!has(talk, 'user', 'read:org', 'repo')) return notFound()
  const own = (talk.token.person.teams ?? []).filter((team) => isOpen(team))
  return paged(
    talk,
    own.map(({ id, slug, organization }) => ({
      id,
      node_id: `T_${id}`,
      slug,
      name: slug,
      privacy: 'closed',
      permission: 'pull',
      parent: null,
      organization: organizationJson(organization),
    })),
  )
}

function allOrganizations(talk: Talk): GitHubAnswer {
  const { searchParams } = talk.ask.url
  const since = Number(searchParams.get('since') ?? 0)
  const size = Math.min(100, Number(searchParams.get('per_page') ?? 30))
  const later = talk.state.world.organizations.filter(({ id }) => id > since).sort((a, b) => a.id - b.id)
  const json = later.slice(0, size).map(organizationJson)
  const next = new URL(talk.ask.url)
  next.searchParams.set('since', String(json.at(-1)?.id ?? since))
  return { status: 200, json, headers: { link: `<${next.href}>; rel="next"` } }
}

function organizationCalled({ state }: Talk, login: string): GitHubOrganization | undefined {
  return state.world.organizations.find((one) => same(one.login, login))
}

function oneOrganization(talk: Talk, login: string): GitHubAnswer {
  const found = organizationCalled(talk, login)
  return found === undefined ? notFound() : { status: 200, json: organizationJson(found) }
}

function member(talk: Known, at: { organization: string; list: string; login: string }): GitHubAnswer {
  const found = organizationCalled(talk, at.organization)
  if (found === undefined) return notFound()
  const seatOf = (person: GitHubPerson | undefined) =>
    person?.seats?.find(({ organization, state = 'active' }) => organization.id === found.id && state === 'active')
  const seat = seatOf(talk.state.world.people.find(({ login }) => same(login, at.login)))
  if (at.list === 'public_members') return seat?.public === true ? { status: 204 } : notFound()
  if (found.restricted === true) return refusal(403, restricted(found.login))
  if (found.saml === true)
    return refusal(403, saml, { 'x-github-sso': `required; url=${talk.state.url}/orgs/${found.login}/sso` })
  const isAskerInside = seatOf(talk.token.person) !== undefined && has(talk, 'user', 'read:org')
  if (isAskerInside) return seat === undefined ? notFound() : { status: 204 }
  const location = `${talk.state.url}${base}/orgs/${found.login}/public_members/${at.login}`
  return { status: 302, headers: { location } }
}

const restricted = (login: string) =>
  `Although you appear to have the correct authorization credentials, the \`${login}\` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited. For more information on these restrictions, including how to enable this app, visit https://docs.github.com/articles/restricting-access-to-your-organization-s-data/`

const saml =
  'Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.'

/** The app's own questions about tokens: 404 is a token it did not give. */
function application({ state, ask }: Talk, path: string): GitHubAnswer {
  const { app, tokens } = state
  const pair = Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')
  if (ask.headers.authorization?.replace(/^basic /i, '') !== pair) return refusal(401, 'Bad credentials')
  if (path !== `/applications/${encodeURIComponent(app.clientId)}/token`) return notFound()
  const token = String(ask.body.access_token)
  const given = tokens.get(token)
  if (given === undefined) return notFound()
  if (ask.method === 'POST') return { status: 200, json: { scopes: given.scopes, user: userJson(given.person) } }
  tokens.delete(token)
  return { status: 204 }
}

function paged(
  { ask }: Pick<Talk, 'ask'>,
  items: readonly unknown[],
  headers: Record<string, string> = {},
): GitHubAnswer {
  const { searchParams } = ask.url
  const size = Math.min(100, Number(searchParams.get('per_page') ?? 30) || 30)
  const page = Number(searchParams.get('page') ?? 1) || 1
  const last = Math.max(1, Math.ceil(items.length / size))
  const link = (to: number, rel: string) => {
    const url = new URL(ask.url)
    url.searchParams.set('page', String(to))
    return `<${url.href}>; rel="${rel}"`
  }
  const before = page > 1 ? [link(page - 1, 'prev')] : []
  const after = page < last ? [link(page + 1, 'next'), link(last, 'last')] : []
  const links = [...before, ...after, ...(page > 1 ? [link(1, 'first')] : [])]
  const json = items.slice((page - 1) * size, page * size)
  return { status: 200, json, headers: { ...headers, ...(links.length === 0 ? {} : { link: links.join(', ') }) } }
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

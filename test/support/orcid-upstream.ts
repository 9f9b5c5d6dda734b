/**
 * An ORCID for tests: the real endpoints' places, secrets in the body only, no PKCE, no e-mail, `orcid` and `name` beside the
 * ID token, and the public API's `/v3.0/{iD}/employments` with failures of its own.
 * @module
 */
import type { ServerResponse } from 'node:http'
import { type Faults, startUpstream, type Upstream } from './upstream.ts'

/** One employment in the public record (ORCID API 3.0, `employment-summary`), the parts that matter. */
export interface OrcidEmployment {
  readonly organization: string
  readonly role?: string
  readonly department?: string
  readonly ror?: string
  /** `2020`, `2020-05` or `2020-05-31`; absent: still there. */
  readonly end?: string
  /** Who wrote the entry; `onBehalf`: an organisation's system in the person's name. */
  readonly by: 'person' | 'organisation' | 'onBehalf'
}

export interface OrcidPerson {
  /** The iD; `uri` in the options decides how tokens spell it. */
  readonly id: string
  readonly given_name?: string
  readonly family_name?: string
  readonly name?: string
  readonly employments?: readonly OrcidEmployment[]
}

export interface Orcid extends Upstream {
  /** How the public record answers from now on. */
  record: 'ok' | '404' | '500' | 'html' | 'huge' | 'odd' | 'redirect' | 'hang'
  /** Sign people in by iD, whichever way it is spelled. */
  readonly config: Readonly<Record<string, string>>
}

/** The application registered at the stand-in. */
export const orcidClient = { client_id: 'APP-TESTTESTTESTTEST', client_secret: 'orcid-test-value' }

/** Starts an ORCID on a free port. */
export async function startOrcid(options: {
  readonly people: readonly OrcidPerson[]
  readonly redirectUris: readonly string[]
  readonly uri?: boolean
}): Promise<Orcid> {
  const people = new Map(options.people.map((person) => [person.id, person]))
  const spell = (id: string) => (options.uri ? `https://orcid.org/${id}` : id)
  const state = { record: 'ok' as Orcid['record'] }
  const upstream = await startUpstream({
    users: options.people.map(({ id, employments: _, ...claims }) => ({ ...claims, sub: spell(id) })),
    clients: [
      {
        ...orcidClient,
        redirect_uris: [...options.redirectUris],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    paths: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      userinfo: '/oauth/userinfo',
      jwks: '/oauth/jwks',
    },
    faults: { token: besideIdToken },
    settings: {
      scopes: ['openid'],
      claims: { openid: ['sub', 'name', 'given_name', 'family_name'], auth_time: null },
      conformIdTokenClaims: false,
      clientAuthMethods: ['client_secret_post'],
      pkce: { required: () => false },
    },
    also(request, response) {
      const id = /^\/v3\.0\/([^/]+)\/employments$/.exec(request.url ?? '')?.[1]
      if (id !== undefined) answerRecord(response, { person: people.get(id), how: state.record })
      return id !== undefined
    },
  })
  const { issuer } = upstream
  return Object.defineProperties(
    {
      ...upstream,
      config: {
        clientId: orcidClient.client_id,
        clientSecret: orcidClient.client_secret,
        issuer,
        authorizationEndpoint: `${issuer}/oauth/authorize`,
        tokenEndpoint: `${issuer}/oauth/token`,
        userinfoEndpoint: `${issuer}/oauth/userinfo`,
        jwksUri: `${issuer}/oauth/jwks`,
        publicApi: `${issuer}/v3.0`,
      },
      record: 'ok',
    } as Orcid,
    { record: { get: () => state.record, set: (how: Orcid['record']) => Object.assign(state, { record: how }) } },
  )
}

/** The token response repeats iD and name, outside the signed part. */
const besideIdToken: NonNullable<Faults['token']> = (body) => {
  const [, payload = ''] = String(body.id_token).split('.')
  const { sub, name = null } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return { ...body, expires_in: 631_138_518, orcid: sub, name }
}

function answerRecord(response: ServerResponse, ask: { person: OrcidPerson | undefined; how: Orcid['record'] }): void {
  const json = { 'content-type': 'application/json;charset=UTF-8' }
  if (ask.how === 'hang') return
  if (ask.how === '500') return void response.writeHead(500).end()
  if (ask.how === 'redirect') return void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()
  if (ask.how === 'html') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>ORCID</h1>')
  if (ask.how === 'huge') return void response.writeHead(200, json).end(`"${'x'.repeat(12_000_000)}"`)
  if (ask.how === 'odd') return void response.writeHead(200, json).end('{"affiliation-group":[{"summaries":[7,null]}]}')
  if (ask.how === '404' || ask.person === undefined) return void response.writeHead(404, json).end('{}')
  response.writeHead(200, json).end(JSON.stringify(recordOf(ask.person)))
}

function recordOf({ id, employments = [] }: OrcidPerson): object {
  const groups = employments.map((employment, index) => ({
    'last-modified-date': { value: 1_600_000_000_000 },
    'external-ids': { 'external-id': [] },
    summaries: [{ 'employment-summary': summaryOf(employment, { id, code: index + 1 }) }],
  }))
  return { 'last-modified-date': null, 'affiliation-group': groups, path: `/${id}/employments` }
}

function summaryOf(employment: OrcidEmployment, { id, code }: { id: string; code: number }): object {
  const orcid = { uri: `https://orcid.org/${id}`, path: id, host: 'orcid.org' }
  const client = { uri: 'https://orcid.org/client/APP-1', path: 'APP-1', host: 'orcid.org' }
  const ror = { 'disambiguated-organization-identifier': employment.ror, 'disambiguation-source': 'ROR' }
  return {
    source: {
      'source-orcid': employment.by === 'person' ? orcid : null,
      'source-client-id': employment.by === 'person' ? null : client,
      'source-name': { value: 'somebody' },
      'assertion-origin-orcid': employment.by === 'onBehalf' ? orcid : null,
    },
    'put-code': code,
    'department-name': employment.department ?? null,
    'role-title': employment.role ?? null,
    'start-date': { year: { value: '2010' }, month: null, day: null },
    'end-date': endOf(employment.end),
    organization: {
      name: employment.organization,
      address: { city: 'Providence', region: null, country: 'US' },
      'disambiguated-organization': employment.ror === undefined ? null : ror,
    },
    visibility: 'public',
    path: `/${id}/employment/${code}`,
  }
}

function endOf(end: string | undefined): object | null {
  if (end === undefined) return null
  const [year, month, day] = end.split('-').map((value) => ({ value }))
  return { year, month: month ?? null, day: day ?? null }
}

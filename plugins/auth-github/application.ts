/** What is asked of GitHub as the application itself, not for a person: are the credentials right, end a token, find an id. @module */
import { Fault, type Finding, isFault } from '@labgate/contract'
import { type ApiNeeds, createApi, request, urlOf } from './api.ts'
import { loginOf, organizationIn } from './organizations.ts'
import type { OrganizationRef, Settings } from './settings.ts'

export interface Application {
  readonly needs: ApiNeeds
  readonly clientId: string
  /** RFC 7617, with id and secret of the app. */
  readonly authorization: string
}

/** The app's own voice. */
export function applicationOf(
  needs: ApiNeeds,
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
): Application {
  const pair = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  return { needs, clientId, authorization: `Basic ${pair}` }
}

function aboutToken({ needs, clientId, authorization }: Application, ask: { method: string; token: string }) {
  const url = urlOf(needs, `/applications/${encodeURIComponent(clientId)}/token`)
  const headers = { authorization, 'content-type': 'application/json' }
  const body = JSON.stringify({ access_token: ask.token })
  return request(needs, { url, init: { method: ask.method, headers, body }, mayBe: [422] })
}

/** Ends a token at GitHub; one that is gone already is fine. @throws Fault ERR_UPSTREAM, ERR_UPSTREAM_REFUSED */
export async function revokeToken(application: Application, token: string): Promise<void> {
  const answer = await aboutToken(application, { method: 'DELETE', token })
  if (!('hidden' in answer) || answer.hidden === 'missing') return
  throw new Fault('ERR_UPSTREAM_REFUSED', `${application.needs.name}: GitHub did not end a token; check clientSecret`)
}

/** For `doctor`: does GitHub answer, does it take our credentials, are the organisations there. */
export async function* probe(application: Application, settings: Settings): AsyncIterable<Finding> {
  const { base } = application.needs
  const what = `GitHub's API at ${new URL(base).host} answers and takes clientId and clientSecret`
  const answer = await aboutToken(application, { method: 'POST', token: 'not-a-token' }).catch(faultOr)
  if (isFault(answer)) {
    yield { ok: false, what, mend: answer.message }
    return
  }
  // No such token, it says, to an app that it knows.
  const isKnown = !('hidden' in answer) || answer.hidden === 'missing'
  yield isKnown ? { ok: true, what } : { ok: false, what, mend: 'check clientId and clientSecret' }
  if (!isKnown) return
  for (const ref of organizationsIn(settings)) yield await probeOrganization(application, ref)
}

function faultOr(error: unknown): Fault {
  if (isFault(error)) return error
  throw error
}

function organizationsIn({ rule, teamGroups }: Settings): readonly OrganizationRef[] {
  const ruled = rule.mode === 'organizations' ? rule.organizations : []
  const grouped = teamGroups === undefined || teamGroups.organizations === ruled ? [] : teamGroups.organizations
  return [...ruled, ...grouped]
}

async function probeOrganization({ needs, authorization }: Application, ref: OrganizationRef): Promise<Finding> {
  const api = createApi(needs, authorization)
  if ('id' in ref) {
    const login = await loginOf(api, ref.id)
    if (login !== undefined) return { ok: true, what: `organisation ${ref.id} is ${login}` }
    return { ok: false, what: `organisation ${ref.id} is there`, mend: 'check the id, or take it out' }
  }
  const answer = await api.get(`/orgs/${encodeURIComponent(ref.name)}`)
  const found = 'hidden' in answer ? undefined : organizationIn(answer.json)
  if (found === undefined)
    return { ok: false, what: `organisation ${ref.name} is there`, mend: 'check the name, or take it out' }
  const mend = `write ${found.id} instead of ${ref.name}: names can change hands`
  return { ok: false, what: `organisation ${ref.name} is given by its id`, mend }
}

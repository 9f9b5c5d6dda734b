/**
 * GitHub's REST API with one person's token: pages, and refusals told apart. What GitHub hides (a restriction, SAML, a scope)
 * is a value; what it cannot answer is a fault.
 * @module
 */

import type { SignIn } from '@labgate/auth-oidc/sign-in'
import { type Clock, Fault } from '@labgate/contract'

/**
 * Why GitHub did not say: the token is no good, the organisation restricts OAuth apps, it wants its SAML sign-on,
 * the token may not, or there is no such thing (which GitHub also says of what it hides).
 */
export type Hidden = 'token' | 'restricted' | 'saml' | 'forbidden' | 'missing'

/** One answer: any status below 400, with its JSON if it has any. */
export type Answer = { readonly status: number; readonly json: unknown } | { readonly hidden: Hidden }

/** A whole list, and the ids of organisations left out of it because of SAML. */
export type ListAnswer =
  | { readonly items: readonly unknown[]; readonly behindSaml: readonly number[] }
  | { readonly hidden: Hidden }

export interface Api {
  get(path: string): Promise<Answer>
  /** Follows the pages of a list to their end. @throws Fault ERR_UPSTREAM when it has none */
  list(path: string): Promise<ListAnswer>
}

export interface ApiNeeds {
  /** The instance, for operators. */
  readonly name: string
  readonly base: string
  readonly signIn: Pick<SignIn, 'ask'>
  readonly clock: Clock
}

/** Two thousand organisations are no person. */
const mostPages = 20

/** The API as one person sees it; `authorization` is the whole header. */
export function createApi(needs: ApiNeeds, authorization: string): Api {
  const ask = (url: URL) => request(needs, { url, init: { headers: { authorization } } })
  return {
    async get(path) {
      const answer = await ask(urlOf(needs, path))
      return 'hidden' in answer ? answer : { status: answer.status, json: answer.json }
    },
    async list(path) {
      const items: unknown[] = []
      const behindSaml = new Set<number>()
      let url: URL | undefined = urlOf(needs, path)
      for (let page = 0; url !== undefined; page++) {
        if (page === mostPages) throw broken(needs, `a list of more than ${mostPages} pages`)
        const answer: Heard | { readonly hidden: Hidden } = await ask(url)
        if ('hidden' in answer) return answer
        if (!Array.isArray(answer.json)) throw broken(needs, 'something else where a list belongs')
        items.push(...answer.json)
        for (const id of samlPart(answer.headers)) behindSaml.add(id)
        url = nextPage(needs, answer.headers)
      }
      return { items, behindSaml: [...behindSaml] }
    },
  }
}

/** A path below the API's address; parts that come from people are encoded by the caller. */
export function urlOf({ base }: Pick<ApiNeeds, 'base'>, path: string): URL {
  return new URL(base + path)
}

/** An answer below 400. */
export interface Heard {
  readonly status: number
  readonly json: unknown
  readonly headers: Headers
}

/** One request with GitHub's headers; `mayBe` are refusals that are answers, too. @throws Fault ERR_UPSTREAM: no usable answer, or too many requests */
export async function request(
  needs: ApiNeeds,
  { url, init, mayBe = [] }: { readonly url: URL; readonly init: RequestInit; readonly mayBe?: readonly number[] },
): Promise<Heard | { readonly hidden: Hidden }> {
  const headers = new Headers(init.headers)
  headers.set('accept', 'application/vnd.github+json')
  headers.set('x-github-api-version', '2022-11-28')
  // GitHub refuses requests without one.
  headers.set('user-agent', 'labgate')
  // A redirect is an answer here, and a token is not carried along it.
  const whole: RequestInit = { ...init, headers: Object.fromEntries(headers), redirect: 'manual' }
  const response = await needs.signIn.ask(`${init.method ?? 'GET'} ${url.pathname}`, url, whole)
  const { status } = response
  if (status >= 500) throw broken(needs, String(status))
  const json = await jsonOf(needs, response)
  if (status < 400 || mayBe.includes(status)) return { status, json, headers: response.headers }
  const limited = limitOf(needs, response, json)
  if (limited !== undefined) throw limited
  const hidden = hiddenOf(response, json)
  if (hidden === undefined) throw broken(needs, String(status))
  return { hidden }
}

async function jsonOf(needs: ApiNeeds, response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    throw broken(needs, 'an answer that breaks off', cause)
  })
  // A redirect's or a refusal's body is words at most.
  if (text.trim() === '' || response.status >= 300) return parsed(text)
  const json = parsed(text)
  if (json === undefined || json === null) throw broken(needs, 'no JSON')
  return json
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no JSON, and `undefined` says so
  }
}

/** GitHub's first and second rate limits are a 429, or a 403 that says so in its headers or in words. */
function limitOf({ name, clock }: ApiNeeds, { status, headers }: Response, json: unknown): Fault | undefined {
  if (status !== 403 && status !== 429) return undefined
  const isLimit = headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after')
  if (status === 403 && !isLimit && !/rate limit/i.test(messageOf(json))) return undefined
  const reset = Number(headers.get('x-ratelimit-reset')) - clock.now().getTime() / 1000
  const wait = Number(headers.get('retry-after')) || reset
  const seconds = Number.isFinite(wait) ? Math.min(3600, Math.max(1, Math.ceil(wait))) : 60
  return new Fault('ERR_UPSTREAM', `${name}: GitHub's rate limit is used up for ${seconds} s`, {
    retryAfterSeconds: seconds,
  })
}

function hiddenOf({ status, headers }: Response, json: unknown): Hidden | undefined {
  if (status === 401) return 'token'
  if (status === 404) return 'missing'
  if (status !== 403) return undefined
  const message = messageOf(json)
  if (/OAuth App access restrictions/i.test(message)) return 'restricted'
  return headers.get('x-github-sso')?.startsWith('required') || /SAML/.test(message) ? 'saml' : 'forbidden'
}

function messageOf(json: unknown): string {
  const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined
  return typeof message === 'string' ? message : ''
}

/** `X-GitHub-SSO: partial-results; organizations=1,2`: the list lacks what these organisations would show. */
function samlPart(headers: Headers): readonly number[] {
  const ids = /^partial-results;\s*organizations=([\d,]+)/.exec(headers.get('x-github-sso') ?? '')?.[1]
  return ids === undefined ? [] : ids.split(',').map(Number)
}

/** The next page (RFC 8288); a token is never carried to another origin. */
function nextPage(needs: ApiNeeds, headers: Headers): URL | undefined {
  const link = /<([^>]+)>\s*;\s*rel="next"/.exec(headers.get('link') ?? '')?.[1]
  const url = link === undefined ? undefined : URL.parse(link, needs.base)
  if (url === undefined) return undefined
  if (url === null || url.origin !== new URL(needs.base).origin) throw broken(needs, 'a next page on another host')
  return url
}

/** The fault for an answer that is none. */
export function broken({ name, base }: Pick<ApiNeeds, 'name' | 'base'>, what: string, cause?: unknown): Fault {
  const options = cause === undefined ? {} : { cause }
  return new Fault('ERR_UPSTREAM', `${name}: ${new URL(base).host} answered with ${what}`, options)
}

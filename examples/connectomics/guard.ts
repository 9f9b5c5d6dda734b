/**
 * What a CAVE service does before it answers: it asks Labgate who holds the token and which dataset the table belongs to,
 * and refuses in the words of middle_auth_client, which CAVEclient, viewers and browsers act on. Copy it for a service that
 * is not in Python.
 * @module
 */
import type { IncomingMessage } from 'node:http'

/** Where Labgate's CAVE adapter is. */
export interface AuthPlaces {
  /** `AUTH_URL`: for services. */
  readonly auth: string
  /** `STICKY_AUTH_URL`: for browsers. */
  readonly sticky: string
  /** Whose names the tables are. */
  readonly namespace: string
}

/** What this service reads of `/user/cache`; there is more in it. */
export interface AuthUser {
  readonly id: number
  readonly name: string
  readonly permissions_v2: Readonly<Record<string, readonly string[]>>
  readonly permissions_v2_ignore_tos: Readonly<Record<string, readonly string[]>>
  readonly missing_tos: readonly { readonly dataset_name: string; readonly tos_id: number; readonly tos_name: string }[]
}

/** Whoever may, or the answer that says why not. */
export type Verdict =
  | { readonly user: AuthUser; readonly dataset: string }
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }

/** What is asked for. `url`: as the caller wrote it, scheme and host included. */
export interface Ask {
  readonly req: IncomingMessage
  readonly url: URL
  readonly table: string
  readonly permission: string
}

const cookieName = 'middle_auth_token'
const keptMs = 300_000
/** So often in that time a refusal is looked up anew for one token; it makes a new grant count at once. */
const mostSkips = 20

/** Makes a guard. It remembers answers for five minutes: so long a permission that was taken away may still count. */
export function createGuard(at: AuthPlaces): (ask: Ask) => Promise<Verdict> {
  const users = kept<AuthUser>()
  const datasets = kept<string>()
  const skips = kept<number>()

  const userOf = (token: string, how: 'kept' | 'anew') =>
    users(token, how, () => answerOf<AuthUser>(at, 'user/cache', token))
  const datasetOf = (table: string, token: string) =>
    datasets(table, 'kept', () =>
      answerOf<string>(at, `service/${at.namespace}/table/${encodeURIComponent(table)}/dataset`, token),
    )
  const maySkip = async (token: string) => {
    const before = (await skips(token, 'kept', async () => 0)) ?? 0
    await skips(token, 'anew', async () => before + 1)
    return before < mostSkips
  }

  return async (ask) => {
    const { token, scheme } = tokenOf(ask)
    if (scheme !== undefined) return refused(at, ask, { status: 400, error: 'bad_auth_header' })
    if (token === undefined) return unknown(at, ask, 'no_token')
    if (!isProgram(ask) && ask.url.searchParams.has(cookieName)) return intoCookie(ask.url, token)
    const user = await userOf(token, 'kept')
    if (user === undefined) return unknown(at, ask, 'invalid_token')
    const dataset = await datasetOf(ask.table, token)
    if (dataset === undefined) return refused(at, ask, { status: 400, error: 'invalid_table_id' })
    const { permission } = ask
    if (user.permissions_v2[dataset]?.includes(permission)) return { user, dataset }
    const fresh = (await maySkip(token)) ? await userOf(token, 'anew') : user
    if (fresh === undefined) return unknown(at, ask, 'invalid_token')
    if (fresh.permissions_v2[dataset]?.includes(permission)) return { user: fresh, dataset }
    const terms = fresh.missing_tos.find((one) => one.dataset_name === dataset)
    if (terms !== undefined && fresh.permissions_v2_ignore_tos[dataset]?.includes(permission))
      return toTerms(at, ask, terms)
    const data = { required_permission: permission, auth_dataset: dataset }
    return refused(at, ask, { status: 403, error: 'missing_permission', data })
  }
}

/** A failed call throws: who cannot be asked about is not refused for five minutes. */
async function answerOf<T>({ auth }: AuthPlaces, path: string, token: string): Promise<T | undefined> {
  const answer = await fetch(`${auth}/api/v1/${path}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(5000),
  })
  if (answer.status === 200) return (await answer.json()) as T
  if (answer.status >= 500 || answer.status === 429) throw new Error(`${auth} answered ${answer.status}`)
  return undefined
}

/** Header, then query, then cookie. */
function tokenOf({ req, url }: Ask): { readonly token?: string | undefined; readonly scheme?: 'wrong' } {
  const { authorization, cookie = '' } = req.headers
  if (authorization !== undefined) {
    const [, token] = /^Bearer (\S+)$/.exec(authorization) ?? []
    return token === undefined ? { scheme: 'wrong' } : { token }
  }
  const inCookie = cookie.split('; ').find((pair) => pair.startsWith(`${cookieName}=`))
  return { token: url.searchParams.get(cookieName) ?? inCookie?.slice(cookieName.length + 1) }
}

/** By these three headers programs are told from browsers, which are sent on instead of being refused. */
function isProgram({ req: { headers } }: Ask): boolean {
  return ['authorization', 'x-requested-with', 'origin'].some((name) => headers[name] !== undefined)
}

/** The token leaves the address before anybody can copy it. */
function intoCookie(url: URL, token: string): Verdict {
  const clean = new URL(url)
  for (const name of [cookieName, 'token', 'middle_auth_url']) clean.searchParams.delete(name)
  const secure = url.protocol === 'https:' ? '; Secure' : ''
  return away(clean, { 'Set-Cookie': `${cookieName}=${token}; HttpOnly; Path=/; SameSite=Lax${secure}` })
}

function away(to: URL, headers: Readonly<Record<string, string>> = {}): Verdict {
  return { status: 302, headers: { Location: to.href, ...headers }, body: '' }
}

function unknown(at: AuthPlaces, ask: Ask, error: 'no_token' | 'invalid_token'): Verdict {
  if (isProgram(ask)) return refused(at, ask, { status: 401, error })
  const to = new URL(`${at.sticky}/api/v1/authorize`)
  to.searchParams.set('redirect', ask.url.href)
  return away(to)
}

function toTerms(at: AuthPlaces, ask: Ask, { tos_id, tos_name }: AuthUser['missing_tos'][number]): Verdict {
  const form = new URL(`${at.sticky}/api/v1/tos/${tos_id}/accept`)
  const data = { tos_id, tos_name, tos_form_url: form.href }
  if (isProgram(ask)) return refused(at, ask, { status: 403, error: 'missing_tos', data })
  form.searchParams.set('redirect', ask.url.href)
  return away(form)
}

const messages = {
  no_token: 'Unauthorized - No Token Provided',
  invalid_token: 'Unauthorized - Token is Invalid or Expired',
  bad_auth_header: "Bad Request - Header must begin with 'Bearer'",
  invalid_table_id: 'Bad Request - Unknown table',
  missing_permission: 'Missing permission for this dataset',
  missing_tos: 'Terms of this dataset must be accepted first',
} as const

/** What follows the realm of a challenge. */
const wrong: Readonly<Partial<Record<keyof typeof messages, string>>> = {
  no_token: '',
  invalid_token: ', error="invalid_token", error_description="Invalid/Expired Token"',
  bad_auth_header: `, error="invalid_request", error_description="Header must begin with 'Bearer'"`,
}

interface Refusal {
  readonly status: number
  readonly error: keyof typeof messages
  readonly data?: Readonly<Record<string, unknown>>
}

function refused({ sticky }: AuthPlaces, { table }: Ask, { status, error, data }: Refusal): Verdict {
  const said = data ?? (error === 'invalid_table_id' ? { table_id: table } : undefined)
  // Viewers find by the realm where people sign in: no comma and no equals sign may be in it.
  const challenge = { 'WWW-Authenticate': `Bearer realm="${sticky}/api/v1/authorize"${wrong[error] ?? ''}` }
  return {
    status,
    // They compare the type as a whole: no charset.
    headers: { 'Content-Type': 'application/json', ...(error in wrong ? challenge : {}) },
    body: JSON.stringify({ error, message: messages[error], ...(said === undefined ? {} : { data: said }) }),
  }
}

/** Remembers up to a thousand answers for five minutes each, and nothing that was not there. */
function kept<T>(): (key: string, how: 'kept' | 'anew', ask: () => Promise<T | undefined>) => Promise<T | undefined> {
  const answers = new Map<string, { readonly value: T; readonly until: number }>()
  return async (key, how, ask) => {
    const known = answers.get(key)
    const lives = known !== undefined && known.until > Date.now()
    if (how === 'kept' && lives) return known.value
    const value = await ask()
    answers.delete(key)
    if (value === undefined) return undefined
    answers.set(key, { value, until: lives && typeof value === 'number' ? known.until : Date.now() + keptMs })
    const [oldest] = answers.size > 1000 ? answers.keys() : []
    if (oldest !== undefined) answers.delete(oldest)
    return value
  }
}

/**
 * A CAVE service as middle_auth_client makes one: the calls it sends and how it reads the answers. It looks at the
 * status 200 and at nothing else, reads some keys without asking whether they are there, and takes a public object for
 * what the answer's truth says.
 * @module
 */

/** What it kept of `/user/cache`. */
export interface AuthUser {
  readonly id: number
  readonly admin: boolean
  readonly groups: readonly string[]
  readonly datasets_admin: readonly string[]
  readonly permissions_v2?: Readonly<Record<string, readonly string[]>>
  readonly permissions_v2_ignore_tos?: Readonly<Record<string, readonly string[]>>
  readonly missing_tos?: readonly {
    readonly dataset_name: string
    readonly tos_id: number
    readonly tos_name: string
  }[]
}

/** How the service would answer its own caller. */
export interface ServiceAnswer {
  readonly status: number
  readonly error?: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** What Python says of a key that is not there. */
export class KeyError extends Error {}

/** A member that is read with `[...]`: without it the service answers 500. */
function member<T extends object, K extends keyof T>(object: T, key: K): NonNullable<T[K]> {
  const value = object[key]
  if (value === undefined || value === null) throw new KeyError(String(key))
  return value
}

/** In a window of five minutes a refusal is looked up anew so many times for one token. */
const mostSkips = 20
/** After these it asks again, five times, as the retries of its session do. */
const passing = new Set([500, 502, 503, 504])

/** Makes one; `base` is where the API lives, prefix included. `fetch`: how it reaches the network. */
export function middleAuthService(at: {
  base: string
  sticky: string
  serviceToken?: string
  fetch?: (url: string, init: RequestInit) => Promise<Response>
}) {
  const get = async (path: string, token: string) => {
    const send = at.fetch ?? fetch
    const ask = () => send(`${at.base}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } })
    let answer = await ask()
    for (let retry = 0; retry < 5 && passing.has(answer.status); retry++) answer = await ask()
    return answer
  }
  const kept = new Map<string, AuthUser | undefined>()
  const skips = new Map<string, number>()

  async function lookUp(token: string, how: 'kept' | 'anew'): Promise<AuthUser | undefined> {
    if (how === 'kept' && kept.has(token)) return kept.get(token)
    const answer = await get('user/cache', token)
    const user = answer.status === 200 ? ((await answer.json()) as AuthUser) : undefined
    kept.set(token, user)
    return user
  }

  async function datasetOf(table: string, namespace: string, token: string): Promise<string | undefined> {
    const answer = await get(`service/${namespace}/table/${table}/dataset`, at.serviceToken ?? token)
    return answer.status === 200 ? ((await answer.json()) as string) : undefined
  }

  async function isPublic(table: string, root: string | undefined): Promise<boolean> {
    if (at.serviceToken === undefined || root === undefined) return false
    const answer = await get(`table/${table}/root/${root}/is_public`, at.serviceToken)
    return answer.status === 200 && Boolean(await answer.json())
  }

  const has = (user: AuthUser, key: 'permissions_v2' | 'permissions_v2_ignore_tos', dataset: string, verb: string) =>
    (user[key]?.[dataset] ?? []).includes(verb)

  /** One route of the service that asks a permission on the dataset of a table. */
  async function ask(
    token: string | undefined,
    need: { permission: string; table: string; root?: string; namespace?: string },
  ): Promise<ServiceAnswer> {
    const { permission, table, root, namespace = 'datastack' } = need
    const open = permission !== 'edit' && (await isPublic(table, root))
    if (token === undefined) return open ? { status: 200 } : { status: 401, error: 'no_token' }
    const user = await lookUp(token, 'kept')
    if (user === undefined) return { status: 401, error: 'invalid_token' }
    const dataset = await datasetOf(table, namespace, token)
    if (dataset === undefined) return { status: 400, error: 'invalid_table_id' }
    if (has(user, 'permissions_v2', dataset, permission) || open) return { status: 200 }
    const skipped = skips.get(token) ?? 0
    skips.set(token, skipped + 1)
    const fresh = skipped < mostSkips ? await lookUp(token, 'anew') : user
    if (fresh === undefined) return { status: 401, error: 'invalid_token' }
    if (has(fresh, 'permissions_v2', dataset, permission)) return { status: 200 }
    const missing = fresh.missing_tos?.find((one) => one.dataset_name === dataset)
    if (missing && has(fresh, 'permissions_v2_ignore_tos', dataset, permission))
      return {
        status: 403,
        error: 'missing_tos',
        data: {
          tos_id: missing.tos_id,
          tos_name: missing.tos_name,
          tos_form_url: `${at.sticky}/api/v1/tos/${missing.tos_id}/accept`,
        },
      }
    return {
      status: 403,
      error: 'missing_permission',
      data: { required_permission: permission, auth_dataset: dataset },
    }
  }

  return {
    lookUp,
    ask,
    /** A route for super admins; for members of a group; for those who look after a dataset. */
    async askRole(token: string, need: 'admin' | { group: string } | { datasetAdmin: string }): Promise<ServiceAnswer> {
      const user = await lookUp(token, 'kept')
      if (user === undefined) return { status: 401, error: 'invalid_token' }
      if (need === 'admin') return { status: member(user, 'admin') ? 200 : 403 }
      if ('group' in need) return { status: member(user, 'groups').includes(need.group) ? 200 : 403 }
      const { datasetAdmin } = need
      if (member(user, 'datasets_admin').includes(datasetAdmin)) return { status: 200 }
      const data = { required_role: 'dataset_admin', auth_dataset: datasetAdmin }
      return { status: 403, error: 'missing_role', data }
    },
    /** By whom the rate limits of services count. */
    limitKey: async (token: string) => `user:${member((await lookUp(token, 'kept')) ?? ({} as AuthUser), 'id')}`,
    async allPublic(table: string, roots: readonly string[]): Promise<boolean> {
      const answer = await fetch(`${at.base}/api/v1/table/${table}/root_all_public`, {
        method: 'POST',
        headers: { authorization: `Bearer ${at.serviceToken}`, 'content-type': 'application/json' },
        body: `[${roots.join(', ')}]`,
      })
      // As Python takes it: a list with something in it is true.
      return answer.status === 200 && Boolean(await answer.json())
    },
    async userName(id: number): Promise<string | undefined> {
      const answer = await get(`username?id=${id}`, at.serviceToken ?? '')
      const names = (await answer.json()) as { id: number; name: string }[]
      return names.find((one) => one.id === id)?.name
    },
    /** Whether two people share a group, those that everybody is in left out. */
    async sharesGroup(user: AuthUser, other: number): Promise<boolean> {
      const answer = await get(`user/${other}/permissions`, at.serviceToken ?? '')
      const { groups } = (await answer.json()) as AuthUser
      return groups.some((group) => user.groups.includes(group))
    },
  }
}

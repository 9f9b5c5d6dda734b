/** What the dialect claims: datalab's identity surface, at the root and below each version. @module */
import type { MixedCors, RouteClaim, TokenGuard } from '@labgate/contract'
import type { DatalabConfig } from './config.ts'
import { remoteRoutes } from './remotes/routes.ts'

/** Prefixes under which everything stands once more. */
export const versions = ['', '/v0', '/v0.1', '/v0.1.0'] as const
/** The header of keys. */
export const keyHeader = 'datalab-api-key'

/** The scope that keys of an instance have: those of another open nothing here. */
export function scopeOf({ identifierPrefix }: Pick<DatalabConfig, 'identifierPrefix'>): string {
  return `datalab:${identifierPrefix}`
}

/** A route before it is given its versions; `known` by key or session, `public` by anybody. */
export interface Plain {
  readonly id: string
  readonly method: RouteClaim['method']
  readonly path: string
  readonly who: 'known' | 'public'
  readonly rate?: NonNullable<RouteClaim['rate']>
  readonly bodyBytes?: number
}

const known = (id: string, method: RouteClaim['method'], path: string): Plain => ({ id, method, path, who: 'known' })
const open = (id: string, path: string): Plain => ({ id, method: 'GET', path, who: 'public' })

const identity: readonly Plain[] = [
  open('info', '/info'),
  open('blocks', '/info/blocks'),
  open('types', '/info/types'),
  open('type', '/info/types/:type'),
  known('stats', 'GET', '/info/stats'),
  known('userActivity', 'GET', '/info/user-activity'),
  open('alive', '/healthcheck/is_alive'),
  open('ready', '/healthcheck/is_ready'),
  known('currentUser', 'GET', '/get-current-user/'),
  open('currentUserSlash', '/get-current-user'),
  known('keys', 'GET', '/api-keys'),
  known('makeKey', 'POST', '/api-keys'),
  known('endKey', 'DELETE', '/api-keys/:key'),
  known('searchUsersOld', 'GET', '/search-users/'),
  known('searchUsers', 'GET', '/search/users/'),
  known('searchUsersBare', 'GET', '/search/users'),
  known('searchGroups', 'GET', '/search/groups'),
]

const administration: readonly Plain[] = [
  known('users', 'GET', '/users'),
  known('changeUser', 'PATCH', '/users/:user'),
  known('activity', 'GET', '/users/:user/activity'),
  known('setManagers', 'PATCH', '/users/:user/managers'),
  known('setRole', 'PATCH', '/roles/:user'),
  known('groups', 'GET', '/groups'),
  known('createGroup', 'PUT', '/groups'),
  known('changeGroup', 'PATCH', '/groups/:group'),
  known('deleteGroup', 'DELETE', '/groups/:group'),
  known('addMember', 'PUT', '/groups/:group'),
  known('removeMember', 'DELETE', '/groups/:group/members/:user'),
]

const signIn: readonly Plain[] = [
  {
    ...({ id: 'magicLink', method: 'POST', path: '/login/magic-link', who: 'public' } as const),
    ...{ rate: { count: 60, seconds: 60 }, bodyBytes: 4096 },
  },
  open('openLink', '/login/email'),
  { ...({ id: 'useLink', method: 'POST', path: '/login/email', who: 'public' } as const), bodyBytes: 4096 },
  open('login', '/login/:provider'),
  open('authorized', '/login/:provider/authorized'),
  open('logout', '/logout'),
  { id: 'logoutNow', method: 'POST', path: '/logout', who: 'public' },
]

/** Every route once, by the id that its handler has. */
const surface: readonly Plain[] = [...identity, ...administration, ...signIn, ...remoteRoutes]

/** All routes. Ids are `VERSION.NAME`, the root's `root.NAME`. */
export function datalabRoutes(config: DatalabConfig): readonly RouteClaim[] {
  const guard: TokenGuard = {
    token: { header: keyHeader, scheme: '', scopes: [scopeOf(config)] },
    withoutToken: 'signed-in',
  }
  const cors: MixedCors = {
    credentials: [new URL(config.appUrl).origin],
    others: 'any',
    headers: ['Content-Type', 'DATALAB-API-KEY'],
  }
  const home: RouteClaim = { id: 'root.home', method: 'GET', path: '/', guard: 'public', cors: 'any' }
  const arrived: RouteClaim = { id: 'root.arrived', method: 'GET', path: '/login/done', guard: 'public' }
  return [
    home,
    arrived,
    ...versions.flatMap((version) =>
      surface.map(
        ({ id, path, who, ...claim }): RouteClaim => ({
          ...claim,
          id: `${version === '' ? 'root' : version.slice(1)}.${id}`,
          path: version + path,
          guard: who === 'known' ? guard : 'public',
          cors,
        }),
      ),
    ),
  ]
}

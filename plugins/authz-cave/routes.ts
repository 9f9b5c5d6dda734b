/** What the dialect claims: the API below both prefixes, the ways of browsers below the sticky one. @module */
import type { RouteClaim, TokenGuard } from '@labgate/contract'
import type { CaveConfig, CaveContext } from './config.ts'

/** The scope a token needs here. */
export const caveScope = 'cave'
/** Names of the token in cookies and queries; both families of clients are in the field. */
export const tokenNames = ['middle_auth_token', 'dsg_token'] as const

const token: TokenGuard = {
  token: { scopes: [caveScope], cookies: tokenNames, query: tokenNames, doubtful: 'refuse' },
}
/** A GET that changes something: a token in the header does it, a browser is asked first. */
const asked: TokenGuard = { token: { scopes: [caveScope], doubtful: 'refuse' }, withoutToken: 'session' }

type Plain = Pick<RouteClaim, 'method' | 'path' | 'guard'> & { readonly id: string; readonly bodyBytes?: number }

const get = (id: string, path: string, guard: RouteClaim['guard'] = token): Plain => ({
  id,
  method: 'GET',
  path,
  guard,
})
const post = (id: string, path: string, guard: RouteClaim['guard'] = token): Plain => ({
  ...{ id, method: 'POST', path, guard },
})

const api: readonly Plain[] = [
  get('cache', '/api/v1/user/cache'),
  get('me', '/api/v1/user/me'),
  get('missing', '/api/v1/user/missing'),
  get('mine', '/api/v1/my_permissions'),
  get('users', '/api/v1/user'),
  get('user', '/api/v1/user/:id'),
  get('usernames', '/api/v1/username'),
  get('permissions', '/api/v1/user/:id/permissions'),
  get('group', '/api/v1/group/:id/user'),
  get('apps', '/api/v1/app'),
  get('dataset', '/api/v1/service/:namespace/table/:table/dataset'),
  get('hasPublic', '/api/v1/table/:table/has_public'),
  get('isPublic', '/api/v1/table/:table/root/:root/is_public'),
  { ...post('allPublic', '/api/v1/table/:table/root_all_public'), bodyBytes: 1024 * 1024 },
  get('publicRoots', '/api/v1/table/:table/get_public_roots'),
  get('tokens', '/api/v1/user/token'),
  post('newToken', '/api/v1/user/token'),
  { ...get('endToken', '/api/v1/user/token/:token'), method: 'DELETE' },
  get('life', '/api/v1/user/token/:token/ttl'),
  get('askToken', '/api/v1/create_token', asked),
  post('createToken', '/api/v1/create_token', asked),
  get('refresh', '/api/v1/refresh_token', { token: { scopes: [caveScope], doubtful: 'refuse' } }),
  get('logout', '/api/v1/logout', asked),
  post('logoutNow', '/api/v1/logout', asked),
  get('logoutAll', '/api/v1/logout_all', asked),
  post('logoutAllNow', '/api/v1/logout_all', asked),
  get('version', '/version', 'public'),
]

/** All routes. Ids are `PART.NAME`, so that one name below both prefixes is two routes. */
export function caveRoutes({ prefix, stickyPrefix, viewers, services }: CaveConfig): readonly RouteClaim[] {
  const away = [...new Set([...viewers, ...services])]
  const both = [...new Map([['api', prefix], ...(prefix === stickyPrefix ? [] : [['sticky', stickyPrefix] as const])])]
  const sticky = (id: string, path: string, more: Pick<RouteClaim, 'guard' | 'cors' | 'opener'>): RouteClaim => ({
    ...{ id: `sticky.${id}`, method: 'GET', path: stickyPrefix + path },
    ...more,
  })
  return [
    ...both.flatMap(([part, before]) =>
      api.map((claim): RouteClaim => ({ ...claim, id: `${part}.${claim.id}`, path: before + claim.path, cors: 'any' })),
    ),
    sticky('authorize', '/api/v1/authorize', { guard: 'public', cors: away, opener: 'kept' }),
    {
      ...sticky('authorizePosted', '/api/v1/authorize', { guard: 'public', cors: away, opener: 'kept' }),
      method: 'POST',
    },
    sticky('callback', '/api/v1/oauth2callback', { guard: 'session', opener: 'kept' }),
    sticky('tos', '/api/v1/tos/:id/accept', { guard: 'session', opener: 'kept' }),
    { ...sticky('tosPosted', '/api/v1/tos/:id/accept', { guard: 'session', opener: 'kept' }), method: 'POST' },
    sticky('settingsTokens', '/settings/tokens', { guard: 'session' }),
    sticky('settingsUsername', '/settings/username', { guard: 'session' }),
    sticky('chooseUsername', '/api/v1/register/choose_username', { guard: 'session' }),
    sticky('admin', '/admin/', { guard: 'session' }),
  ]
}

/** Where browsers and viewers sign in. */
export function authorizeUrl({ config, url }: Pick<CaveContext, 'config' | 'url'>): URL {
  return url(`${config.stickyPrefix}/api/v1/authorize`)
}

/** Whether a path is one that answers to a token in a cookie: a browser can be sent there with nothing in its address. */
export function readsCookies({ config, url }: Pick<CaveContext, 'config' | 'url'>, path: string): boolean {
  return caveRoutes(config).some(
    (claim) => isReadByCookie(claim) && fits(path.split('/'), url(claim.path).pathname.split('/')),
  )
}

/** Whether a GET takes its token from cookies, too. */
export function isReadByCookie({ method, guard }: Pick<RouteClaim, 'method' | 'guard'>): boolean {
  return method === 'GET' && typeof guard === 'object' && (guard.token.cookies ?? []).length > 0
}

function fits(steps: readonly string[], pattern: readonly string[]): boolean {
  return (
    steps.length === pattern.length &&
    pattern.every((step, index) => (step.startsWith(':') ? steps[index] !== '' : step === steps[index]))
  )
}

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
/** Administration: by a token that a program means to send. */
const kept: TokenGuard = { token: { scopes: [caveScope], doubtful: 'refuse' } }
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

/** A thing by its number, as the API has it for datasets, terms and the like. */
const crud = (one: string, path: string): readonly Plain[] => [
  get(`one${one}`, `${path}/:id`, kept),
  post(`new${one}`, path, kept),
  { ...get(`change${one}`, `${path}/:id`, kept), method: 'PUT' },
]
const end = (id: string, path: string): Plain => ({ ...get(id, path, kept), method: 'DELETE' })
const put = (id: string, path: string): Plain => ({ ...get(id, path, kept), method: 'PUT' })

/** What middle_auth's administration asks for. What it changes takes a token in the header alone. */
const administration: readonly Plain[] = [
  post('newUser', '/api/v1/user', kept),
  put('changeUser', '/api/v1/user/:id'),
  end('endUser', '/api/v1/user/:id'),
  get('userGroups', '/api/v1/user/:id/group'),
  get('userTos', '/api/v1/user/:id/tos'),
  get('updateCache', '/api/v1/user/:id/update_cache', kept),
  get('debugRedis', '/api/v1/user/:id/debug_redis', kept),
  post('fixRedis', '/api/v1/user/:id/fix_redis', kept),
  get('groups', '/api/v1/group', kept),
  post('newGroup', '/api/v1/group', kept),
  get('oneGroup', '/api/v1/group/:group', kept),
  get('groupDatasets', '/api/v1/group/:group/dataset', kept),
  get('groupMembers', '/api/v1/group/:group/user'),
  post('addMember', '/api/v1/group/:group/user', kept),
  put('changeMember', '/api/v1/group/:group/user/:user'),
  end('endMember', '/api/v1/group/:group/user/:user'),
  get('groupAdmins', '/api/v1/group/:group/admin'),
  get('groupServices', '/api/v1/group/:group/service_account'),
  post('addService', '/api/v1/group/:group/service_account', kept),
  end('endServiceIn', '/api/v1/group/:group/service_account/:service'),
  get('datasets', '/api/v1/dataset', kept),
  get('oneDataset', '/api/v1/dataset/:dataset', kept),
  post('newDataset', '/api/v1/dataset', kept),
  put('changeDataset', '/api/v1/dataset/:dataset'),
  get('datasetAdmins', '/api/v1/dataset/:dataset/admin', kept),
  post('addDatasetAdmin', '/api/v1/dataset/:dataset/admin', kept),
  end('endDatasetAdmin', '/api/v1/dataset/:dataset/admin/:user'),
  get('datasetGroups', '/api/v1/dataset/:dataset/group', kept),
  post('addDatasetGroup', '/api/v1/dataset/:dataset/group', kept),
  end('endDatasetGroup', '/api/v1/dataset/:dataset/group/:group/permission/:permission'),
  get('permissionList', '/api/v1/permission'),
  ...crud('Permission', '/api/v1/permission'),
  get('tosList', '/api/v1/tos', kept),
  ...crud('Tos', '/api/v1/tos'),
  get('services', '/api/v1/service_account', kept),
  post('newService', '/api/v1/service_account', kept),
  get('oneService', '/api/v1/service_account/:service', kept),
  put('changeService', '/api/v1/service_account/:service'),
  end('endService', '/api/v1/service_account/:service'),
  get('serviceToken', '/api/v1/service_account/:service/token', kept),
  post('newServiceToken', '/api/v1/service_account/:service/token', kept),
  get('serviceGroups', '/api/v1/service_account/:service/group', kept),
  get('servicePermissions', '/api/v1/service_account/:service/permissions', kept),
  post('mapTable', '/api/v1/service/:namespace/table/:table/dataset/:dataset', kept),
  end('unmapTable', '/api/v1/service/:namespace/table/:table/dataset/:dataset'),
  get('redisKeys', '/api/v1/redis', kept),
  get('redisKey', '/api/v1/redis/:key', kept),
  get('redisLife', '/api/v1/redis/:key/ttl', kept),
]

const api: readonly Plain[] = [
  ...administration,
  get('cache', '/api/v1/user/cache'),
  get('me', '/api/v1/user/me'),
  get('missing', '/api/v1/user/missing'),
  get('mine', '/api/v1/my_permissions'),
  get('users', '/api/v1/user'),
  get('user', '/api/v1/user/:id'),
  get('usernames', '/api/v1/username'),
  get('permissions', '/api/v1/user/:id/permissions'),
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

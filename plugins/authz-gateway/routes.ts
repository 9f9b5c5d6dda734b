/** What a gateway claims: three questions that reverse proxies ask, and two pages for people. @module */
import type { RouteClaim, TokenGuard } from '@labgate/contract'
import type { GatewayConfig } from './config.ts'

/** All routes, below the prefix of the instance. */
export function gatewayRoutes({ scope, tokenHeader }: GatewayConfig): readonly RouteClaim[] {
  const isUsual = tokenHeader.toLowerCase() === 'authorization'
  const token = { scopes: [scope], ...(isUsual ? {} : { header: tokenHeader.toLowerCase(), scheme: '' }) }
  const anyone: TokenGuard = { token, withoutToken: 'anyone' }
  const get = (id: string, guard: RouteClaim['guard']): RouteClaim => ({ id, method: 'GET', path: `/${id}`, guard })
  return [
    get('check', anyone),
    get('status', anyone),
    get('refused', anyone),
    get('enter', 'session'),
    get('key', 'session'),
    { id: 'keepKey', method: 'POST', path: '/key', guard: { token, withoutToken: 'session' }, bodyBytes: 16 * 1024 },
  ]
}

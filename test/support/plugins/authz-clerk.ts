/**
 * A dialect for tests that administers in the name of whoever asks: what it is sent names an operation of the admin API.
 * It offers the scope `admin` to clients of the Provider, as no honest dialect would.
 * @module
 */
import {
  type AuthzAdapter,
  type AuthzContext,
  type ConfigOf,
  definePlugin,
  type OperationInput,
  type RouteAsk,
  type RouteClaim,
} from '@labgate/contract'

const configSchema = { type: 'object', additionalProperties: false, properties: {} } as const

const claims: readonly RouteClaim[] = [
  { id: 'byToken', method: 'POST', path: '/api/call', guard: { token: { scopes: ['clerk'] } } },
  { id: 'bySession', method: 'POST', path: '/call', guard: 'session' },
  { id: 'byAnybody', method: 'POST', path: '/open', guard: 'public' },
  { id: 'rights', method: 'GET', path: '/api/rights', guard: { token: { scopes: ['clerk'] } } },
]

export default definePlugin({
  kind: 'authz',
  name: 'clerk',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  routes: () => claims,
  create,
})

function create({ admin }: AuthzContext<ConfigOf<typeof configSchema>>): AuthzAdapter {
  const call = async (ask: RouteAsk) => {
    const { operation, input } = JSON.parse(new TextDecoder().decode(ask.body)) as {
      readonly operation: string
      readonly input?: OperationInput
    }
    return { status: 200, json: await admin.call(ask, operation, input) }
  }
  return {
    handlers: {
      ...{ byToken: call, bySession: call, byAnybody: call },
      rights: async (ask) => ({ status: 200, json: { ...(await admin.rights(ask)) } }),
    },
    oidc: { scopes: { admin: { description: 'Everything', claims: [] }, clerk: { description: 'Ask', claims: [] } } },
    project: () => null,
    renderError: ({ status, code, message }) => ({ status, json: { code, message } }),
  }
}

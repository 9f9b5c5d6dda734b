/** API keys: tokens of ours with the scope of this instance. Only a signed-in browser sees and makes them. @module */
import { Fault, type Handler, type Json, type RouteAsk, type TokenView } from '@labgate/contract'
import { bodyOf, empty, failure, json } from './answers.ts'
import type { DatalabContext } from './config.ts'
import { scopeOf } from './routes.ts'

/** Handlers of `/api-keys`. */
export function keyHandlers(context: DatalabContext): Readonly<Record<string, Handler>> {
  const { tokens } = context
  const scope = scopeOf(context.config)
  const own = async (ask: RouteAsk) => (await tokens.list(ask)).filter(({ scopes }) => scopes.includes(scope))
  return {
    async keys(ask) {
      assertBrowser(ask)
      return json({ api_keys: (await own(ask)).map(listed) })
    },
    async makeKey(ask) {
      assertBrowser(ask)
      const { name } = bodyOf(ask)
      if (typeof name !== 'string' || name.trim() === '') return failure(400, 'A name is needed for an API key.')
      const made = await tokens.make(ask, { name: name.trim(), scopes: [scope] })
      return json({ key: made.value, name: made.token.name })
    },
    async endKey(ask) {
      assertBrowser(ask)
      const { key = '' } = ask.params
      const found = (await own(ask)).some(({ id }) => id === key)
      return found && (await tokens.revoke(ask, key)) ? empty(204) : failure(404, 'There is no such API key.')
    },
  }
}

function assertBrowser({ principal }: RouteAsk): void {
  if (principal?.via !== 'session')
    throw new Fault('ERR_FORBIDDEN', 'API keys are managed in a browser, not with a key.')
}

function listed({ id, name, hint, createdAt, expiresAt }: TokenView): Json {
  return {
    ...{ _id: id, name, digest: `${hint}...` },
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    ...{ version: 1, type: 'api_key' },
  }
}

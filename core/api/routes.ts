/**
 * From operations to routes: a bearer token and nothing else opens them, what is sent is checked before an operation
 * sees it, and what is answered has the shape the document names.
 * @module
 */
import { Fault, type Schema } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import { answerHead, sendFile } from '../http/download.ts'
import { addressKey, type Limits } from '../http/rate.ts'
import type { Route } from '../http/routes.ts'
import { checksOf } from './check.ts'
import { isOpen } from './document.ts'
import { type ApiNeeds, base, type Caller, type Download, type Operation } from './operation.ts'
import { document, operations, schemas } from './operations.ts'
import { answerProblem } from './problem.ts'
import { shaped } from './shape.ts'

/** What the routes need besides what the operations work with. */
export interface ApiRouteNeeds extends ApiNeeds {
  readonly limits: Limits
}

/** The scope a token must have. */
export const adminScope = 'admin'

/** Tries that fail, from one address. */
const failures = { count: 100, seconds: 60 }

/** Every route of the admin API, and its document. */
export function apiRoutes(needs: ApiRouteNeeds): Route[] {
  return [documentRoute(), ...operations.map((operation) => routeOf(operation, needs))]
}

/** Where the document stands; it names itself, too. */
function documentRoute(): Route {
  let text: string | undefined
  return {
    method: 'GET',
    path: `${base}/openapi.json`,
    onError: answerProblem,
    handler(ctx) {
      text ??= JSON.stringify(document)
      ctx.body = text
      ctx.type = 'application/json'
      ctx.set('Cache-Control', 'no-cache')
    },
  }
}

function routeOf(operation: Operation, needs: ApiRouteNeeds): Route {
  const checks = checksOf(operation)
  const callers = new WeakMap<Ctx, Caller>()
  const { body, bodyBytes, answer } = operation
  return {
    method: operation.method,
    path: `${base}${operation.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    csrf: 'off',
    onError: answerProblem,
    ...(body ? { body: { type: 'json', ...(bodyBytes === undefined ? {} : { limit: bodyBytes }) } } : {}),
    async guard(ctx) {
      if (!isOpen(operation)) callers.set(ctx, await callerOf(ctx, needs))
      return undefined
    },
    async handler(ctx) {
      // Nothing is begun, or written down, for a file that nobody gets.
      if (answer.file !== undefined && ctx.method === 'HEAD') return answerHead(ctx, answer.file)
      const result = await operation.handle(
        {
          // Every operation that is not open has one; open ones ask for none.
          caller: callers.get(ctx) as Caller,
          params: checks.params(ctx.params ?? {}),
          query: checks.query(ctx.query),
          body: checks.body(ctx.state.json),
          requestId: ctx.state.requestId,
        },
        needs,
      )
      // The type that `operation` asks of handlers is open; what one with a file answers is one.
      if (answer.file !== undefined) await sendFile(ctx, { ...(result as Download), type: answer.file })
      else send(ctx, { status: answer.status, schema: answer.schema, result })
    },
  }
}

function send(ctx: Ctx, { status, schema, result }: { status: number; schema: Schema | undefined; result: unknown }) {
  ctx.body = schema === undefined ? null : JSON.stringify(shaped(schema, result, schemas))
  if (schema !== undefined) ctx.type = 'application/json'
  ctx.status = status
}

/** Whose token it is. A refusal costs the address one of its tries; a token that counts never waits for others' tries. */
async function callerOf(ctx: Ctx, needs: ApiRouteNeeds): Promise<Caller> {
  const { address, requestId } = ctx.state
  const value = bearerIn(ctx.get('authorization'))
  const found = value === undefined ? undefined : await needs.tokens.resolve(value, { address })
  if (!found) {
    await needs.limits.take('admin API', addressKey(address), failures)
    ctx.set('WWW-Authenticate', value === undefined ? 'Bearer' : 'Bearer error="invalid_token"')
    throw new Fault('ERR_UNAUTHENTICATED', 'A valid API token is needed, in the Authorization header.')
  }
  const { token, account } = found
  if (!token.scopes.includes(adminScope)) {
    ctx.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${adminScope}"`)
    throw new Fault('ERR_FORBIDDEN', `The token lacks the scope ${adminScope}.`)
  }
  const rights = await needs.stewards.rightsOf(account.id)
  if (!rights.any)
    throw new Fault(
      'ERR_FORBIDDEN',
      'Only who looks after something may use this: site admins, the steering committee, admins and managers of datasets, managers of groups.',
    )
  return { account, token, rights, actor: { kind: 'account', account: account.id, address, requestId } }
}

/** The token of the header (RFC 6750 §2.1); never one of a query, a form or a cookie. */
function bearerIn(header: string): string | undefined {
  return /^bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1]
}

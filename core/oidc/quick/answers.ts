/**
 * What is asked of the Provider thousands of times a second, answered past its own app in its plain form: here each endpoint has its
 * file. Every check is the library's, made on its own models in its order; whatever is not plain, and every refusal, goes on to the
 * library as it came.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { isFault, type Log } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { QuickAnswer } from '../../http/provider.ts'
import { isConsumeConflict } from '../../storage/conflict.ts'
import { notStored, UnsettledStep } from '../adapter.ts'
import { authorization, type QuickAuthModels, type QuickAuthNeeds } from './authorization.ts'
import { json } from './client.ts'
import { introspection, type QuickIntrospectionModels, type QuickIntrospectionNeeds } from './introspection.ts'
import { type QuickTokenModels, type QuickTokenNeeds, tokens } from './token.ts'
import { type QuickUserinfoModels, type QuickUserinfoNeeds, userinfo } from './userinfo.ts'

/** Answers a request; `undefined`: it is for the Provider, and nothing was changed but its body read. */
export type Quick = (ask: { readonly req: IncomingMessage; readonly path: string }) => Promise<QuickAnswer | undefined>

/** What the endpoints need of the house. */
export type QuickNeeds = QuickAuthNeeds &
  QuickIntrospectionNeeds &
  QuickTokenNeeds &
  QuickUserinfoNeeds & { readonly log: Log }

type Models = QuickAuthModels & QuickIntrospectionModels & QuickTokenModels & QuickUserinfoModels

const quickOf = new WeakMap<Provider, Quick>()

/** The quick answers of a Provider, when it has them. */
export function quickAnswers(provider: Provider): Quick | undefined {
  return quickOf.get(provider)
}

/** Gives a Provider its quick answers. */
export function addQuickAnswers(provider: Provider, needs: QuickNeeds): void {
  const parts = { models: provider as unknown as Models, needs }
  const answer: Quick = async ({ req, path }) => {
    const { method, headers } = req
    // With an origin it is a browser's: who may read the answer is said by the library.
    if (headers.origin !== undefined || headers.dpop !== undefined) return undefined
    if (method === 'POST' && path === '/oidc/token') return tokens(req, parts)
    if (method === 'POST' && path === '/oidc/introspection') return introspection(req, parts)
    if (method === 'GET' && req.url === '/oidc/userinfo') return userinfo(req, parts)
    if (method === 'GET' && req.url?.startsWith('/oidc/auth')) return authorization(req, parts)
    return undefined
  }
  quickOf.set(provider, async (ask) => {
    try {
      return await answer(ask)
    } catch (err) {
      // The library meets the same, and says it to the client in its own words.
      if (err instanceof UnsettledStep && ask.path === '/oidc/token') {
        needs.log.error({ err }, 'the Provider failed')
        return unsettled(err)
      }
      if (!(err instanceof errors.OIDCProviderError || isConsumeConflict(err)))
        needs.log.warn({ err }, 'a quick answer failed')
      return undefined
    }
  })
}

/** As the library's way answers it. */
function unsettled({ cause }: UnsettledStep): QuickAnswer {
  const answer = json(notStored)
  const { status = 500, retryAfterSeconds: wait } = isFault(cause) ? cause : {}
  return { ...answer, status, headers: { ...answer.headers, ...(wait && { 'Retry-After': String(wait) }) } }
}

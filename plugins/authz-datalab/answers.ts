/** Bodies as datalab sends them. @module */
import { Fault, isFault, type Json, type RouteAsk, type RouteReply } from '@labgate/contract'
import type { DatalabContext } from './config.ts'
import { versions } from './routes.ts'

/** JSON. */
export function json(value: Json, status = 200): RouteReply {
  return { status, json: value }
}

/** It went well. */
export function success(more: Readonly<Record<string, Json>> = {}, status = 200): RouteReply {
  return json({ status: 'success', ...more }, status)
}

/** It did not, in the words that datalab's own handlers use. */
export function failure(status: number, message: string): RouteReply {
  return json({ status: 'error', title: titles[status] ?? 'Error', message }, status)
}

/** Nothing, as 204 and 304 say it. */
export function empty(status: 204 | 304): RouteReply {
  return { status }
}

/** Sends the browser elsewhere. */
export function away(url: URL, status: 302 | 303 | 308 = 302): RouteReply {
  return { status, headers: { Location: url.href } }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}

/** The path of a request below the instance and its version: `/users`. */
export function surfacePath({ url }: DatalabContext, asked: URL): string {
  const before = url('/').pathname.replace(/\/$/, '')
  const below = asked.pathname.slice(before.length)
  const version = versions.find((one) => one !== '' && below.startsWith(`${one}/`)) ?? ''
  return below.slice(version.length)
}

const administration = /^\/(?:users|roles\/[^/]+|users\/[^/]+\/managers|groups(?:\/.*)?)$/

/** Errors in the dialect: those of the administration, of `/get-current-user/`, and all others have bodies of their own. */
export function renderError(context: DatalabContext, fault: Fault, ask: RouteAsk): RouteReply {
  const path = surfacePath(context, ask.url)
  const { status } = fault
  const message = fault.shown ? fault.message : `${fault.code} (${ask.requestId})`
  const isPage = path.startsWith('/login/') && ask.headers.accept?.includes('text/html') === true
  if (isPage) {
    const title = context.text('problem', {}, ask.locale)
    return { status, page: { title, text: [message], tone: 'warning' } }
  }
  if (path === '/get-current-user/' && status === 401)
    return json({ status: 'failure', message: 'User must be authenticated.' }, 401)
  if (administration.test(path) && status === 401) return json({ error: 'Unauthorized' }, 401)
  if (administration.test(path) && status === 403) return json({ error: 'Insufficient privileges', message }, 403)
  if (path.startsWith('/remotes') && status === 401)
    return json(
      { status: 'error', title: 'Not Authorized', detail: 'Remote directories need a sign-in or a key.' },
      401,
    )
  return failure(status, message)
}

/** What was sent, as an object. @throws Fault ERR_INPUT */
export function bodyOf({ body }: Pick<RouteAsk, 'body'>): Readonly<Record<string, Json>> {
  try {
    const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json
    if (isObject(parsed)) return parsed
  } catch (cause) {
    throw new Fault('ERR_INPUT', 'The body must be JSON.', { cause })
  }
  throw new Fault('ERR_INPUT', 'The body must be a JSON object.')
}

/** Whether it is an object, and no list. */
export function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Calls the administration; what is wrong with the input answers 400, as datalab's own checks do. */
export async function asDatalab(work: () => Promise<RouteReply>): Promise<RouteReply> {
  try {
    return await work()
  } catch (fault) {
    if (isFault(fault) && (fault.code === 'ERR_CONFLICT' || fault.code === 'ERR_INPUT'))
      return failure(400, fault.message)
    if (isFault(fault) && fault.code === 'ERR_NOT_FOUND') return failure(404, fault.message)
    throw fault
  }
}

/**
 * Authorization requests that are posted (OpenID Connect Core §3.1.2.1): sent on as the same request by address, so that
 * the browser comes with its cookies, which it keeps to itself when another site posts.
 * @module
 */
import type { Context } from 'koa'
import { textOf } from './forms.ts'

/** What fits into an address that browsers and proxies take. */
const longest = 8000

/** Middleware: answers a posted request with its address; everything else goes on. */
export async function sendOnPosted(ctx: Context, next: () => Promise<void>): Promise<void> {
  if (ctx.method !== 'POST' || ctx.path !== '/oidc/auth') return next()
  const text = ctx.is('application/x-www-form-urlencoded') ? await textOf(ctx.req, longest) : undefined
  if (text === undefined) {
    ctx.status = 400
    ctx.body = { error: 'invalid_request', error_description: 'a form of at most 8000 characters is taken' }
    return
  }
  ctx.redirect(`/oidc/auth?${new URLSearchParams(text)}`)
  ctx.status = 303
}

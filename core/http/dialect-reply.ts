/** From a dialect's answer to a response: what Koa sends, and what of it is plain enough to go without Koa. @module */
import type { Cookie, RouteReply } from '@labgate/contract'
import type { Ctx } from './context.ts'
import type { DialectNeeds } from './dialect-place.ts'
import { bareCsp } from './headers.ts'
import { isData } from './heads.ts'

/** Makes the response of an answer. */
export function sendReply(ctx: Ctx, reply: RouteReply, needs: Pick<DialectNeeds, 'showPage'>): void {
  const { page, json, body, headers = {} } = reply
  const text = json === undefined ? body : JSON.stringify(json)
  if (page) needs.showPage(ctx, page)
  // Before the body, where a type is said: Koa would look for one and put it in first.
  else if (headers['Content-Type'] !== undefined) ctx.res.setHeader('Content-Type', headers['Content-Type'])
  else if (json !== undefined) ctx.type = 'application/json'
  if (!page) ctx.body = text === undefined ? null : typeof text === 'string' ? text : Buffer.from(text)
  ctx.status = reply.status
  for (const [name, value] of Object.entries(headers)) ctx.set(name, value)
  if (!page && isData(reply)) ctx.state.csp = bareCsp
  const cookies = reply.cookies ?? []
  // One name may stand for several paths: those of one answer do not take each other's place.
  for (const [index, cookie] of cookies.entries())
    setCookie(ctx, cookie, cookies.findIndex(({ name }) => name === cookie.name) < index ? 'beside' : 'instead')
}

function setCookie(
  ctx: Ctx,
  { name, value, maxAgeSeconds, sameSite, httpOnly, path }: Cookie,
  place: 'beside' | 'instead',
): void {
  ctx.cookies.set(name, value, {
    sameSite,
    httpOnly: httpOnly ?? true,
    path: path ?? '/',
    secure: ctx.state.secure,
    signed: false,
    overwrite: place === 'instead',
    ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds * 1000 }),
  })
}

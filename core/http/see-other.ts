/** Sending a browser on by GET (RFC 9110 §15.4.4). @module */
import type { Ctx } from './context.ts'

/** An address as it stands in a header: nothing in it is to be written otherwise. */
const plain = /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/

/** Answers where the browser goes on, and nothing else: nobody reads the page of a redirect. */
export function seeOther(ctx: Ctx, href: string): void {
  if (plain.test(href)) ctx.set('Location', href)
  else ctx.redirect(href)
  // In this order: a body that is taken away makes it 204.
  ctx.body = null
  ctx.status = 303
}

/** What the pages of terms share: who reads, forms that accept, the way on. @module */
import { Fault } from '@labgate/contract'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import { seeOther } from '../http/see-other.ts'
import { type Desk, purpose } from '../login/desk.ts'
import type { Post } from '../pages/views.ts'

/** What every page of terms needs besides the desk. */
export interface TermsDesk {
  /** Where people go who do not accept. */
  readonly home: string
  /** @throws Fault ERR_UNAUTHENTICATED */
  session(ctx: Ctx): Promise<BrowserSession>
  /** A form that accepts. */
  post(ctx: Ctx, action: string, fields: Readonly<Record<string, string>>): Post
  go(ctx: Ctx, address: string): void
}

/** Makes it on a desk. */
export function createTermsDesk(desk: Desk): TermsDesk {
  return {
    home: '/account/access',
    async session(ctx) {
      const mine = await desk.cookie.of(ctx.req)
      if (!mine) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
      return mine
    },
    post: (ctx, action, fields) => ({
      action,
      csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', purpose),
      fields,
    }),
    go(ctx, address) {
      seeOther(ctx, address)
    },
  }
}

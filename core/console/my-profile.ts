/** What a person says of themselves: the site's questions, answered anew at any time. @module */
import { Fault } from '@labgate/contract'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { type Desk, noteKey } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import { answerPosted, profileForm } from '../login/profile.ts'

const path = '/account/profile'
const purpose = 'profile'

/** Routes of `/account/profile`. */
export function myProfileRoutes({ desk, door }: { desk: Desk; door: Door }): Route[] {
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const sessionOf = async (ctx: Ctx): Promise<BrowserSession> => {
    const found = await desk.cookie.of(ctx.req)
    if (!found) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
    return found
  }
  const show = async (ctx: Ctx, asked: { error?: string }): Promise<void> => {
    const { account } = await sessionOf(ctx)
    const answers = desk.profile.answers(account)
    if (answers.length === 0) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'profile.none'))
    desk.show(ctx, 'profile', {
      action: path,
      csrf: desk.csrf.token(binding(ctx) ?? 'none', purpose),
      form: profileForm(desk, ctx, { answers, ...asked }),
      leave: '/account',
    })
  }
  return [
    { method: 'GET', path, guard: door.guard(), handler: (ctx) => show(ctx, {}) },
    {
      method: 'POST',
      path,
      guard: door.guard(),
      csrf: { binding, purpose },
      body: { type: 'form' },
      async handler(ctx) {
        const mine = await sessionOf(ctx)
        const answers = desk.profile.answers(mine.account)
        const error = await answerPosted(desk, ctx, { account: mine.account, answers })
        if (error !== undefined) {
          ctx.status = 400
          return show(ctx, { error })
        }
        await desk.attempts.leaveNote(noteKey(mine), desk.text(ctx, 'profile.saved'))
        ctx.redirect('/account')
        ctx.status = 303
      },
    },
  ]
}

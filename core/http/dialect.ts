/**
 * From a dialect's route claims to routes of the table: its guard, its CORS, its errors, and its answers turned
 * into responses. What an adapter may not decide (who asks, cookies' attributes, caps) is decided in the files beside it.
 * @module
 */
import { type Fault, isFault, type RouteClaim } from '@labgate/contract'
import type { Ctx } from './context.ts'
import { Ask, type Known, nobody } from './dialect-ask.ts'
import { letsAnyoneIn, owesOf, principalOf } from './dialect-guard.ts'
import type { DialectNeeds, PlacedClaim } from './dialect-place.ts'
import { sendReply } from './dialect-reply.ts'
import type { Halves, Route } from './routes.ts'

const defaultBodyBytes = 64 * 1024

/** The route of one claim. */
export function dialectRoute(place: PlacedClaim, needs: DialectNeeds): Route {
  const { claim, adapter, host, path } = place
  const { renderError } = adapter
  const halves = halvesOf(place, needs)
  return {
    method: claim.method,
    path,
    body: { type: 'raw', limit: claim.bodyBytes ?? defaultBodyBytes },
    ...(host === undefined ? {} : { host }),
    ...(claim.cors === undefined ? {} : { cors: claim.cors }),
    ...(claim.rate === undefined ? {} : { rate: claim.rate }),
    ...(claim.opener === undefined ? {} : { opener: claim.opener }),
    dialect: place.instance,
    // A token in a header is no cookie: nobody's browser sends it unasked. The public guard reads cookies with care below.
    ...(claim.guard === 'session' ? {} : { csrf: 'off' as const }),
    ...(renderError === undefined
      ? {}
      : {
          onError: (fault: Fault, ctx: Ctx) =>
            sendReply(ctx, renderError.call(adapter, fault, new Ask(ctx, needs, nobody)), needs),
        }),
    guard: (ctx) => guard(ctx, place, needs),
    handler: async (ctx) => halves.send(ctx, await halves.reply(ctx)),
    ...(sendsElsewhere(claim) ? {} : { halves }),
  }
}

/** Whether the guard may answer in the handler's place. */
function sendsElsewhere({ guard }: RouteClaim): boolean {
  return guard === 'session' || (guard !== 'public' && guard.withoutToken === 'session')
}

async function guard(ctx: Ctx, place: PlacedClaim, needs: DialectNeeds): Promise<'answered' | undefined> {
  const { claim } = place
  const principal = await principalOf(ctx, place, needs)
  if (principal === undefined) return undefined
  if (principal === 'sign-in') needs.toSignIn(ctx, place)
  else if (principal === 'answer-questions') needs.toQuestions(ctx, place)
  else if (principal === 'accept-terms') needs.toTerms(ctx, place)
  else {
    const owes = letsAnyoneIn(claim) ? await owesOf(principal, place, needs) : undefined
    const known: Known = { principal, owes }
    ctx.state.found = known
    if (claim.crossSiteCookie === 'set') await needs.giveCrossSite(ctx, place)
    return undefined
  }
  return 'answered'
}

function halvesOf(place: PlacedClaim, needs: DialectNeeds): Halves {
  const { claim, adapter } = place
  const handler = adapter.handlers[claim.id]
  if (!handler) throw new TypeError(`${place.instance}: no handler for route ${claim.id}`)
  // As the guard above has left it.
  const of = (ctx: Ctx) => (ctx.state.found as Known | undefined) ?? nobody
  return {
    async reply(ctx) {
      const asking = of(ctx)
      try {
        return await handler(new Ask(ctx, needs, asking))
      } catch (error) {
        if (isFault(error) && error.code === 'ERR_FORBIDDEN') {
          const { principal } = asking
          await needs.noteRefusal(ctx, { instance: place.instance, principal, detail: error.detail })
        }
        throw error
      }
    },
    async send(ctx, reply) {
      if (reply.signOut && of(ctx).principal) await needs.signOut(ctx)
      if (reply.signIn === undefined) return sendReply(ctx, reply, needs)
      ctx.set({ ...reply.headers })
      needs.beginSignIn(ctx, place, reply.signIn)
    },
  }
}

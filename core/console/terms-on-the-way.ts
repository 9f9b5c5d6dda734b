/** Terms of use between a person and a dialect: shown, accepted, and back to the page of the dialect. @module */
import { Fault } from '@labgate/contract'
import type { Terms } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { returnPath } from '../http/returns.ts'
import type { Desk } from '../login/desk.ts'
import { acceptPosted, changedNotice, firstMissing, postedTerms, showTerms } from '../login/terms.ts'
import type { Notice } from '../pages/views.ts'
import type { TermsDesk } from './terms-desk.ts'
import { acceptedOn, mayRead } from './terms-sight.ts'

/** A dialect by the id of its instance, with the origin that it stands on. */
export interface TermsDialect {
  readonly id: string
  readonly origin: string
}

/** Where a dialect sends a browser whose person must accept terms first. */
export function termsAddress(desk: Pick<Desk, 'issuer'>, ask: { instance: string; back: string }): string {
  const url = new URL(`/terms/for/${encodeURIComponent(ask.instance)}`, desk.issuer)
  url.search = new URLSearchParams({ back: ask.back }).toString()
  return url.href
}

/** Makes the handlers of `/terms/for/:instance`. */
export function createTermsOnTheWay(desk: Desk, counter: TermsDesk, dialects: readonly TermsDialect[]) {
  const dialectOf = (ctx: Ctx): TermsDialect => {
    const found = dialects.find(({ id }) => id === ctx.params.instance)
    if (!found) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'terms.unknown'))
    return found
  }
  const ask = async (ctx: Ctx, asked: Asked): Promise<void> => {
    const { account } = await counter.session(ctx)
    const { id, origin } = dialectOf(ctx)
    const path = returnPath(asked.back, origin) ?? '/'
    const missing = await desk.missingTerms(account, id)
    const named = await namedMissing(desk, { account, terms: asked.terms, unknown: desk.text(ctx, 'terms.unknown') })
    const terms = named ?? (await firstMissing(desk, missing))
    const service = new URL(origin).host
    // Not sent back by itself: were another person signed in there, the browser would go round in circles.
    if (!terms)
      return desk.show(ctx, 'message', {
        title: desk.text(ctx, 'terms.nothing'),
        text: [desk.text(ctx, 'terms.nothingText', { service })],
        link: { label: desk.text(ctx, 'terms.goOn', { service }), href: new URL(path, origin).href },
      })
    allowFormTo(ctx, origin)
    await showTerms(desk, ctx, {
      terms,
      around: {
        message: asked.message,
        client: { name: service },
        left: missing.length + Number(named !== undefined && !missing.some((one) => one.terms === named.id)),
        leave: counter.home,
        accept: counter.post(ctx, `/terms/for/${id}`, { terms: terms.id, digest: terms.text.digest, back: path }),
      },
    })
  }
  return {
    show: (ctx: Ctx) => ask(ctx, { back: wordIn(ctx, 'back'), terms: wordIn(ctx, 'terms') }),
    async accept(ctx: Ctx) {
      const { account } = await counter.session(ctx)
      const { id, origin } = dialectOf(ctx)
      const back = ctx.state.form?.get('back') ?? undefined
      if ((await acceptPosted(desk, ctx, account)) === 'changed') {
        ctx.status = 409
        return ask(ctx, { back, terms: postedTerms(ctx).terms, message: changedNotice(desk, ctx) })
      }
      if (await firstMissing(desk, await desk.missingTerms(account, id))) return ask(ctx, { back })
      // The origin is the registry's, the path one of that origin: nobody is sent elsewhere from here.
      counter.go(ctx, new URL(returnPath(back, origin) ?? '/', origin).href)
    },
  }
}

interface Asked {
  readonly back: string | undefined
  /** A document that the dialect names, beside those it demands of everybody. */
  readonly terms?: string | undefined
  readonly message?: Notice
}

function wordIn(ctx: Ctx, name: string): string | undefined {
  const value = ctx.query[name]
  return typeof value === 'string' ? value : undefined
}

/** The document that the dialect named, unless it is accepted. @throws Fault ERR_NOT_FOUND when they must not know of it */
async function namedMissing(
  desk: Desk,
  { account, terms: id, unknown }: { account: string; terms: string | undefined; unknown: string },
): Promise<Terms | undefined> {
  if (id === undefined) return undefined
  const terms = await desk.terms.find(id)
  if (!terms || !(await mayRead(desk, account, terms))) throw new Fault('ERR_NOT_FOUND', unknown)
  if (terms.retiredAt !== undefined || (await acceptedOn(desk, account, terms)) !== undefined) return undefined
  return terms
}

/** The forms of the console’s room for terms of use. @module */
import { Fault, type Level } from '@labgate/contract'
import type { Terms } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { ConsoleFrame, FormChange, Visit } from './frame.ts'
import { addressOfTerms, mayTerms, type TermsNeeds, type TermsPages, termsBase, termsOf } from './terms-pages.ts'
import { countOf, endOfDay, tickedIn, typedIn } from './typed.ts'

/** The longest text, every letter of it sent as three bytes of two hex digits each. */
const bodyBytes = 2_000_000

/** Routes of every form of the room. */
export function termsForms(frame: ConsoleFrame, needs: TermsNeeds, pages: TermsPages): Route[] {
  return [addForm(frame, needs, pages), ...changeForms(frame, needs, pages), ...inviteForms(frame, needs, pages)]
}

function addForm(frame: ConsoleFrame, needs: TermsNeeds, pages: TermsPages): Route {
  const { desk } = needs
  return frame.form(`${termsBase}/new`, {
    may: mayTerms,
    bodyBytes,
    async apply(ctx, visit) {
      const typed = typedIn(ctx)
      const markdown = typed.markdown ?? ''
      if (typed.do === 'preview') {
        await pages.makeNew(ctx, visit, { preview: markdown })
        return 'answered'
      }
      const terms = await needs.terms.add(visit.actor, {
        id: typed.id?.trim() ?? '',
        title: typed.title?.trim() ?? '',
        markdown,
        dataset: filled(typed.dataset),
        version: filled(typed.version),
        services: tickedIn(typed, 'service'),
      })
      return { to: addressOfTerms(terms.id), said: desk.text(ctx, 'console.terms.added', { title: terms.title }) }
    },
    again: (ctx, visit, notice) => pages.makeNew(ctx, visit, { notice }),
  })
}

function changeForms(frame: ConsoleFrame, needs: TermsNeeds, pages: TermsPages): Route[] {
  const { desk } = needs
  const on = formOn(frame, needs, pages)
  return [
    on('publish', async (ctx, visit, terms) => {
      const { markdown = '', again, do: act } = typedIn(ctx)
      if (act === 'preview') {
        await pages.one(ctx, visit, { preview: markdown })
        return 'answered'
      }
      if (again !== 'accept' && again !== 'keep')
        throw new Fault('ERR_INPUT', desk.text(ctx, 'console.terms.againMissing'))
      await needs.terms.publish(visit.actor, terms.id, { markdown, again })
      return desk.text(ctx, again === 'accept' ? 'console.terms.publishedAgain' : 'console.terms.published')
    }),
    on('change', async (ctx, { actor }, { id }) => {
      const typed = typedIn(ctx)
      await needs.terms.change(actor, id, { title: typed.title?.trim() ?? '', services: tickedIn(typed, 'service') })
      return desk.text(ctx, 'console.saved')
    }),
    on('retire', async (ctx, { actor }, { id }) => {
      await needs.terms.retire(actor, id)
      return desk.text(ctx, 'console.terms.retired')
    }),
  ]
}

function inviteForms(frame: ConsoleFrame, needs: TermsNeeds, pages: TermsPages): Route[] {
  const { desk } = needs
  const on = formOn(frame, needs, pages)
  return [
    on('invite', async (ctx, visit, terms) => {
      const { level, seats, until } = typedIn(ctx)
      const { token } = await needs.terms.invite(visit.actor, {
        terms: terms.id,
        // Any other word than a level is refused by the room itself.
        level: filled(level) as Level | undefined,
        seats: countOf(ctx, desk, seats),
        endsAt: endOfDay(ctx, desk, until),
      })
      // On this page and nowhere else: the link is kept as a digest.
      await pages.one(ctx, visit, { made: new URL(`/terms/invited/${token}`, desk.issuer).href })
      return 'answered'
    }),
    on('invitations/:invitation/end', async (ctx, { actor }, terms) => {
      const invitation = ctx.params.invitation ?? ''
      const own = (await needs.terms.invitations(terms.id)).some(({ id }) => id === invitation)
      if (!own) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'console.gone'))
      await needs.terms.endInvitation(actor, invitation)
      return desk.text(ctx, 'console.terms.invitationEnded')
    }),
  ]
}

type Apply = (ctx: Ctx, visit: Visit, terms: Terms) => Promise<string>

/** A form on the page of one document: what it answers is said there, and when it failed the page comes again. */
function formOn(frame: ConsoleFrame, needs: TermsNeeds, pages: TermsPages) {
  return (path: string, apply: Apply): Route => {
    const change: FormChange = {
      may: mayTerms,
      bodyBytes,
      async apply(ctx, visit) {
        const terms = await termsOf(ctx, visit, needs)
        const said = await apply(ctx, visit, terms)
        return said === 'answered' ? said : { to: addressOfTerms(terms.id), said }
      },
      again: (ctx, visit, notice) => pages.one(ctx, visit, { notice }),
    }
    return frame.form(`${termsBase}/:id/${path}`, change)
  }
}

function filled(typed: string | undefined): string | undefined {
  const word = typed?.trim()
  return word === '' ? undefined : word
}

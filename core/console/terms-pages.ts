/** The pages of the console’s room for terms of use: texts, who accepted which, and links of invitation. @module */
import type { Level } from '@labgate/contract'
import type { TermsBook } from '../access/ledger.ts'
import type { Invitation, Terms } from '../access/model.ts'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'
import type { Notice, Views } from '../pages/views.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { gone, isAmong, keptDatasets } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { createWho, type Who } from './who.ts'

/** What the room stands on. */
export interface TermsNeeds {
  readonly desk: Desk
  readonly terms: TermsBook
  /** Clients and dialect instances, for which terms can be asked. */
  services(): readonly string[]
}

/** Levels that an invitation may give: admins of a dataset are named one by one. */
const invitedLevels: readonly Level[] = ['view', 'edit', 'manage']

/** Where the room is. */
export const termsBase = '/console/terms'
/** Whether there is anything in the room for these rights. */
export const mayTerms = ({ admin, datasets }: Rights): boolean => admin || datasets.length > 0

/** The address of one document in the console. */
export function addressOfTerms(id: string): string {
  return `${termsBase}/${encodeURIComponent(id)}`
}

/** The terms of the address, if they are the visitor’s to look after: terms without a dataset are the site’s. */
export async function termsOf(ctx: Ctx, visit: Visit, { desk, terms }: TermsNeeds): Promise<Terms> {
  const found = await terms.find(ctx.params.id ?? '')
  const kept = keptDatasets(visit.rights)
  const isTheirs = found && (kept === undefined || (found.dataset !== undefined && isAmong(kept, found.dataset)))
  return found && isTheirs ? found : gone(ctx, desk)
}

/** What a page shows besides, when it comes again after a form. */
export interface Again {
  readonly notice?: Notice | undefined
  readonly preview?: string | undefined
  /** A link of invitation that was just made. */
  readonly made?: string | undefined
}

/** The pages of the room. */
export interface TermsPages {
  list(ctx: Ctx, visit: Visit): Promise<void>
  makeNew(ctx: Ctx, visit: Visit, again: Again): Promise<void>
  one(ctx: Ctx, visit: Visit, again: Again): Promise<void>
}

/** Makes the pages. */
export function createTermsPages(frame: ConsoleFrame, needs: TermsNeeds): TermsPages {
  const { desk } = needs
  const who = createWho(desk)
  return {
    async list(ctx, visit) {
      const found = await needs.terms.list({ ...frame.asked(ctx), datasets: keptDatasets(visit.rights) })
      frame.show(ctx, 'console-terms', {
        frame: await frame.frame(ctx, visit, 'terms'),
        paging: frame.paging(ctx, found),
        terms: found.rows.map(lineOf),
      })
    },
    async makeNew(ctx, visit, { notice, preview }) {
      frame.show(ctx, 'console-terms-new', {
        frame: await framed(frame, { ctx, visit, room: 'terms', notice }),
        post: frame.post(ctx, `${termsBase}/new`),
        typed: typedIn(ctx),
        datasets: keptDatasets(visit.rights),
        services: needs.services(),
        preview,
      })
    },
    async one(ctx, visit, again) {
      const terms = await termsOf(ctx, visit, needs)
      const at = addressOfTerms(terms.id)
      const accepted = await needs.terms.acceptances({ ...frame.asked(ctx), terms: terms.id })
      frame.show(ctx, 'console-terms-one', {
        frame: await framed(frame, { ctx, visit, room: 'terms', notice: again.notice }),
        terms: {
          ...lineOf(terms),
          requiredNumber: terms.requiredNumber,
          markdown: terms.text.markdown,
          isOfConfig: terms.source === 'config',
          acceptAt: new URL(`/terms/${encodeURIComponent(terms.id)}`, desk.issuer).href,
        },
        texts: await textsOf(terms, needs, who),
        services: [...new Set([...needs.services(), ...terms.services])],
        paging: frame.paging(ctx, accepted, at),
        acceptances: await Promise.all(
          accepted.rows.map(async ({ account, number, at: when, address }) => {
            return { ...(await who.view(account)), number, at: when, address, counts: number >= terms.requiredNumber }
          }),
        ),
        csv: `${at}/acceptances.csv`,
        invitations: await invitationsOf(ctx, terms, { frame, needs, who }),
        ...formsOf(ctx, terms, frame),
        preview: again.preview,
        made: again.made,
        // What made the link is done with.
        typed: again.made === undefined ? typedIn(ctx) : {},
      })
    },
  }
}

type One = Views['console-terms-one']

function lineOf(terms: Terms): Views['console-terms']['terms'][number] {
  const { id, title, dataset, version, services, text, retiredAt } = terms
  return { id, title, dataset, version, services, number: text.number, isRetired: retiredAt !== undefined }
}

/** What can be done here: nothing to what the config keeps, and nothing any more to what was retired. */
function formsOf(ctx: Ctx, terms: Terms, frame: ConsoleFrame): Pick<One, 'publish' | 'change' | 'retire' | 'invite'> {
  if (terms.retiredAt !== undefined) return {}
  const post = (path: string) => frame.post(ctx, `${addressOfTerms(terms.id)}/${path}`)
  const invite = { ...post('invite'), levels: terms.dataset === undefined ? [] : invitedLevels }
  if (terms.source === 'config') return { invite }
  return { publish: post('publish'), change: post('change'), retire: post('retire'), invite }
}

async function textsOf(terms: Terms, needs: TermsNeeds, who: Who): Promise<One['texts']> {
  const texts = await needs.terms.texts(terms.id)
  return Promise.all(
    texts.map(async ({ number, digest, publishedBy, publishedAt }) => {
      const counts = number >= terms.requiredNumber
      return { number, digest, by: await who.view(publishedBy), at: publishedAt, counts }
    }),
  )
}

async function invitationsOf(
  ctx: Ctx,
  terms: Terms,
  { frame, needs, who }: { frame: ConsoleFrame; needs: TermsNeeds; who: Who },
): Promise<One['invitations']> {
  const now = needs.desk.clock.now()
  return Promise.all(
    (await needs.terms.invitations(terms.id)).map(async (one) => {
      const state = stateOf(one, now)
      const at = `${addressOfTerms(terms.id)}/invitations/${encodeURIComponent(one.id)}/end`
      return {
        id: one.id,
        level: one.level,
        by: await who.view(one.madeBy),
        at: one.createdAt,
        endsAt: one.endsAt,
        seats: one.seats,
        used: one.used,
        state,
        ...(state === 'open' || state === 'full' ? { end: frame.post(ctx, at) } : {}),
      }
    }),
  )
}

function stateOf({ endedAt, endsAt, seats, used }: Invitation, now: Date): One['invitations'][number]['state'] {
  if (endedAt !== undefined) return 'ended'
  if (endsAt !== undefined && endsAt <= now) return 'over'
  return seats !== undefined && used >= seats ? 'full' : 'open'
}

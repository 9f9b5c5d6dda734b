/**
 * Terms of use between a sign-in and its relying party: each document is shown, accepted by its digest, and then the
 * interaction goes on. What the pages of terms elsewhere share with it stands here too.
 * @module
 */
import { Fault, isFault, type TermsView } from '@labgate/contract'
import type { Acceptor } from '../access/acceptances.ts'
import type { Terms } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { seeOther } from '../http/see-other.ts'
import type { Views } from '../pages/views.ts'
import { type Desk, post } from './desk.ts'
import type { Interaction } from './interactions.ts'

type Page = Views['terms']

/** What a page of terms shows besides the document. */
export type Around = Partial<Omit<Page, 'now' | 'title' | 'markdown' | 'number' | 'publishedAt' | 'dataset'>>

/** Shows a document with what stands around it. */
export async function showTerms(desk: Desk, ctx: Ctx, { terms, around }: { terms: Terms; around: Around }) {
  const { title, text, dataset } = terms
  desk.show(ctx, 'terms', {
    now: desk.clock.now(),
    title,
    markdown: text.markdown,
    number: text.number,
    publishedAt: text.publishedAt,
    dataset: await datasetTitle(desk, dataset),
    retired: terms.retiredAt !== undefined,
    ...around,
  })
}

/** A dataset as people call it. */
export async function datasetTitle(desk: Desk, slug: string | undefined): Promise<string | undefined> {
  return slug === undefined ? undefined : ((await desk.access.dataset(slug))?.title ?? slug)
}

/** Whoever accepts, with where they sat. */
export function acceptorOf(ctx: Ctx, account: string): Acceptor {
  const { address, requestId } = ctx.state
  return { kind: 'account', account, address, requestId }
}

/**
 * Accepts what a form of a terms page names. `changed`: another text was published meanwhile, or the document was
 * withdrawn: look again.
 */
export async function acceptPosted(desk: Desk, ctx: Ctx, account: string): Promise<'accepted' | 'changed'> {
  const { terms, digest } = postedTerms(ctx)
  try {
    await desk.terms.accept(acceptorOf(ctx, account), { terms, digest })
    return 'accepted'
  } catch (error) {
    if (isFault(error) && (error.code === 'ERR_CONFLICT' || error.code === 'ERR_NOT_FOUND')) return 'changed'
    throw error
  }
}

/** The fields of a form that accepts. */
export function postedTerms(ctx: Ctx): { terms: string; digest: string } {
  const form = ctx.state.form ?? new URLSearchParams()
  return { terms: form.get('terms') ?? '', digest: form.get('digest') ?? '' }
}

/** The notice for somebody whose text was replaced under their eyes. */
export function changedNotice(desk: Desk, ctx: Ctx) {
  return { tone: 'warning', text: desk.text(ctx, 'terms.changed') } as const
}

/** The first document that is missing; one that was withdrawn in between is not. */
export async function firstMissing(desk: Desk, missing: readonly TermsView[]): Promise<Terms | undefined> {
  for (const { terms } of missing) {
    const found = await desk.terms.find(terms)
    if (found && found.retiredAt === undefined) return found
  }
  return undefined
}

/** Terms within an interaction. */
export interface InteractionTerms {
  show(ctx: Ctx, interaction: Interaction): Promise<void>
  accept(ctx: Ctx, interaction: Interaction): Promise<void>
}

/** Makes the terms pages of interactions. */
export function createInteractionTerms(desk: Desk): InteractionTerms {
  const { interactions } = desk
  /** The person of the interaction, who must be the one at this browser. */
  const personOf = async (ctx: Ctx, { prompt, session }: Interaction): Promise<string> => {
    const mine = await desk.cookie.of(ctx.req)
    if (prompt.name !== 'terms' || session === undefined || mine?.account !== session.accountId)
      throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.expired'))
    return mine.account
  }
  const ask = async (ctx: Ctx, interaction: Interaction, account: string, message?: Page['message']): Promise<void> => {
    const missing = await desk.missingTerms(account, interaction.clientId)
    const terms = await firstMissing(desk, missing)
    if (!terms) {
      seeOther(ctx, await interactions.finish(ctx, { terms: {} }))
      return
    }
    // The answers end at the relying party, and Chromium checks redirects of forms too.
    if (interaction.redirectUri) allowFormTo(ctx, interaction.redirectUri)
    const base = `/interaction/${interaction.uid}`
    await showTerms(desk, ctx, {
      terms,
      around: {
        message,
        client: await interactions.client(interaction.clientId),
        left: missing.length,
        accept: {
          ...post(desk, interaction.uid, `${base}/terms`),
          fields: { terms: terms.id, digest: terms.text.digest },
        },
        decline: post(desk, interaction.uid, `${base}/cancel`),
      },
    })
  }
  return {
    show: async (ctx, interaction) => ask(ctx, interaction, await personOf(ctx, interaction)),
    async accept(ctx, interaction) {
      const account = await personOf(ctx, interaction)
      const outcome = await acceptPosted(desk, ctx, account)
      if (outcome === 'accepted') return ask(ctx, interaction, account)
      ctx.status = 409
      await ask(ctx, interaction, account, changedNotice(desk, ctx))
    },
  }
}

/**
 * Terms of use: their texts, who accepted which, and links that lead to them. A text that was published is never
 * changed; what is accepted is one text, known by its digest.
 * @module
 */
import { type AccountId, Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, actorName, type PageAsk, type Paged, pageLimit, sourceOf } from '../accounts/actor.ts'
import { pageOf, searchWhere } from '../accounts/paging.ts'
import type { Reads } from '../storage/late-orm.ts'
import { DatasetEntity, DatasetVersionEntity, TermsEntity, TermsTextEntity } from '../storage/ledger-entities.ts'
import { nextNumericId } from '../storage/numeric-ids.ts'
import { type Acceptor, acceptancesOf, acceptIn, listAcceptances } from './acceptances.ts'
import { shown } from './input.ts'
import { createInvitations, type InvitationNeeds, type Invitations } from './invitations.ts'
import type { Acceptance, Terms, TermsText } from './model.ts'
import {
  assertOwn,
  checkedId,
  checkedServices,
  checkedText,
  checkedTitle,
  digestOf,
  livingTerms,
  newestText,
  termsRow,
  termsView,
  termsViews,
  textAsShown,
  textView,
} from './terms-rows.ts'

/** Terms that are to be added. */
export type NewTerms = Pick<Terms, 'id' | 'title'> & { readonly markdown: string } & Partial<
    Pick<Terms, 'dataset' | 'version' | 'services'>
  >

/** All terms of use and what became of them. */
export interface TermsBook extends Invitations {
  list(
    ask: PageAsk & { readonly dataset?: string | undefined; readonly datasets?: readonly string[] | undefined },
  ): Promise<Paged<Terms>>
  find(id: string): Promise<Terms | undefined>
  texts(id: string): Promise<readonly TermsText[]>
  /** @throws Fault ERR_INPUT, ERR_CONFLICT (id taken), ERR_NOT_FOUND (version), ERR_FORBIDDEN */
  add(actor: Actor, terms: NewTerms): Promise<Terms>
  change(
    actor: Actor,
    id: string,
    patch: { title?: string | undefined; services?: readonly string[] | undefined },
  ): Promise<Terms>
  /** A new text. `again`: everybody must accept it; else acceptances of the former go on counting. */
  publish(actor: Actor, id: string, text: { markdown: string; again: 'accept' | 'keep' }): Promise<Terms>
  /** From then on nobody needs them. */
  retire(actor: Actor, id: string): Promise<Terms>
  acceptances(ask: PageAsk & { readonly terms: string }): Promise<Paged<Acceptance>>
  /** Newest first. */
  acceptedBy(account: AccountId): Promise<readonly Acceptance[]>
  /**
   * Accepts the newest text. `digest` is that of the text that was shown.
   * @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when another text was published in the meantime
   */
  accept(actor: Acceptor, accepted: { terms: string; digest: string }): Promise<void>
}

/** Makes the book of terms on a storage. */
export function createTerms(needs: InvitationNeeds): TermsBook {
  const { storage } = needs
  return {
    list: (ask) => listTerms(storage.em(), ask),
    async find(id) {
      const row = await storage.em().findOne(TermsEntity, { id })
      return row ? (await termsViews(storage.em(), [row]))[0] : undefined
    },
    async texts(id) {
      const rows = await storage.em().find(TermsTextEntity, { terms: id }, { orderBy: { number: 'desc' } })
      return rows.map(textView)
    },
    ...edits(needs),
    acceptances: (ask) => listAcceptances(storage.em(), ask),
    acceptedBy: (account) => acceptancesOf(storage.em(), account),
    async accept(actor, { terms, digest }) {
      await needs.change<void>(actor, undefined, async (em) => {
        await livingTerms(em, terms)
        const { number } = await textAsShown(em, terms, digest)
        if (!(await acceptIn(em, actor, { terms, number, digest, clock: needs.clock }))) return { unchanged: undefined }
        return {
          result: undefined,
          type: 'terms.accepted',
          account: actor.account,
          target: { terms },
          before: undefined,
          after: { number, digest },
        }
      })
    },
    ...createInvitations(needs),
  }
}

const searched = ['id', 'title', 'dataset'].map((column) => `lower(${column}) like ? escape '\\'`)

async function listTerms(em: Reads, ask: Parameters<TermsBook['list']>[0]): Promise<Paged<Terms>> {
  const matching = () => ({
    $and: [
      searchWhere(ask.search, searched),
      ask.dataset === undefined ? {} : { dataset: ask.dataset },
      ask.datasets === undefined ? {} : { dataset: { $in: [...ask.datasets] } },
    ],
  })
  const total = await em.count(TermsEntity, matching())
  const size = pageLimit(ask)
  const after = ask.after === undefined ? {} : { id: { $gt: ask.after } }
  const rows = await em.find(TermsEntity, { $and: [matching(), after] }, { orderBy: { id: 'asc' }, limit: size + 1 })
  const page = pageOf(rows, { size, total, keyOf: ({ id }) => id })
  return { ...page, rows: await termsViews(em, page.rows) }
}

function edits(needs: InvitationNeeds): Pick<TermsBook, 'add' | 'change' | 'publish' | 'retire'> {
  const { storage, clock, change } = needs
  /** Terms never move to another dataset, so this may be read before leave is asked. */
  const leave = async (id: string) => {
    const { dataset } = await termsRow(storage.em(), id)
    return { on: 'terms', dataset: dataset ?? undefined } as const
  }
  return {
    async add(actor, given) {
      const dataset = given.dataset
      return change(actor, { on: 'terms', dataset }, async (em) => {
        const row = await newTerms(em, given, { actor, at: clock.now() })
        return {
          result: row,
          type: 'terms.added',
          target: { terms: row.id },
          before: undefined,
          after: auditView(row),
        }
      })
    },
    async change(actor, id, patch) {
      return change(actor, await leave(id), async (em) => {
        const row = await termsRow(em, id)
        assertOwn(actor, row)
        const text = await newestText(em, id)
        const before = auditView(termsView(row, text))
        if (patch.title !== undefined) row.title = checkedTitle(patch.title)
        if (patch.services !== undefined) row.services = checkedServices(patch.services)
        const result = termsView(row, text)
        const after = auditView(result)
        if (JSON.stringify(before) === JSON.stringify(after)) return { unchanged: result }
        return { result, type: 'terms.changed', target: { terms: id }, before, after }
      })
    },
    async publish(actor, id, { markdown, again }) {
      return change(actor, await leave(id), async (em) => {
        const row = await livingTerms(em, id)
        assertOwn(actor, row)
        const last = await newestText(em, id)
        const text = checkedText(markdown)
        const before = auditView(termsView(row, last))
        if (digestOf(text) === last.digest && again === 'keep') return { unchanged: termsView(row, last) }
        const next = newText(em, { terms: id, number: last.number + 1, text, actor, at: clock.now() })
        if (again === 'accept') row.requiredNumber = next.number
        const result = termsView(row, next)
        return { result, type: 'terms.published', target: { terms: id }, before, after: auditView(result) }
      })
    },
    async retire(actor, id) {
      return change(actor, await leave(id), async (em) => {
        const row = await termsRow(em, id)
        assertOwn(actor, row)
        const text = await newestText(em, id)
        if (row.retiredAt !== null) return { unchanged: termsView(row, text) }
        const before = auditView(termsView(row, text))
        row.retiredAt = clock.now()
        const result = termsView(row, text)
        return { result, type: 'terms.retired', target: { terms: id }, before, after: auditView(result) }
      })
    },
  }
}

async function newTerms(em: EntityManager, given: NewTerms, by: { actor: Actor; at: Date }): Promise<Terms> {
  const id = checkedId(given.id)
  const { dataset, version } = given
  if ((await em.count(TermsEntity, { id })) > 0) throw new Fault('ERR_CONFLICT', `There are terms "${id}" already.`)
  if (dataset !== undefined && (await em.count(DatasetEntity, { slug: dataset })) === 0)
    throw new Fault('ERR_NOT_FOUND', `There is no dataset ${shown(dataset)}.`)
  if (version !== undefined) {
    if (dataset === undefined) throw new Fault('ERR_INPUT', 'Terms of a version name its dataset too.')
    if ((await em.count(DatasetVersionEntity, { dataset, version })) === 0)
      throw new Fault('ERR_NOT_FOUND', `The dataset ${dataset} has no version ${shown(version)}.`)
  }
  const row = em.create(TermsEntity, {
    id,
    numericId: await nextNumericId(em),
    title: checkedTitle(given.title),
    dataset: dataset ?? null,
    version: version ?? null,
    services: checkedServices(given.services ?? []),
    requiredNumber: 1,
    source: sourceOf(by.actor),
    createdAt: by.at,
    retiredAt: null,
  })
  // In this order: the text refers to the row.
  await em.flush()
  const text = newText(em, { terms: id, number: 1, text: checkedText(given.markdown), ...by })
  return termsView(row, text)
}

function newText(em: EntityManager, given: { terms: string; number: number; text: string; actor: Actor; at: Date }) {
  return em.create(TermsTextEntity, {
    terms: given.terms,
    number: given.number,
    markdown: given.text,
    digest: digestOf(given.text),
    publishedBy: actorName(given.actor),
    publishedAt: given.at,
  })
}

/** The text itself stands in its own table; the trail names it by its digest. */
function auditView({ title, dataset, version, services, requiredNumber, retiredAt, text }: Terms) {
  return {
    title,
    ...(dataset === undefined ? {} : { dataset }),
    ...(version === undefined ? {} : { version }),
    services: [...services],
    requiredNumber,
    number: text.number,
    digest: text.digest,
    ...(retiredAt === undefined ? {} : { retiredAt: retiredAt.toISOString() }),
  }
}

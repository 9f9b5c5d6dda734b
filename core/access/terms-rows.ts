/** Terms of use as rows: how they are read, and what may be written into them. @module */
import { createHash } from 'node:crypto'
import { Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Actor } from '../accounts/actor.ts'
import type { Reads } from '../storage/late-orm.ts'
import {
  type AcceptanceRow,
  TermsEntity,
  type TermsInvitationRow,
  type TermsRow,
  TermsTextEntity,
  type TermsTextRow,
} from '../storage/ledger-entities.ts'
import { checkLine } from './input.ts'
import type { Acceptance, Invitation, Terms, TermsText } from './model.ts'
import { assertKeptBy } from './source.ts'

/** Longest text of terms, in characters. */
export const longestText = 200_000

const idPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/
/** Second segments of our own pages under `/terms`. */
const reservedIds = new Set(['for', 'invited'])
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/

const refused = (message: string) => new Fault('ERR_INPUT', message)

/** An id that can stand in an address. @throws Fault ERR_INPUT */
export function checkedId(id: string): string {
  if (!idPattern.test(id) || reservedIds.has(id))
    throw refused('The id of terms has 1 to 64 of a-z, 0-9, ".", "_", "-", and is not "for" or "invited".')
  return id
}

/** One line of text. @throws Fault ERR_INPUT */
export function checkedTitle(title: string): string {
  return checkLine(title, { what: 'The title of terms', least: 1, longest: 200 })
}

/** A text as it is kept: forms send CRLF, files LF, and their digests must not differ. @throws Fault ERR_INPUT */
export function checkedText(markdown: string): string {
  const text = markdown.replaceAll('\r\n', '\n')
  if (text.trim() === '') throw refused('Terms need a text.')
  if (text.length > longestText) throw refused(`The text of terms has at most ${longestText} characters.`)
  if (typeof markdown !== 'string' || controls.test(text) || !text.isWellFormed())
    throw refused('The text of terms must not have control characters.')
  return text
}

/** Ids of clients and dialects, each once. @throws Fault ERR_INPUT */
export function checkedServices(services: readonly string[]): readonly string[] {
  const wrong = services.find((one) => one === '' || one.length > 200 || /\s/.test(one) || controls.test(one))
  if (wrong !== undefined || services.length > 100)
    throw refused('Services are at most 100 ids of clients and dialects, without spaces.')
  return [...new Set(services)].toSorted()
}

/** SHA-256 of a text, hex: what exactly is accepted. */
export function digestOf(markdown: string): string {
  return createHash('sha256').update(markdown).digest('hex')
}

/** Terms of the config are changed there. @throws Fault ERR_CONFLICT */
export function assertOwn(actor: Actor, { id, source }: Pick<TermsRow, 'id' | 'source'>): void {
  assertKeptBy(actor, { source, what: `The document “${id}”` })
}

/** The terms of an id. @throws Fault ERR_NOT_FOUND */
export async function termsRow(em: Reads, id: string): Promise<TermsRow> {
  const row = await em.findOne(TermsEntity, { id })
  if (!row) throw new Fault('ERR_NOT_FOUND', 'There are no such terms.')
  return row
}

/** Terms that somebody can accept. @throws Fault ERR_NOT_FOUND */
export async function livingTerms(em: EntityManager, id: string): Promise<TermsRow> {
  const row = await termsRow(em, id)
  if (row.retiredAt !== null)
    throw new Fault('ERR_NOT_FOUND', 'These terms were withdrawn: nobody needs to accept them any more.')
  return row
}

/** The newest text. */
export async function newestText(em: EntityManager, terms: string): Promise<TermsTextRow> {
  const [row] = await em.find(TermsTextEntity, { terms }, { orderBy: { number: 'desc' }, limit: 1 })
  if (!row) throw new TypeError(`terms ${terms} have no text`)
  return row
}

/** The newest text, if it is the one that was shown. @throws Fault ERR_CONFLICT */
export async function textAsShown(em: EntityManager, terms: string, digest: string): Promise<TermsTextRow> {
  const text = await newestText(em, terms)
  if (text.digest !== digest)
    throw new Fault('ERR_CONFLICT', 'The text was changed while you read it. Please read and accept the new one.')
  return text
}

/** Views of rows, with one query for their texts. */
export async function termsViews(em: Reads, rows: readonly TermsRow[]): Promise<Terms[]> {
  const ids = rows.map(({ id }) => id)
  const texts = await em.find(TermsTextEntity, { terms: { $in: ids } }, { orderBy: { number: 'asc' } })
  const newest = new Map(texts.map((text) => [text.terms, text]))
  return rows.flatMap((row) => {
    const text = newest.get(row.id)
    return text ? [termsView(row, text)] : []
  })
}

/** Terms as the room hands them out. */
export function termsView(row: TermsRow, text: TermsTextRow): Terms {
  return {
    id: row.id,
    numericId: row.numericId ?? 0,
    title: row.title,
    dataset: row.dataset ?? undefined,
    version: row.version ?? undefined,
    services: row.services,
    requiredNumber: row.requiredNumber,
    source: row.source,
    createdAt: row.createdAt,
    retiredAt: row.retiredAt ?? undefined,
    text: textView(text),
  }
}

/** One text as the room hands it out. */
export function textView({ number, markdown, digest, publishedBy, publishedAt }: TermsTextRow): TermsText {
  return { number, markdown, digest, publishedBy, publishedAt }
}

/** An acceptance as the room hands it out. */
export function acceptanceView({ account, terms, number, at, address, digest }: AcceptanceRow): Acceptance {
  return { account, terms, number, at, address: address ?? undefined, digest }
}

/** An invitation as the room hands it out. */
export function invitationView(row: TermsInvitationRow): Invitation {
  return {
    id: row.id,
    terms: row.terms,
    level: row.level ?? undefined,
    madeBy: row.madeBy,
    createdAt: row.createdAt,
    endsAt: row.endsAt ?? undefined,
    seats: row.seats ?? undefined,
    used: row.used,
    endedAt: row.endedAt ?? undefined,
  }
}

/** What programs are answered: words, or JSON. @module */
import type { RouteReply } from '@labgate/contract'

/** Frozen, so that the core puts a head together once. */
const wordsType = Object.freeze({ 'Content-Type': 'text/plain; charset=utf-8' })
export const jsonType = Object.freeze({ 'Content-Type': 'application/json; charset=utf-8' })

/** Words. */
export function said(status: number, text: string, headers?: Readonly<Record<string, string>>): RouteReply {
  return { status, headers: headers === undefined ? wordsType : { ...wordsType, ...headers }, body: text }
}

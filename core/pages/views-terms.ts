/** What the pages of terms of use show. @module */
import type { ClientView, Notice, Post } from './views-parts.ts'

/** One document of terms, to read and, with `accept`, to agree to. */
export interface TermsPageView {
  readonly now: Date
  readonly message?: Notice | undefined
  readonly title: string
  /** The only text that is not plain: shown as formatted text without HTML of its own. */
  readonly markdown: string
  readonly number: number
  readonly publishedAt: Date
  /** Title of the dataset they are about. */
  readonly dataset?: string | undefined
  /** Where the person is going. */
  readonly client?: ClientView | undefined
  /** More of them follow: this is the first of so many. */
  readonly left?: number | undefined
  readonly acceptedAt?: Date | undefined
  readonly retired?: boolean | undefined
  /** What is given besides, as a level. */
  readonly gives?: string | undefined
  readonly accept?: Post | undefined
  /** The way back without agreeing: a form, or an address. */
  readonly decline?: Post | undefined
  readonly leave?: string | undefined
}

/** What was accepted, what it opened and where it goes on. */
export interface TermsDoneView {
  readonly now: Date
  readonly title: string
  readonly acceptedAt: Date
  readonly dataset?: string | undefined
  /** A level of access to the dataset that counts now. */
  readonly level?: string | undefined
  /** Terms that are still missing for the same dataset. */
  readonly more: readonly { readonly title: string; readonly href: string }[]
  readonly next: { readonly href: string; readonly label?: string | undefined }
}

/** View name to its data. */
export interface TermsViews {
  readonly terms: TermsPageView
  readonly 'terms-done': TermsDoneView
}

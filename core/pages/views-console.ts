/** What every page for those who look after the lab has around it. @module */
import type { Notice, Post } from './views-parts.ts'

/** One room of the console. */
export interface ConsoleLink {
  /** Key of its name among the texts: `console.nav.datasets`. */
  readonly name: string
  readonly href: string
  readonly current: boolean
  /** How many things wait there. */
  readonly waiting?: number | undefined
}

/** Around every page of the console. */
export interface ConsoleFrameView {
  readonly now: Date
  readonly nav: readonly ConsoleLink[]
  readonly message?: Notice | undefined
  /** Where to sign in again, when the sign-in is too old for changes. */
  readonly signInAgain?: string | undefined
}

/** Where one stands in a long list. `first` and `next` keep the search. */
export interface PagingView {
  /** The page it is on: where the search form goes; default the address. */
  readonly at?: string | undefined
  readonly search: string
  readonly shown: number
  readonly total: number
  readonly first?: string | undefined
  readonly next?: string | undefined
}

/** One field of a form of the console, for `console-field.eta`. What was typed stands in `value`. */
export interface ConsoleField {
  /** Unique on the page. */
  readonly id: string
  readonly name: string
  readonly label: string
  /** Default `text`. `area`: several lines. `tick`: a box that posts `value` (default `on`). */
  readonly type?: 'text' | 'area' | 'select' | 'tick' | 'number' | 'date' | 'datetime-local' | undefined
  readonly value?: string | undefined
  readonly checked?: boolean | undefined
  readonly hint?: string | undefined
  readonly required?: boolean | undefined
  readonly maxLength?: number | undefined
  readonly rows?: number | undefined
  readonly placeholder?: string | undefined
  /** Machine words: no help with spelling. */
  readonly plain?: boolean | undefined
  readonly options?: readonly { readonly value: string; readonly label: string }[] | undefined
}

/** A form of the console, for `console-form.eta`. */
export interface ConsoleForm {
  readonly post: Post
  readonly fields: readonly ConsoleField[]
}

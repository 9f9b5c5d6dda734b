/** What every page for those who look after the lab has around it. @module */
import type { Notice } from './views.ts'

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
  readonly search: string
  readonly shown: number
  readonly total: number
  readonly first?: string | undefined
  readonly next?: string | undefined
}

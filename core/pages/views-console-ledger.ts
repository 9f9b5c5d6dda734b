/** What the pages for those who look after the lab show: datasets, grants and requests. @module */
import type { ConsoleFrameView } from './views-console.ts'

/** The first page of the console. */
export interface ConsoleHomeView {
  readonly frame: ConsoleFrameView
  /** Names are keys of texts under `console.home`. */
  readonly cards: readonly { readonly name: string; readonly count: number; readonly href: string }[]
  readonly shortcuts: readonly { readonly name: string; readonly href: string }[]
}

/** View name to its data. */
export interface LedgerConsoleViews {
  readonly 'console-home': ConsoleHomeView
}

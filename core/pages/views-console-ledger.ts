/** What the pages for those who look after the lab show: datasets, grants and requests. @module */

/** View name to its data. */
// biome-ignore lint/suspicious/noEmptyInterface: views are added as the pages are.
export interface LedgerConsoleViews {}

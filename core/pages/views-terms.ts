/** What the pages of terms of use show. @module */

/** View name to its data. */
// biome-ignore lint/suspicious/noEmptyInterface: views are added as the pages are.
export interface TermsViews {}

/** What the pages of a person’s own access and tokens show. @module */

/** View name to its data. */
// biome-ignore lint/suspicious/noEmptyInterface: views are added as the pages are.
export interface PersonViews {}

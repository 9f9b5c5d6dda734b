/** What the pages for those who look after the lab show: groups, terms, service accounts, tokens, audit. @module */

/** View name to its data. */
// biome-ignore lint/suspicious/noEmptyInterface: views are added as the pages are.
export interface PeopleConsoleViews {}

/** What many views are made of: a button that posts, a relying party, a note. @module */

/** A button that posts: where to, the CSRF token, and further hidden fields. */
export interface Post {
  readonly action: string
  readonly csrf: string
  readonly fields?: Readonly<Record<string, string>>
}

/** The relying party as people see it. */
export interface ClientView {
  readonly name: string
  /** A data URL of an image, or a path of our own; for anything else the first letter of the name is shown. */
  readonly logo?: string | undefined
  readonly homepage?: string | undefined
}

/** A note above the content: something that just happened or that one should know. */
export interface Notice {
  readonly tone: 'info' | 'success' | 'warning' | 'error'
  readonly text: string
}

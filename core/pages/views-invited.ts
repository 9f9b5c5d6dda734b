/** What the page behind the link of an invitation shows. @module */
import type { AccountRole } from '@labgate/contract'
import type { Post } from './views-parts.ts'

/** An invitation that somebody has opened. */
export interface InvitedView {
  readonly now: Date
  /** Who invites; absent: the site. */
  readonly invitedBy?: string | undefined
  readonly role: AccountRole
  /** Titles of the groups it leads into. */
  readonly groups: readonly string[]
  readonly note: string
  readonly endsAt: Date
  /** The only address that it is good for. */
  readonly onlyFor?: string | undefined
  /** Who is signed in in this browser. */
  readonly signedIn?: { readonly displayName: string } | undefined
  readonly accept: Post
}

/** View name to its data. */
export interface InvitedViews {
  readonly invited: InvitedView
}

/** What the page of profile questions shows. @module */
import type { Form } from '@labgate/contract'
import type { ClientView, Notice, Post } from './views-parts.ts'

/** The questions that a person answers: on the way to a service, or from the account page. */
export interface ProfileView extends Post {
  readonly message?: Notice | undefined
  readonly form: Form
  /** Where the person is going. */
  readonly client?: ClientView | undefined
  /** The way back without answering: a form, or an address. */
  readonly decline?: Post | undefined
  readonly leave?: string | undefined
}

/** View name to its data. */
export interface ProfileViews {
  readonly profile: ProfileView
}

/**
 * What a plugin may show: cards, forms and short pages as data. The core renders them, so that every page
 * looks alike, works without scripts and carries its CSRF token. All text is plain text, never HTML.
 * @module
 */
import type { Json } from './values.ts'

/** A button (and, if it has a form, the fields beside it) on the chooser. */
export interface Card {
  /** Words on the button: `Continue with Demo University`. */
  readonly label: string
  /** The name alone, for sentences and lists: `Demo University`. Default the label. */
  readonly name?: string
  /** A square SVG document; shown as an image, so scripts in it never run. */
  readonly icon?: string
  /** Lower comes first; ties by instance id. Default 100. */
  readonly order?: number
  /** One line under the button. */
  readonly hint?: string
  /** Fields asked on the chooser itself; `begin` gets them as `ask.input`. */
  readonly form?: Form
}

/** Why a way to sign in is not offered; shown to the person when `show` is true, else only in health. */
export interface Hidden {
  readonly hidden: string
  /** The name alone, as on a card. Default the instance's id. */
  readonly name?: string
  readonly show?: boolean
}

/** One field of a form. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'email' | 'code' | 'password' | 'hidden' | 'checkbox' | 'select'
  readonly value?: string
  readonly hint?: string
  readonly required?: boolean
  readonly maxLength?: number
  /** HTML `autocomplete` token, for example `email` or `one-time-code`. */
  readonly autocomplete?: string
  readonly placeholder?: string
  /** For `select`. */
  readonly options?: readonly { readonly value: string; readonly label: string }[]
}

/** A form that the core renders, guards against forgery and posts back to the plugin. */
export interface Form {
  readonly title?: string
  readonly intro?: readonly string[]
  readonly fields: readonly Field[]
  /** The text of the button. */
  readonly submit: string
  /** What was wrong with the last try; read out by screen readers. */
  readonly error?: string
  /** Further buttons of the same form, for example "Send a new code": they post `name=value`. */
  readonly also?: readonly { readonly label: string; readonly name: string; readonly value: string }[]
}

/** A short page; its form, if any, posts back to the address it was shown at, or to `action`. */
export interface Page {
  readonly title: string
  readonly text: readonly string[]
  readonly form?: Form
  /** A path of the host that the page is shown on, for its form. */
  readonly action?: string
  /** A button that leads somewhere: the first thing to do, before the form. */
  readonly link?: { readonly label: string; readonly href: string }
  readonly tone?: 'info' | 'success' | 'warning'
  /** For the window that opened this one, of a route with `opener: 'kept'`. */
  readonly message?: OpenerMessage
}

/** What a page tells the window that opened it, before it closes itself. Where none did, the page stays and is read. */
export interface OpenerMessage {
  readonly data: Json
  /** Only a window that shows a page of one of these origins gets it; never `*`. */
  readonly origins: readonly string[]
}

/** Why the answer is no, in words for the person. */
export interface Refusal {
  readonly reason: 'denied' | 'not-allowed' | 'unverified' | 'expired' | 'used' | 'failed' | 'limited'
  readonly message: string
  /** Seconds until another try makes sense. */
  readonly retryAfterSeconds?: number
}

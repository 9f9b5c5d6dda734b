/** The pages on which a way to sign in is tried out. @module */
import type { ConsoleFrameView } from './views-console.ts'
import type { Post } from './views-parts.ts'

/** Which way shall it be? */
export interface SandboxView {
  readonly frame: ConsoleFrameView
  readonly ways: readonly (Post & { readonly label: string; readonly icon?: string | undefined })[]
}

/** What came back, and what a sign-in would make of it. */
export interface SandboxSeenView {
  readonly frame: ConsoleFrameView
  readonly instance: { readonly id: string; readonly label: string; readonly realm: string }
  readonly issuer: string
  readonly subject: string
  readonly at: Date
  readonly amr: readonly string[]
  readonly acr?: string | undefined
  /** Whether the upstream gave something to be kept; what it is, nobody sees. */
  readonly keeps: boolean
  readonly facts: readonly {
    readonly claim: string
    readonly value: string
    /** Key of its name among the texts. */
    readonly kind: 'verified' | 'asserted' | 'self'
  }[]
  /** `kind`: a group of ours by the config, one of this instance, or nothing. */
  readonly groups: readonly {
    readonly kind: 'mapped' | 'named' | 'left'
    readonly name: string
    readonly slug?: string | undefined
  }[]
  readonly allowed: boolean
  /** `kind`: key of the text. */
  readonly reasons: readonly { readonly kind: string; readonly value?: string | undefined }[]
  readonly opens: {
    readonly kind: 'yours' | 'another' | 'choice' | 'new' | 'nobody'
    /** For those who may know. */
    readonly who?: { readonly name: string; readonly username: string } | undefined
    readonly state?: 'active' | 'pending' | 'deactivated' | undefined
    readonly role?: 'user' | 'admin' | undefined
  }
}

/** View name to its data. */
export interface SandboxViews {
  readonly 'console-sandbox': SandboxView
  readonly 'console-sandbox-seen': SandboxSeenView
}

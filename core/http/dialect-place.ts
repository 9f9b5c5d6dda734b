/** What a dialect's route stands on: its claim with its place, and what the core does for it. @module */
import type { AuthzAdapter, Page, Principal, RouteClaim, SignInWish } from '@labgate/contract'
import type { Ctx } from './context.ts'

/** One claim with where it stands. */
export interface PlacedClaim {
  readonly instance: string
  readonly host: string | undefined
  readonly origin: string
  readonly path: string
  readonly claim: RouteClaim
  readonly adapter: AuthzAdapter
}

/** That an adapter or its guard said no (ERR_FORBIDDEN); `dataset`, `version` and `verb` in its detail say to what, or `why` it was. */
export interface Refusal {
  readonly instance: string
  readonly principal: Principal | undefined
  readonly detail: Readonly<Record<string, unknown>>
}

/** What came with a token of the scheme `DPoP` (RFC 9449 §7.1). */
export interface Proof {
  readonly jwt: string
  readonly method: string
  readonly url: string
}

/** What the core does for the routes of dialects. */
export interface DialectNeeds {
  /** The signed-in person of this browser on this host. */
  bySession(ctx: Ctx): Promise<Principal | undefined>
  /** The person by the instance's cookie for requests of other sites. */
  byCrossSite(ctx: Ctx, place: PlacedClaim): Promise<Principal | undefined>
  /** Gives the browser of a signed-in person that cookie. */
  giveCrossSite(ctx: Ctx, place: PlacedClaim): Promise<void>
  /** Whoever a token speaks for; `undefined` for one that is unknown, expired, revoked or of somebody who may not act. */
  byToken(presented: {
    readonly value: string
    readonly origin: string
    readonly address: string
    readonly proof?: Proof | undefined
  }): Promise<Principal | undefined>
  /** Sends a browser to sign in and back to this page. */
  toSignIn(ctx: Ctx, place: PlacedClaim): void
  /** Sends a browser to sign in as a handler wishes it. */
  beginSignIn(ctx: Ctx, place: PlacedClaim, wish: SignInWish): void
  /** Whether the site's questions to people must be answered first. */
  owesAnswers(principal: Principal): Promise<boolean>
  /** Sends a browser to answer them and back to this page. */
  toQuestions(ctx: Ctx, place: PlacedClaim): void
  /** Whether terms of use of this instance must be accepted first. */
  owesTerms(principal: Principal, place: PlacedClaim): Promise<boolean>
  /** Sends a browser to accept them and back to this page. */
  toTerms(ctx: Ctx, place: PlacedClaim): void
  /** Ends the session of this browser with all that hangs on it. */
  signOut(ctx: Ctx): Promise<void>
  /** Writes down who was refused what, under the code that their page shows. */
  noteRefusal(ctx: Ctx, refusal: Refusal): Promise<void>
  /** A text of ours for the person at this browser. */
  text(ctx: Ctx, key: string): string
  showPage(ctx: Ctx, page: Page): void
  locale(ctx: Ctx): string
}

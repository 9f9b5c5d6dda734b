/**
 * Kind `auth`: one way to sign in. The core makes and checks state, browser binding, PKCE verifier and nonce,
 * decides who the person is and opens the session; the plugin returns facts and steps.
 * @module
 */
import type { Lifecycle } from './lifecycle.ts'
import type { Card, Form, Hidden, Page, Refusal } from './pages.ts'
import type { Fact, Json } from './values.ts'

/** Who asks to sign in, and where to. */
export interface SignInAsk {
  readonly locale: string
  /** The relying party's name, for texts. */
  readonly clientName: string | undefined
  /** `login_hint` of the request (OpenID Connect Core §3.1.2.1). */
  readonly loginHint: string | undefined
  /** The person's network address, for limits. */
  readonly address: string
  /** Fields posted from the card's form. */
  readonly input: URLSearchParams
}

/** One try to sign in; made by the core, one use, ten minutes. */
export interface Attempt {
  readonly id: string
  /** RFC 6749 §10.12; checked by the core, together with the browser. */
  readonly state: string
  /** OpenID Connect Core §3.1.2.1; checked by the sign-in library. */
  readonly nonce: string
  /** RFC 7636 §4.1. */
  readonly codeVerifier: string
  readonly redirectUri: URL
  /** A secret address that leads back to this attempt, for upstreams that return no state. */
  readonly secretUri: URL
  /** Address of a page for this attempt that may be opened anywhere (in a mail): add your own query. */
  readonly visitUri: URL
  readonly purpose: 'sign-in' | 'link'
  /** The relying party wants the person to sign in anew (`prompt=login` or `max_age`). */
  readonly fresh: boolean
  /** What the last step kept. */
  readonly kept: Json | undefined
}

/** What came back: the upstream's redirect, a posted form, or the button on a page opened by `visitUri`. */
export interface SignInReply {
  readonly via: 'callback' | 'form' | 'visit'
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly body: URLSearchParams
  readonly locale: string
  readonly address: string
}

/** A look at a page that may be opened by anybody, scanners included; it must change nothing. */
export interface VisitAsk {
  readonly url: URL
  readonly locale: string
  /** Whether the attempt was begun in this browser. */
  readonly sameBrowser: boolean
  /** `undefined` when it is over or never was. */
  readonly attempt: Attempt | undefined
}

/** Who the upstream says the person is. */
export interface Assertion {
  /** One of the instance's `issuers`. */
  readonly issuer: string
  /** Immutable upstream id; never an e-mail address of a generic provider. */
  readonly subject: string
  readonly facts: readonly Fact[]
  /** RFC 8176 values. */
  readonly amr: readonly string[]
  readonly acr?: string
  /** When the person proved it. */
  readonly at: Date
  /** Sealed by the core, handed back to `refresh` and `logout`, erased on unlink. */
  readonly keep?: Json
}

/** `keep` replaces what the attempt holds; without it, it stays. */
export type Step =
  | { readonly to: URL; readonly keep?: Json }
  | { readonly form: Form; readonly keep?: Json }
  | { readonly done: Assertion }
  | { readonly no: Refusal }

/** An identity of an account at this instance. */
export interface IdentityLink {
  readonly issuer: string
  readonly subject: string
  readonly kept: Json | undefined
}

/** What a program brings that has no browser: the fields of the method's manual path. */
export interface RedeemAsk {
  /**
   * As they were sent: at most 20 short texts, by name. Tries are counted by the one named `email`, so that is what an
   * e-mail address must be called.
   */
  readonly fields: Readonly<Record<string, string>>
  /** The program's network address, for limits. */
  readonly address: string
}

/** One way to sign in, as `create` of an auth plugin returns it. */
export interface AuthMethod extends Lifecycle {
  /** Issuers it may assert; any other is refused by the core. */
  readonly issuers: readonly string[]
  card(ask: { readonly locale: string }): Card | Hidden
  begin(ask: SignInAsk, attempt: Attempt): Promise<Step>
  /** The upstream's callback, a form's post or the button of a visited page; always from the browser that began. */
  next?(reply: SignInReply, attempt: Attempt): Promise<Step>
  /** Renders only; can never end in `done`. */
  visit?(ask: VisitAsk): Promise<Page>
  /** Looks again at what may change: groups, membership. `gone`: the identity is no longer good. */
  refresh?(link: IdentityLink): Promise<Assertion | 'gone'>
  /** Where to send the browser so that the upstream's session ends too, coming back to `back`. */
  logout?(link: IdentityLink, back: URL): Promise<URL | undefined>
  /**
   * Takes credentials that a person has fetched upstream for a program (a short-lived code; never a password), without a
   * browser: a job asks for a short API token with them. It is said once, so nothing may be left open: done or no.
   * The words of a no are for the log; the program gets the same answer for every no, but `limited` ones.
   * Without it, `jobs` cannot be enabled for an instance.
   * @throws Fault ERR_UPSTREAM, ERR_UPSTREAM_REFUSED when the upstream gives no usable answer
   */
  redeem?(ask: RedeemAsk): Promise<Extract<Step, { readonly done: unknown } | { readonly no: unknown }>>
  /** Ends what the instance holds for an identity upstream (token revocation); best effort, on unlink and sign-out. */
  revoke?(link: IdentityLink): Promise<void>
}

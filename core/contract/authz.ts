/**
 * Kind `authz`: one dialect that other services speak to us. Routes are data, so that the core guards them
 * and a test can list them; `project` is pure.
 * @module
 */
import type { Fault } from './errors.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Page } from './pages.ts'
import type { Json, Principal, Snapshot } from './values.ts'

/** Where a token may be found, first match wins. */
export interface TokenGuard {
  readonly token: {
    /** Header name; default `authorization`. */
    readonly header?: string
    /** Scheme before the token; default `Bearer`. `''`: the header is the token. */
    readonly scheme?: string
    readonly cookies?: readonly string[]
    readonly query?: readonly string[]
    /** Scopes the token must have, all of them. */
    readonly scopes?: readonly string[]
    /**
     * `'refuse'`: a header of another scheme, or one token in the header and another one in a cookie, is no token at all.
     * Default: what does not fit is passed over, and the first match wins.
     */
    readonly doubtful?: 'refuse'
  }
  /**
   * Without any token, a signed-in person is let in: `session` as the guard of that name does, `signed-in` without ever
   * sending a browser anywhere, for answers that programs and scripts read. `anyone`: whoever it is gets in, and the
   * handler decides by `principal` and `owes`. A token that does not count is refused.
   */
  readonly withoutToken?: 'session' | 'signed-in' | 'anyone'
}

/** Why a token guard let nobody by: `detail.token` of its ERR_UNAUTHENTICATED, for `renderError`. */
export type TokenTrouble = 'none' | 'invalid' | 'scheme' | 'conflict'

/** `session`: a signed-in person (a browser is sent to sign in and comes back); `public`: anyone. */
export type Guard = 'session' | 'public' | TokenGuard

/** Listed origins with credentials, every other one without: for an API with a web application of its own. */
export interface MixedCors {
  readonly credentials: readonly (string | RegExp)[]
  readonly others: 'any'
  /** What scripts may send (`Access-Control-Allow-Headers`); default: what they ask for. */
  readonly headers?: readonly string[]
}

/** A route that a dialect wants: plain data, so that the core guards it and a test can list it. */
export interface RouteClaim {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Pattern of `path-to-regexp`, below the instance's host and prefix: `/api/v1/user/:id`. */
  readonly path: string
  readonly guard: Guard
  /**
   * `'any'`: every origin, without credentials. A list: these origins, with credentials; an expression must be
   * anchored at both ends and have no flags.
   */
  readonly cors?: 'any' | readonly (string | RegExp)[] | MixedCors
  /**
   * A second cookie of the instance that browsers send with requests of other sites too (`SameSite=None`); it dies with
   * the person's session and opens nothing else. `set` (guard `session`): the browser is given it. `read` (guard
   * `public`, `cors` a list): who holds it is the principal, for requests that a listed origin made.
   */
  readonly crossSiteCookie?: 'set' | 'read'
  /**
   * `kept`: a page of another site may have opened this one and waits for its message, so this page, and the sign-in
   * that leads to it, leave the link between the two windows alone (`Cross-Origin-Opener-Policy: unsafe-none`).
   */
  readonly opener?: 'kept'
  /** Largest request body in bytes; default 64 KiB. */
  readonly bodyBytes?: number
  /** At most `count` requests in `seconds` by one network address. */
  readonly rate?: { readonly count: number; readonly seconds: number }
}

/** A request as a handler sees it, past its guard. */
export interface RouteAsk {
  readonly method: string
  readonly url: URL
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly cookies: Readonly<Record<string, string | undefined>>
  /** The raw body, at most `bodyBytes`. */
  readonly body: Uint8Array
  readonly address: string
  readonly locale: string
  readonly requestId: string
  /** Present on every guard but `public` and `anyone`; on those when a session (or token) happens to be there. */
  readonly principal: Principal | undefined
  /** With `withoutToken: 'anyone'`: what the person has to do before anything is done for them. */
  readonly owes?: 'questions' | 'terms' | undefined
}

/** A cookie of a dialect; `Secure` and host-only are seen to by the core. */
export interface Cookie {
  readonly name: string
  readonly value: string
  /** Seconds; `0` deletes. Absent: ends with the browser. */
  readonly maxAgeSeconds?: number
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly httpOnly?: boolean
  readonly path?: string
}

/** How somebody is to sign in. */
export interface SignInWish {
  /** Where to go afterwards: a path that begins with one slash. */
  readonly back: string
  /** Id of the way to sign in that is offered alone; where there is no such, all are. */
  readonly instance?: string
  /** `login_hint` (OpenID Connect Core §3.1.2.1): filled in, never believed. */
  readonly hint?: string
}

/** What a handler answers. */
export interface RouteReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text and bytes go out as they are; `json` is serialised; `page` is rendered by the core. */
  readonly body?: string | Uint8Array
  readonly json?: Json
  readonly page?: Page
  readonly cookies?: readonly Cookie[]
  /**
   * Sends the browser to sign in, whoever asks, and then to `back`, a path of this instance's host. `status` and all else
   * but `headers` is left aside. Who is signed in already goes there at once.
   */
  readonly signIn?: SignInWish
  /** Signs the person at this browser out: their session ends, at the issuer and on every host, before this is answered. */
  readonly signOut?: true
}

/** Answers one claimed route. */
export type Handler = (ask: RouteAsk) => Promise<RouteReply>

/** What a grant type's handler answers to the token endpoint (RFC 6749 §4.5, §5). */
export interface TokenAnswer {
  readonly status: number
  readonly json: Readonly<Record<string, Json>>
}

/** Whose claims the Provider wants, for whom and where they go. */
export interface ClaimsAsk {
  readonly account: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly use: 'id_token' | 'userinfo'
}

/** What an adapter adds to the OpenID Provider. */
export interface OidcAdditions {
  /** Scope to the claims it opens. */
  readonly scopes?: Readonly<Record<string, { readonly description: string; readonly claims: readonly string[] }>>
  claims?(ask: ClaimsAsk): Promise<Readonly<Record<string, Json>>>
  /** Extension grants (RFC 6749 §4.5), by URI. The client was authenticated. */
  readonly grantTypes?: Readonly<
    Record<
      string,
      {
        readonly parameters: readonly string[]
        handle(ask: {
          readonly clientId: string
          readonly parameters: Readonly<Record<string, string>>
        }): Promise<TokenAnswer>
      }
    >
  >
  readonly clientMetadata?: readonly string[]
  /** Members added to the discovery document. */
  readonly discovery?: Readonly<Record<string, Json>>
}

/** One dialect that services speak to us, as `create` of an authz plugin returns it. */
export interface AuthzAdapter extends Lifecycle {
  /** One handler per claimed route, by the claim's id. */
  readonly handlers: Readonly<Record<string, Handler>>
  readonly oidc?: OidcAdditions
  /** Our answer in the dialect's words. Pure; used by handlers, explain and golden tests. */
  project(principal: Principal, snapshot: Snapshot): Json
  /** Errors in the dialect; without it the core's own. */
  renderError?(fault: Fault, ask: RouteAsk): RouteReply
}

/** Names of all our cookies. `__Host-` and `__Secure-` bind them to https (RFC 6265bis §4.1.3). @module */

/** Names by use; the two of one interaction need a path of their own and so cannot be `__Host-`. */
export interface CookieNames {
  /** Our browser session. */
  readonly session: string
  /** Binds an attempt to sign in to the browser that began it. */
  readonly attempt: string
  /** The way to sign in that was used last. */
  readonly recent: string
  /** The Provider's own session. */
  readonly provider: string
  readonly interaction: string
  readonly resume: string
  /** The language that was chosen in this browser. */
  readonly language: string
  /** That a page of another site waits for the end of a sign-in. */
  readonly opener: string
}

/** The names for an issuer: prefixed when it is https, plain otherwise. */
export function cookieNames(issuer: string): CookieNames {
  const https = issuer.startsWith('https:')
  const host = https ? '__Host-labgate' : 'labgate'
  const secure = https ? '__Secure-labgate' : 'labgate'
  return {
    session: `${host}_session`,
    attempt: `${host}_attempt`,
    recent: `${host}_recent`,
    provider: `${host}_provider`,
    interaction: `${secure}_interaction`,
    resume: `${secure}_resume`,
    language: `${host}_language`,
    opener: `${host}_opener`,
  }
}

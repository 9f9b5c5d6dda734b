/** The scopes that an API token may have: `admin`, and those of the dialects that are loaded. @module */

/** The scope of the admin API. */
export const adminScope = 'admin'

/** Which scopes there are. */
export interface TokenScopes {
  /** Scope to what it allows, in words. */
  all(): Readonly<Record<string, string>>
  /** Where no dialect is loaded (commands), any scope that is well formed may be one. */
  has(scope: string): boolean
  /** Tells of the dialects' scopes; asked at every use, because a dialect may fail to start. */
  settle(ofDialects: () => Readonly<Record<string, string>>): void
}

/** RFC 6749 §3.3, without the `*` that stands for a session's everything. */
const wellFormed = /^(?!\*$)[\x21\x23-\x5b\x5d-\x7e]{1,100}$/

/** Makes the list; dialects are told of when they are loaded. */
export function createTokenScopes(): TokenScopes {
  let ofDialects: (() => Readonly<Record<string, string>>) | undefined
  const all = () => ({
    ...ofDialects?.(),
    [adminScope]: 'Read and change everything you may look after, by the admin API.',
  })
  return {
    all,
    has: (scope) => wellFormed.test(scope) && (ofDialects === undefined || Object.hasOwn(all(), scope)),
    settle: (dialects) => {
      ofDialects = dialects
    },
  }
}

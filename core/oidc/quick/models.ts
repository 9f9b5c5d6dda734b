/** The library's models that quick answers are made of, as far as its types do not name them. @module */

/** What is issued and found again: tokens, and codes for them. */
export interface QuickToken {
  readonly kind: string
  readonly isValid: boolean
  readonly isExpired: boolean
  readonly jti: string
  readonly clientId: string
  readonly accountId?: string
  readonly grantId?: string
  readonly aud?: unknown
  readonly rar?: unknown
  readonly claims?: object
  readonly extra?: object
  readonly exp?: number
  readonly iat?: number
  readonly sid?: string
  readonly scope?: string
  readonly scopes: ReadonlySet<string>
  readonly tokenType: string
  readonly jkt?: string
  isSenderConstrained(): boolean
}

/** What a person has allowed a client. */
export interface QuickGrant {
  readonly isExpired: boolean
  readonly clientId: string
  readonly accountId: string
  getRejectedOIDCClaims(): string[]
  getOIDCScopeFiltered(scopes: ReadonlySet<string>): string
}

/** Finds by value; what is bound to a session that is over is not found. */
export interface Finder<T = QuickToken> {
  find(value: string, options?: { readonly ignoreExpiration: boolean }): Promise<T | undefined>
}

/** An account that may act, and its claims. */
export interface QuickAccount {
  claims(use: string, scope: string, claims: object, rejected: string[]): object
}

/** The grant that a token hangs on, when it holds for this token. */
export async function grantOf(
  token: Pick<QuickToken, 'grantId' | 'clientId' | 'accountId'>,
  { Grant }: { readonly Grant: Finder<QuickGrant> },
): Promise<QuickGrant | undefined> {
  const grant = await Grant.find(token.grantId ?? '', { ignoreExpiration: true })
  const fits = grant !== undefined && !grant.isExpired && grant.clientId === token.clientId
  return fits && grant.accountId === token.accountId ? grant : undefined
}

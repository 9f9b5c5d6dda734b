/** The person’s own API tokens: listing, making, revoking. @module */
import type { ApiTokens } from '../accounts/tokens.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Door } from '../login/door.ts'

export interface MyTokensNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly tokens: ApiTokens
  /** Scopes that a token may have, with their description. */
  scopes(): Readonly<Record<string, string>>
  /** Longest life in seconds. */
  readonly maxSeconds: number
}

/** Routes under `/account/tokens`. */
export function myTokensRoutes(_needs: MyTokensNeeds): Route[] {
  return []
}

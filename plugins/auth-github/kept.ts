/** What is kept of an identity, sealed by the core: the token with which membership is looked at again. @module */

import type { Tokens } from '@labgate/auth-oidc/sign-in'
import type { Json } from '@labgate/contract'
import { fieldsOf } from './person.ts'

export interface Kept {
  readonly token: string
  /** Only where the app's tokens end (GitHub Apps). */
  readonly refreshToken: string | undefined
  /** When the person proved who they are. */
  readonly at: Date
}

/** What to keep; a refresh token that was not renewed stays. */
export function keptOf({ accessToken, refreshToken }: Pick<Tokens, 'accessToken' | 'refreshToken'>, at: Date): Json {
  return { token: accessToken, at: at.toISOString(), ...(refreshToken === undefined ? {} : { refreshToken }) }
}

/** Reads what an identity kept; `undefined`: nothing to ask with. */
export function readKept(kept: Json | undefined): Kept | undefined {
  const { token, refreshToken, at } = fieldsOf(kept)
  if (typeof token !== 'string' || typeof at !== 'string') return undefined
  return { token, refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined, at: new Date(at) }
}

/** Tokens on pages: how one is shown, and the form that makes one, for people and for service accounts alike. @module */
import { Fault } from '@labgate/contract'
import type { ApiToken } from '../accounts/tokens.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'
import type { Post } from '../pages/views.ts'
import type { TokenMakeView, TokenView, Typed } from '../pages/views-console-people.ts'
import { tickedIn } from './typed.ts'

const daySeconds = 86_400
const usualDays = 90

/** A token in a list, without whose it is. */
export function tokenView(token: ApiToken): TokenView {
  const { id, name, hint, scopes, createdAt, expiresAt, lastUsedAt, lastUsedAddress, state } = token
  return { id, name, hint, scopes, at: createdAt, expiresAt, lastUsedAt, lastUsedAddress, state }
}

/** Lives to choose from, in days: those that fit under the longest. `0`, for ever, is for service accounts. */
export function livesUpTo(longest: number | 'endless'): readonly number[] {
  const usual = [7, 30, usualDays, 180, 366]
  if (longest === 'endless') return [...usual, 0]
  const days = Math.floor(longest / daySeconds)
  return [...new Set([...usual.filter((one) => one < days), Math.max(1, days)])]
}

/** The form that makes a token. */
export function tokenMakeView(given: {
  readonly post: Post
  readonly scopes: Readonly<Record<string, string>>
  readonly lives: readonly number[]
  readonly typed: Typed
}): TokenMakeView {
  const { post, scopes, lives, typed } = given
  const ticked = tickedIn(typed, 'scope')
  const usual = lives.includes(usualDays) ? usualDays : lives.at(-1)
  return {
    ...post,
    scopes: Object.entries(scopes).map(([name, description]) => ({
      name,
      description,
      checked: ticked.includes(name),
    })),
    lives,
    typed: { ...typed, days: typed.days ?? String(usual) },
  }
}

/** What the form sent. @throws Fault ERR_INPUT for a life that was not offered */
export function newTokenIn(
  ctx: Ctx,
  desk: Pick<Desk, 'text' | 'clock'>,
  { typed, lives }: { typed: Typed; lives: readonly number[] },
): { name: string; scopes: readonly string[]; expiresAt: Date | 'never' } {
  const days = lives.find((one) => String(one) === typed.days)
  if (days === undefined) throw new Fault('ERR_INPUT', desk.text(ctx, 'tokens.badLife'))
  const expiresAt = days === 0 ? 'never' : new Date(desk.clock.now().getTime() + days * daySeconds * 1000)
  return { name: typed.name ?? '', scopes: tickedIn(typed, 'scope'), expiresAt }
}

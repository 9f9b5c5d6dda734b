/** Giving a browser a cookie of ours: for this host, out of reach of scripts, not sent with what other sites' pages ask. @module */
import type { Ctx } from './context.ts'

/** A cookie whose value is a name or a random id. */
export interface OwnCookie {
  readonly name: string
  /** Letters, digits, `-`, `_`, `.` and `~`. */
  readonly value: string
  /** Over https only. */
  readonly secure: boolean
  /** Without it, till the browser ends. */
  readonly until?: Date
}

/** Adds the header of a cookie that this answer has not set yet. @throws TypeError when the value needs quoting */
export function setCookie(ctx: Ctx, { name, value, secure, until }: OwnCookie): void {
  if (!/^[\w.~-]+$/.test(value)) throw new TypeError(`the value of the cookie ${name} must be of plain letters`)
  const ends = until === undefined ? '' : `; expires=${until.toUTCString()}`
  ctx.res.appendHeader(
    'Set-Cookie',
    `${name}=${value}; path=/${ends}; samesite=lax${secure ? '; secure' : ''}; httponly`,
  )
}

/**
 * Against cross-site requests: a token bound to session or interaction and purpose, and the browser's own word
 * (`Sec-Fetch-Site`, `Origin`) on every request that changes something.
 * @module
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Fault } from '@labgate/contract'
import { createMemo } from '../storage/memo.ts'
import type { Ctx } from './context.ts'

/** What a form's token is bound to. */
export interface CsrfRule {
  /** Id of the browser session or `uid` of the interaction; `undefined`: there is none, so no token can be right. */
  readonly binding: (ctx: Ctx) => string | undefined
  /** What the form does, so that a token of one form opens no other. */
  readonly purpose: string
}

/** Makes and checks tokens. */
export interface Csrf {
  token(binding: string, purpose: string): string
  isValid(token: string | undefined, binding: string | undefined, purpose: string): boolean
}

/** The form field that carries the token; `x-csrf-token` is the header. */
const csrfField = '_csrf'

/** Most tokens that are remembered from the page to its form. */
const remembered = 2000

/** Tokens are made with the newest key and accepted from all of the ring, so that keys can be rotated under open pages. */
export function createCsrf(needs: { readonly ringKeys: readonly string[] }): Csrf {
  // As key objects: made of bytes at each use, they cost more than what they sign.
  const keys = needs.ringKeys.map((key) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', key, '', 'labgate csrf', 32))),
  )
  const [newest] = keys
  if (newest === undefined) throw new TypeError('`ringKeys` must have at least one key')
  const mac = (key: KeyObject, said: string) => createHmac('sha256', key).update(said).digest()
  // A page has several forms, and then comes one of them.
  const made = createMemo<Buffer>(remembered)
  const own = (said: string) => made.peek(said, () => true)
  return {
    token(binding, purpose) {
      const said = JSON.stringify([binding, purpose])
      return (own(said) ?? made.keep(said, mac(newest, said))).toString('base64url')
    },
    isValid(token, binding, purpose) {
      if (token === undefined || binding === undefined || !/^[\w-]{43}$/.test(token)) return false
      const given = Buffer.from(token, 'base64url')
      const said = JSON.stringify([binding, purpose])
      return keys.some((key) => timingSafeEqual(given, (key === newest ? own(said) : undefined) ?? mac(key, said)))
    },
  }
}

/** What the browser says about where a request came from. */
export type Provenance = 'same-origin' | 'cross' | 'unknown'

/**
 * Reads `Sec-Fetch-Site` and `Origin`. A sibling host (`same-site`) counts as cross: notebooks of other people may live there.
 * Both headers must agree; a person's own doing (`none`) is same-origin.
 */
export function provenanceOf(req: IncomingMessage, origins: readonly string[]): Provenance {
  const site = req.headers['sec-fetch-site']
  const origin = req.headers.origin
  const listed = origin !== undefined && origins.includes(origin)
  if (origin !== undefined && !listed) return 'cross'
  // A listed foreign origin (CORS with credentials) is cross-site by the browser's word, and yet allowed.
  if (site === undefined) return listed ? 'same-origin' : 'unknown'
  if (site === 'same-origin' || site === 'none') return 'same-origin'
  return listed && origin !== origins[0] ? 'same-origin' : 'cross'
}

const refused = (why: string): Fault =>
  new Fault('ERR_CSRF', 'This request did not come from our own page. Go back, load the page again and retry.', {
    detail: { why },
  })

/** Refuses a request from another site; one that says nothing passes only where a token will be asked. @throws Fault ERR_CSRF */
export function assertProvenance(
  ctx: Ctx,
  rule: { origins: readonly string[]; silent: 'refuse' | 'needs-token' },
): void {
  const provenance = provenanceOf(ctx.req, rule.origins)
  if (provenance === 'cross') throw refused('the request came from another origin')
  if (provenance === 'unknown' && rule.silent === 'refuse') throw refused('neither Origin nor Sec-Fetch-Site was sent')
}

/** Refuses a request without the right token. The body must have been read. @throws Fault ERR_CSRF */
export function assertToken(ctx: Ctx, csrf: Csrf, rule: CsrfRule): void {
  const token = ctx.state.form?.get(csrfField) ?? (ctx.get('x-csrf-token') || undefined)
  if (!csrf.isValid(token, rule.binding(ctx), rule.purpose))
    throw refused(`the token for ${rule.purpose} is missing or wrong`)
}

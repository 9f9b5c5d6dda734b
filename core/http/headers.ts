/** Security headers of every response, and the Content-Security-Policy of pages. @module */
import type { Ctx } from './context.ts'

const always = Object.entries({
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // Nothing to other sites; with `no-referrer` browsers would send `Origin: null` with our own forms too.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  'Cache-Control': 'no-store',
})

/** One year: what browsers ask for before they trust the promise. */
const hsts = 'max-age=31536000'

/** All headers of every response but the CSP, name and value. */
export function securityHeaders(needs: { readonly issuer: string }): readonly (readonly [string, string])[] {
  return needs.issuer.startsWith('https:') ? [...always, ['Strict-Transport-Security', hsts]] : always
}

/** The policy of answers for programs: they show nothing, so nothing may be loaded. */
export const bareCsp = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

/** The house's policy: nothing but our own styles, images and fonts; forms go to us and where the page said. */
export function cspOf(parts: { readonly nonce: string; readonly formAction: readonly string[] }): string {
  const { nonce } = parts
  const formAction = parts.formAction.length === 0 ? '' : ` ${[...new Set(parts.formAction)].join(' ')}`
  return (
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; ` +
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
    `form-action 'self'${formAction}; frame-ancestors 'none'; base-uri 'none'`
  )
}

/** Sets the CSP at the end, when the handler has said where its forms may lead. */
export function setCsp(ctx: Ctx): void {
  if (ctx.res.headersSent || ctx.res.hasHeader('Content-Security-Policy')) return
  ctx.res.setHeader('Content-Security-Policy', ctx.state.csp ?? cspOf(ctx.state))
}

/**
 * Lets forms of this page lead to `target`, also through redirects (Chromium checks those too): its origin,
 * or its scheme when it has none a policy can name, as an application's own scheme and IPv6 addresses.
 */
export function allowFormTo(ctx: Ctx, target: string | URL): void {
  ctx.state.formAction.push(formSource(target))
}

/** The CSP source for an address. @throws TypeError (of `URL`) when it is none */
export function formSource(target: string | URL): string {
  const url = new URL(target)
  const named = (url.protocol === 'https:' || url.protocol === 'http:') && /^[a-z0-9.-]+$/i.test(url.hostname)
  return named ? url.origin : url.protocol
}

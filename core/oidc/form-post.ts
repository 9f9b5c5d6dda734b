/** Pages of the library that post by themselves: answers by `form_post`, and leaving one account for another. @module */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { formSource } from '../http/headers.ts'

/** Lets such a page post to us and to the relying party that the request is about, and nowhere else. */
export async function narrowFormAction(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  if (!ctx.path.startsWith('/oidc/auth') || ctx.response.is('html') === false) return
  const csp = ctx.response.get('content-security-policy')
  const target = returnOf(ctx)
  const sources = ["'self'", ...(target === undefined ? [] : [formSource(target)])].join(' ')
  if (csp !== '') ctx.set('content-security-policy', csp.replace(/form-action [^;]*/, `form-action ${sources}`))
}

/** Where the answer may go: an address that was compared with the registered ones. */
function returnOf({ oidc }: KoaContextWithOIDC): string | undefined {
  const { params, redirectUriCheckPerformed, entities } = oidc as unknown as {
    params?: { redirect_uri?: unknown }
    redirectUriCheckPerformed?: boolean
    entities?: { Interaction?: { params?: { redirect_uri?: unknown } } }
  }
  const asked = redirectUriCheckPerformed === true ? params?.redirect_uri : entities?.Interaction?.params?.redirect_uri
  return typeof asked === 'string' ? asked : undefined
}

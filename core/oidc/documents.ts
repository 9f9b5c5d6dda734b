/**
 * The two documents that services fetch again and again, discovery and the public keys: made by the library once for
 * each Provider, which is built anew when its keys or its config change, and given as they are from then on.
 * @module
 */
import { hash } from 'node:crypto'
import type { Context, Next } from 'koa'
import type Provider from 'oidc-provider'

/** A document, ready to be sent. */
export interface KeptDocument {
  readonly type: string
  readonly body: Buffer
  /** Strong, in quotes. */
  readonly etag: string
}

const paths = new Set(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/oidc/jwks'])
const keptOf = new WeakMap<Provider, Map<string, KeptDocument>>()

/** A document of a Provider that was asked for before. */
export function keptDocument(provider: Provider, path: string): KeptDocument | undefined {
  return keptOf.get(provider)?.get(path)
}

/** A step that keeps the documents of a Provider. */
export function keepingDocuments(provider: Provider) {
  const kept = new Map<string, KeptDocument>()
  keptOf.set(provider, kept)
  return async (ctx: Context, next: Next): Promise<void> => {
    await next()
    if (ctx.method === 'GET' && ctx.status === 200 && paths.has(ctx.path)) kept.set(ctx.path, documentOf(ctx))
  }
}

function documentOf(ctx: Context): KeptDocument {
  const type = ctx.response.get('Content-Type')
  const body = Buffer.from(JSON.stringify(ctx.body))
  const etag = `"${hash('sha256', body, 'base64url').slice(0, 22)}"`
  ctx.set('ETag', etag)
  return { type, body, etag }
}

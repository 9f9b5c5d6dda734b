/** Static files: a fixed list read at the start, each at an address with its hash. No path of a request ever reaches the disk. @module */
import type { Ctx } from './context.ts'
import type { Route } from './routes.ts'

/** One static file, in memory. */
export interface StaticFile {
  /** Path with a hash of the content in it: it never changes under that address. */
  readonly url: string
  readonly type: string
  readonly body: Buffer
}

function answerFile(ctx: Ctx, file: StaticFile): void {
  ctx.set({
    'Cache-Control': 'public, max-age=31536000, immutable',
    ETag: `"${file.url}"`,
    'Cross-Origin-Resource-Policy': 'same-origin',
    // An image opened by itself must not run what a deployer's SVG may hold.
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  })
  ctx.status = 200
  ctx.type = file.type
  if (ctx.fresh) ctx.status = 304
  else ctx.body = file.body
}

/** One route a file, on the given host (default the issuer's). */
export function assetRoutes(files: Iterable<StaticFile>, host?: string): readonly Route[] {
  return Array.from(files, (file) => ({
    ...(host === undefined ? {} : { host }),
    method: 'GET' as const,
    path: file.url,
    handler: (ctx: Ctx) => answerFile(ctx, file),
  }))
}

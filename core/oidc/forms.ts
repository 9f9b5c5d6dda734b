/**
 * Forms that are posted to the Provider, read before its own app sees the requests: for the answers past it, and where something in
 * them must be changed. The library takes a body that somebody has read.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Context, Next } from 'koa'

const bodyLimit = 56 * 1024

/** Those that were read, and whose requests may go on. */
const read = new WeakMap<IncomingMessage, string>()

/** Reads the form of a request that goes on to the Provider; `undefined`, and nothing is read, where it is no plain one. */
export async function formText(req: IncomingMessage): Promise<string | undefined> {
  const { 'content-type': type = '', 'content-length': length, 'content-encoding': encoding } = req.headers
  if (!/^application\/x-www-form-urlencoded(?:; ?charset=utf-8)?$/i.test(type) || encoding !== undefined)
    return undefined
  if (!(Number(length) <= bodyLimit)) return undefined
  const text = read.get(req) ?? (await textOf(req, bodyLimit))
  if (text !== undefined) read.set(req, text)
  return text
}

/** The form of a request to the library, which must be handed on; `undefined`, and nothing is read, where it judges what came alone. */
export async function formOf(ctx: Context): Promise<URLSearchParams | undefined> {
  if (!ctx.is('application/x-www-form-urlencoded') || (ctx.request.length ?? 0) > bodyLimit) return undefined
  const text = read.get(ctx.req) ?? (await textOf(ctx.req, bodyLimit))
  return new URLSearchParams(text ?? ctx.throw(413, 'request entity too large'))
}

/** Hands a form on to the library. */
export function handOn(ctx: Context, form: URLSearchParams): void {
  const body: Record<string, string | string[]> = {}
  for (const name of new Set(form.keys())) {
    const all = form.getAll(name)
    body[name] = all.length === 1 ? (all[0] as string) : all
  }
  ;(ctx.req as { body?: unknown }).body = body
}

/** Middleware of the Provider: hands on what was read already. */
export async function handOnForms(ctx: Context, next: Next): Promise<void> {
  const text = read.get(ctx.req)
  if (text !== undefined) handOn(ctx, new URLSearchParams(text))
  await next()
}

/** `undefined`: it is too large. Of what broke off nothing is left: whoever sent it is gone, and the library finds no client in it. */
export async function textOf(req: IncomingMessage, mostBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // The rest of what is too large is read off when it is answered.
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > mostBytes) return undefined
      chunks.push(chunk)
    }
  } catch (err) {
    if (req.complete) throw err
    return ''
  }
  return Buffer.concat(chunks).toString()
}

/** Addresses to come back to: paths of our own origin, nothing else (no open redirect). @module */

const plain = /^\/(?![/\\])[\x21-\x7e]*$/

/**
 * Where a browser is led back to that has to do something else first: the page it asks for; without its query when
 * that is too long for the headers that carry it through a sign-in.
 */
export function wayBack(ctx: { readonly url: string; readonly path: string }, origin: string): string {
  return returnPath(ctx.url, origin) ?? returnPath(ctx.path, origin) ?? '/'
}

/**
 * The path, query and fragment of a same-origin return address, or `undefined` when it is anything else:
 * `//host`, `/\host`, `https:host`, white space, control characters, non-ASCII, or dots that lead to one of them.
 */
export function returnPath(value: string | undefined, issuer: string): string | undefined {
  if (value === undefined || value.length > 2048 || !plain.test(value) || value.includes('\\')) return undefined
  const base = new URL(issuer)
  const url = URL.canParse(value, base.href) ? new URL(value, base) : undefined
  if (url === undefined || url.origin !== base.origin || url.username !== '' || url.password !== '') return undefined
  const path = `${url.pathname}${url.search}${url.hash}`
  return plain.test(path) ? path : undefined
}

/** Addresses to come back to: paths of our own origin, nothing else (no open redirect). @module */

const plain = /^\/(?![/\\])[\x21-\x7e]*$/

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

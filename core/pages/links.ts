/** Which addresses of others may stand in a page: a wall against `javascript:` and its like. @module */

/** A link's address when it is http, https, mailto or a path of our own; else `undefined`. */
export function safeHref(address: string | undefined): string | undefined {
  return allowed(address, ['http:', 'https:', 'mailto:'])
}

/** An image's address when it is a path of our own or an image as data; else `undefined`. The pages' policy loads no other. */
export function safeImage(address: string | undefined): string | undefined {
  if (address?.startsWith('data:image/')) return address
  return allowed(address, [])
}

function allowed(address: string | undefined, schemes: readonly string[]): string | undefined {
  if (address === undefined) return undefined
  if (address.startsWith('/')) return isOwnPath(address) ? address : undefined
  const url = URL.parse(address)
  return url !== null && schemes.includes(url.protocol) ? address : undefined
}

/** `//host`, `/\host` and even `/<tab>/host` lead to other hosts: only a browser's own reading tells. */
function isOwnPath(address: string): boolean {
  return URL.parse(address, 'http://own.invalid')?.origin === 'http://own.invalid'
}

/** An e-mail address as a `mailto:` link; links stay as they are. */
export function contactHref(contact: string | undefined): string | undefined {
  if (contact === undefined) return undefined
  return /^[^\s@:/]+@[^\s@/]+$/.test(contact) ? `mailto:${contact}` : safeHref(contact)
}

/** An SVG document as an image's address. As an image it runs no scripts and loads nothing. */
export function iconUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg, 'utf8').toString('base64')}`
}

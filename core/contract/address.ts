/** One strict mail address: what sign-ins take from people and what the core sends to. @module */

/** A mail address after {@link parseAddress}: ASCII only, one mailbox, nothing that a mail server could read twice. */
export interface Address {
  /** The part before the at-sign, as written. */
  readonly local: string
  /** Lower case, internationalised names in punycode. */
  readonly domain: string
  /** `local@domain`, at most 254 characters. */
  readonly address: string
}

// RFC 5321 §4.1.2 Dot-string, without `!` and `%`: relays have read them as further hops.
const localPart = /^[\w#$&'*+/=?^`{|}~-]+(?:\.[\w#$&'*+/=?^`{|}~-]+)*$/
// Nothing that a URL parser would take for more than a host name.
const hostCharacters = /^[\p{L}\p{M}\p{N}.-]+$/u
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
// A last label with a letter in front excludes IPv4 literals in every spelling.
const lastLabel = /^[a-z][a-z0-9-]*[a-z0-9]$/

/**
 * Reads exactly one mail address, strictly: compatibility forms are normalised first (NFKC), then everything is
 * refused that could hide a second address, another domain or a header: commas, quotes, several at-signs, spaces, controls,
 * non-ASCII local parts, IP literals, names without a dot.
 * Spec: RFC 5321 §4.1.2 and §4.5.3.1 (64 and 254 characters); UTS #46 for domains.
 * @returns `undefined` when it is no such address
 */
export function parseAddress(text: string): Address | undefined {
  // Before any normalising: NFKC can make one character eighteen.
  if (text.length > 254) return undefined
  const [local, name, ...more] = text.normalize('NFKC').split('@')
  if (local === undefined || name === undefined || more.length > 0) return undefined
  if (local.length > 64 || !localPart.test(local)) return undefined
  const domain = parseDomain(name)
  if (domain === undefined) return undefined
  const address = `${local}@${domain}`
  return address.length > 254 ? undefined : { local, domain, address }
}

/**
 * Reads a full domain name: lower case, internationalised names in punycode (UTS #46).
 * @returns `undefined` when it is none, or an IP address, or has no dot
 */
export function parseDomain(text: string): string | undefined {
  const name = text.normalize('NFKC')
  const url = `http://${name}/`
  if (!hostCharacters.test(name) || !URL.canParse(url)) return undefined
  const domain = new URL(url).hostname
  const labels = domain.split('.')
  const whole = labels.length > 1 && labels.every((part) => label.test(part)) && lastLabel.test(labels.at(-1) ?? '')
  return whole && domain.length <= 253 ? domain : undefined
}

/**
 * Who really asks, and over what: forwarded headers count only when the socket's other end is a listed proxy.
 * After `readEdge` the request carries no forwarded header that we did not write ourselves.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = [Address, number]

/** What the edge found out. */
export interface Edge {
  readonly address: string
  readonly secure: boolean
  /** Whether a listed proxy sent it. */
  readonly proxied: boolean
}

/** Says whether an address is one of the listed proxies; `unix` lists every caller on a unix socket. */
export interface Proxies {
  has(address: string | undefined): boolean
}

function rangeOf(cidr: string): Range {
  if (cidr.includes('/')) return ipaddr.parseCIDR(cidr)
  const address = ipaddr.process(cidr)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** Parses an address, an IPv6 one with an IPv4 inside as that IPv4; `undefined` when it is none. */
export function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/%.*$/, '')
  return ipaddr.isValid(bare) && (bare.includes(':') || ipaddr.IPv4.isValidFourPartDecimal(bare))
    ? ipaddr.process(bare)
    : undefined
}

/** Whether the address lies in the range; addresses of another family never do. */
export function inRange(address: Address, range: Range): boolean {
  return address.kind() === range[0].kind() && address.match(range)
}

/** A plain IPv4 address, as nearly all are: four numbers of at most 255 without a zero before them. */
const plainIpv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

/** Whether a text is an IPv4 address in its one plain spelling. */
export function isPlainIpv4(text: string): boolean {
  return plainIpv4.test(text)
}

/** Reads a list of addresses and CIDR ranges once. @throws TypeError when an entry is neither. */
export function createProxies(list: readonly string[]): Proxies {
  const unix = list.includes('unix')
  const ranges = list.filter((entry) => entry !== 'unix').map(parseRange)
  const ipv4 = ranges.flatMap(([address, bits]) =>
    address.kind() === 'ipv4' ? [{ size: 2 ** (32 - bits), base: numberOf(address.toString()) }] : [],
  )
  return {
    has(text) {
      if (text === undefined) return unix
      if (plainIpv4.test(text)) {
        const number = numberOf(text)
        return ipv4.some(({ size, base }) => Math.floor(number / size) === Math.floor(base / size))
      }
      const address = parseAddress(text)
      return address !== undefined && ranges.some((range) => inRange(address, range))
    },
  }
}

/** Parses an address or a CIDR range. @throws TypeError when it is neither. */
export function parseRange(text: string): Range {
  try {
    return rangeOf(text)
  } catch {
    throw new TypeError(`a proxy or range must be an address or a CIDR range, got ${JSON.stringify(text)}`)
  }
}

/**
 * The one value of a header as it came on the wire, its name in small letters; a header sent twice counts as absent,
 * because two readers could pick different ones.
 */
export function soleValue({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  let found: string | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? ''
    if (given.length !== name.length || given.toLowerCase() !== name) continue
    if (found !== undefined) return undefined
    found = rawHeaders[at + 1]
  }
  return found
}

function numberOf(ipv4: string): number {
  let [number, part] = [0, 0]
  for (let at = 0; at < ipv4.length; at++) {
    const sign = ipv4.charCodeAt(at)
    if (sign === dot) [number, part] = [number * 256 + part, 0]
    else part = part * 10 + sign - zero
  }
  return number * 256 + part
}

const [dot, zero] = [0x2e, 0x30]

function hopAddress(hop: string): string | undefined {
  const text = hop.trim()
  if (plainIpv4.test(text)) return text
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)
  return parseAddress(bracketed?.[1] ?? withPort?.[1] ?? text)?.toString()
}

/** From the right, skips listed proxies; stops at the first hop that is none, or is unreadable. */
function clientOf(forwardedFor: string, proxy: string, proxies: Proxies): string {
  let address = proxy
  for (const hop of forwardedFor.split(',').reverse()) {
    const next = hopAddress(hop)
    if (next === undefined) return address
    address = next
    if (!proxies.has(next)) return address
  }
  return address
}

function readForwarded(req: IncomingMessage, peer: string, proxies: Proxies): Omit<Edge, 'proxied'> {
  const forwardedFor = soleValue(req, 'x-forwarded-for')
  return {
    address: forwardedFor === undefined ? peer : clientOf(forwardedFor, peer, proxies),
    secure: soleValue(req, 'x-forwarded-proto')?.trim().toLowerCase() === 'https',
  }
}

interface Peer {
  readonly proxies: Proxies
  readonly address: string
  readonly isProxy: boolean
}

/** A connection's other end does not change while it lasts. */
const peers = new WeakMap<Socket, Peer>()

function peerOf({ socket }: IncomingMessage, proxies: Proxies): Peer {
  const known = peers.get(socket)
  if (known?.proxies === proxies) return known
  const remote = socket.remoteAddress
  const address = remote === undefined ? 'unknown' : (parseAddress(remote)?.toString() ?? 'unknown')
  const peer = { proxies, address, isProxy: proxies.has(remote) }
  peers.set(socket, peer)
  return peer
}

/** Finds the person's address and whether TLS was spoken, from the socket and from listed proxies only. */
export function readEdge(req: IncomingMessage, proxies: Proxies): Edge {
  const { address: peer, isProxy } = peerOf(req, proxies)
  const encrypted = (req.socket as Partial<TLSSocket>).encrypted === true
  if (!isProxy) return { address: peer, secure: encrypted, proxied: false }
  const edge = readForwarded(req, peer, proxies)
  return { address: edge.address, secure: edge.secure || encrypted, proxied: true }
}

const forwarded = /^(?:x[-_]forwarded[-_].*|x[-_]original[-_](?:uri|url|method)|forwarded|x[-_]real[-_]ip)$/
/** What a proxy says of another request, about which it asks us (forward authentication). */
const askedAbout = /^(?:x-forwarded-(?:method|uri)|x-original-(?:method|uri))$/

/**
 * Replaces all forwarded headers by the two that the edge vouches for, so that later readers need not know the proxies. A
 * listed proxy's word about a request that it asks about stays, if it was said once.
 */
export function rewriteForwarded(req: IncomingMessage, edge: Edge): void {
  for (const name in req.headers) {
    // All of those that are meant begin so. What is written anew below need not be taken out: that would slow all later looks.
    if (!name.startsWith('x') && !name.startsWith('f')) continue
    if (name === 'x-forwarded-for' || name === 'x-forwarded-proto') continue
    if (edge.proxied && askedAbout.test(name) && soleValue(req, name) !== undefined) continue
    if (forwarded.test(name)) delete req.headers[name]
  }
  req.headers['x-forwarded-for'] = edge.address
  req.headers['x-forwarded-proto'] = edge.secure ? 'https' : 'http'
}

/**
 * Headers on their way to an app and back: the app gets what it must have and nothing that is ours, and sends nothing
 * that would count elsewhere. Pure.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'

/** What could say who somebody is, or where they come from; we alone do. Read with `_` as `-`, as many apps do. */
const claims =
  /^(x-labgate-|x-forwarded-|x-remote-|x-auth-|x-authenticated-|x-authentik-|x-webauth-|x-vouch-|x-pomerium-|x-goog-|x-amzn-|x-ms-client-|x-user(-|$)|x-user(id|name)$|x-email$|x-groups?$|x-ssl-|x-client-|x-cluster-client-|remote-|forwarded$|x-real-ip$|x-original-|x-rewrite-|x-rstudio-|tailscale-|cf-|true-client-ip$|ssl-client-)/

/**
 * What an app may not say: words to the proxies before us, which would serve files of theirs, and words to browsers that
 * count for more than its own host or stand before our entrance there.
 */
const notForApps =
  /^(x-accel-(?!buffering$)|x-sendfile|x-lighttpd-send-|x-litespeed-|x-reproxy-|clear-site-data$|service-worker-allowed$|alt-svc$|nel$)/

/** Between two neighbours only (RFC 9110 §7.6.1); `upgrade` and what it needs are written anew where they are meant. */
const betweenNeighbours = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'upgrade',
])

/** What `Connection` names may go, but never what tells a message's length or what we rely on. */
const neverDropped = new Set(['host', 'content-length', 'transfer-encoding', 'cookie', 'origin', 'content-type'])

/** Takes out what is for the next neighbour only, in place. */
export function dropHopByHop(headers: NodeJS.Dict<string | string[]>): void {
  const named = String(headers.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
  for (const name of named) if (!neverDropped.has(name)) delete headers[name]
  for (const name of Object.keys(headers)) if (betweenNeighbours.has(name)) delete headers[name]
}

/** How a request comes to an app. */
export interface Arrival {
  /** As the browser sees it, with the port. */
  readonly host: string
  /** `https` or `http`, as the browser sees it. */
  readonly scheme: string
  /** Address of the browser. */
  readonly address: string
  /** Cookies of ours by the beginning of their names. */
  readonly ownCookies: readonly string[]
}

/** The headers as the app gets them, in place. */
export function toApp(headers: IncomingHttpHeaders, { host, scheme, address, ownCookies }: Arrival): void {
  for (const name of Object.keys(headers)) if (claims.test(name.replaceAll('_', '-'))) delete headers[name]
  const cookies = (headers.cookie ?? '').split(';').map((one) => one.trim())
  const theirs = cookies.filter((one) => one !== '' && !isOurs(one, ownCookies))
  if (theirs.length > 0) headers.cookie = theirs.join('; ')
  else delete headers.cookie
  // Truthful: apps compare Host with Origin, and make addresses of them.
  headers.host = host
  headers['x-forwarded-proto'] = scheme
  headers['x-forwarded-host'] = host
  headers['x-forwarded-for'] = address
}

/** The headers of an app's answer as a browser gets them, in place. */
export function fromApp(headers: NodeJS.Dict<string | string[]>, ownCookies: readonly string[]): void {
  dropHopByHop(headers)
  for (const name of Object.keys(headers)) if (notForApps.test(name.replaceAll('_', '-'))) delete headers[name]
  const { 'set-cookie': cookies } = headers
  const kept = [cookies ?? []].flat().flatMap((cookie) => cookieOfApp(cookie, ownCookies))
  if (kept.length > 0) headers['set-cookie'] = kept
  else delete headers['set-cookie']
  // Nobody but its own pages frames an app, whatever it says itself: policies add up.
  const { 'content-security-policy': policy } = headers
  headers['content-security-policy'] = [[policy ?? []].flat(), "frame-ancestors 'self'"].flat()
  headers['x-frame-options'] ??= 'SAMEORIGIN'
}

/** An app that leads to itself by the address it has inside leads to the one that browsers know. */
export function leadHome(
  headers: NodeJS.Dict<string | string[]>,
  { inside, outside }: { readonly inside: string; readonly outside: string },
): void {
  const { location } = headers
  if (typeof location !== 'string' || !URL.canParse(location)) return
  const { host, protocol, pathname, search, hash } = new URL(location)
  if (host === inside && /^https?:$/.test(protocol)) headers.location = `${outside}${pathname.slice(1)}${search}${hash}`
}

/** A nameless cookie (`=ours=x`) comes back as one of ours. */
function isOurs(cookie: string, ownCookies: readonly string[]): boolean {
  const name = cookie.replace(/^[\s=]+/, '').toLowerCase()
  return ownCookies.some((own) => name.startsWith(own.toLowerCase()))
}

/** A cookie of the app stays at its own host, and takes no name of ours. */
function cookieOfApp(cookie: string, ownCookies: readonly string[]): string[] {
  if (isOurs(cookie, ownCookies)) return []
  const [pair = '', ...rest] = cookie.split(';')
  return [[pair, ...rest.filter((part) => !/^\s*domain\s*(=|$)/i.test(part))].join(';')]
}

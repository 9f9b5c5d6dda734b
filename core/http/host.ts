/** The host guard: a request whose Host is not one of ours is refused before anything else. @module */
import type { IncomingMessage } from 'node:http'
import { Fault } from '@labgate/contract'
import { soleValue } from './edge.ts'

/** Which hosts are served. */
export interface Hosts {
  /** The normalised host of the request. @throws Fault ERR_HOST */
  check(req: IncomingMessage): string
  /** The issuer's address for the same page, when the asked host is another spelling of this machine. */
  suggestion(req: IncomingMessage): string | undefined
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** A host as URL writes it: lower case, without the scheme's default port; `undefined` when it is no host. */
export function normalHost(host: string, protocol: string): string | undefined {
  if (!/^[a-z0-9.\-:[\]]+$/i.test(host)) return undefined
  try {
    return new URL(`${protocol}//${host}`).host
  } catch {
    return undefined
  }
}

const isLoopback = (host: string, protocol: string): boolean => loopback.test(new URL(`${protocol}//${host}`).hostname)

/** Makes the guard. `others` are asked at each request, because instances may come and go. */
export function createHosts(needs: { readonly issuer: string; readonly others: () => ReadonlySet<string> }): Hosts {
  const issuer = new URL(needs.issuer)
  // Nearly every request names the same one.
  let last: { readonly header: string | undefined; readonly host: string | undefined } | undefined
  const asked = (req: IncomingMessage) => {
    const header = soleValue(req, 'host')
    if (last === undefined || last.header !== header) last = { header, host: normalHost(header ?? '', issuer.protocol) }
    return last.host
  }
  return {
    check(req) {
      const host = asked(req)
      if (host !== undefined && req.url?.startsWith('/') && (host === issuer.host || needs.others().has(host)))
        return host
      throw new Fault('ERR_HOST', 'Nothing is served at this address.', {
        detail: { host: soleValue(req, 'host')?.slice(0, 255), expected: issuer.host },
      })
    },
    suggestion(req) {
      const host = asked(req)
      if (host === undefined || !isLoopback(host, issuer.protocol) || !loopback.test(issuer.hostname)) return undefined
      return addressAt(issuer.origin, req.url)
    },
  }
}

/** The same page on the given origin; a target that is no path becomes `/`. */
export function addressAt(origin: string, target: string | undefined): string {
  const path = target?.startsWith('/') && !/^\/[/\\]/.test(target) ? target : '/'
  return new URL(path.split('?')[0] ?? '/', origin).href
}

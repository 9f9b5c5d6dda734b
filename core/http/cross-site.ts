/**
 * The cookie of one dialect for requests that other sites' pages make: the random id of a row that dies with the person's
 * session. It opens nothing but the routes of its instance that ask for it.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Random } from '@labgate/contract'
import type { BrowserSession, Sessions } from '../accounts/sessions.ts'
import type { Ctx } from './context.ts'
import type { PlacedClaim } from './dialect-place.ts'
import { readCookie } from './session.ts'

type Place = Pick<PlacedClaim, 'instance' | 'origin'>

/** Gives and reads those cookies. */
export interface CrossSiteCookie {
  /** Gives it to the browser of a session; one that the browser has of the same session is kept. */
  give(ctx: Ctx, to: { readonly session: BrowserSession; readonly place: Place }): Promise<void>
  of(req: IncomingMessage, place: Place): Promise<BrowserSession | undefined>
}

/** Makes them over the rows of the sessions. */
export function createCrossSiteCookie(needs: {
  readonly sessions: Sessions
  readonly random: Random
}): CrossSiteCookie {
  const of: CrossSiteCookie['of'] = async (req, place) => {
    const found = await needs.sessions.of(readCookie(req, nameOf(place)))
    // A row for this instance alone: its `host` is no host, so that its id is no session's cookie anywhere.
    return found?.host === rowHost(place) ? found : undefined
  }
  return {
    of,
    async give(ctx, { session, place }) {
      const root = session.parent ?? session.handle
      if ((await of(ctx.req, place))?.parent === root) return
      const id = needs.random.token()
      if (!(await needs.sessions.openChild({ id, parentHandle: root, host: rowHost(place) }))) return
      ctx.append('Set-Cookie', `${nameOf(place)}=${id}; Path=/; HttpOnly; ${attributesOf(place)}`)
    },
  }
}

const rowHosts = new WeakMap<Place, string>()

function rowHost(place: Place): string {
  const known = rowHosts.get(place) ?? `${new URL(place.origin).host}#${place.instance}`
  rowHosts.set(place, known)
  return known
}

function nameOf({ instance, origin }: Place): string {
  return `${origin.startsWith('https:') ? '__Host-' : ''}labgate_cross_${instance}`
}

/** Browsers take `Secure`, which `None` needs, over https and from this machine; elsewhere the cookie stays on its site. */
function attributesOf({ origin }: Place): string {
  const { protocol, hostname } = new URL(origin)
  const local = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  return protocol === 'https:' || local ? 'SameSite=None; Secure' : 'SameSite=Lax'
}

/** The adapter: the questions of reverse proxies, the way in for browsers, the page of the key. @module */
import type { AuthzAdapter, Handler, RouteAsk } from '@labgate/contract'
import { allowed, refuse, renderError } from './answers.ts'
import { askedOf, backOf, type Words } from './asked.ts'
import type { GatewayContext } from './config.ts'
import { identityHeaders } from './identity.ts'
import { judge } from './judge.ts'
import { keyHandlers } from './key-page.ts'
import { createKeys } from './keys.ts'
import { checkRules } from './rules.ts'

/** Makes the adapter. @throws Fault ERR_CONFIG when rules cannot mean what they say */
export function gatewayAdapter(context: GatewayContext): AuthzAdapter {
  checkRules(context.config)
  const keys = createKeys(context)
  const judged = async (ask: RouteAsk, words: Words) => {
    const asked = askedOf(context, ask, words)
    return { asked, judgement: await judge(context, keys, { ask, asked }) }
  }
  const handlers: Readonly<Record<string, Handler>> = {
    // Caddy and Traefik pass on whatever is no yes.
    async check(ask) {
      const { asked, judgement } = await judged(ask, 'forwarded')
      return judgement.is === 'allowed' ? allowed(context, ask, judgement) : refuse(context, ask, { asked, judgement })
    },
    // nginx knows yes, 401 and 403 alone, and asks `refused` for the words.
    async status(ask) {
      const { judgement } = await judged(ask, 'original')
      if (judgement.is === 'allowed') return allowed(context, ask, judgement)
      return { status: judgement.is === 'sign-in' ? 401 : 403 }
    },
    async refused(ask) {
      const { asked, judgement } = await judged(ask, 'original')
      return refuse(context, ask, { asked, judgement })
    },
    // Guarded by a session: whoever gets here has signed in, and answered and accepted what had to be.
    async enter(ask) {
      const back = backOf(context, ask.url.searchParams.get('back')) ?? '/'
      return { status: 303, headers: { Location: new URL(back, context.url('/')).href } }
    },
    ...keyHandlers(context, keys),
  }
  return {
    handlers,
    project: (principal) => identityHeaders(context.config.headers, principal),
    renderError: (fault, ask) => renderError(context, fault, ask),
    async erase(account) {
      await keys?.remove(account)
    },
    async *export(account) {
      const kept = await keys?.find(account)
      // The key itself opens the service: it is in no file that lies about.
      if (kept) yield { key: 'kept, not shown', since: kept.since.toISOString(), until: kept.until.toISOString() }
    },
  }
}

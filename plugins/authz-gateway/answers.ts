/** A judgement in words: headers for the proxy, a page or a redirect for people, JSON for programs. @module */
import { Fault, type Missing, type RouteAsk, type RouteReply } from '@labgate/contract'
import { backOf, isOnTheWay, titleOf, wantsPage, wayOver } from './asked.ts'
import type { GatewayContext } from './config.ts'
import type { Judgement } from './judge.ts'
import type { Asked } from './rules.ts'

type Allowed = Extract<Judgement, { is: 'allowed' }>

/** Yes: with who it is, and what of the request's own headers the service may see. */
export function allowed({ config }: GatewayContext, ask: RouteAsk, { headers }: Allowed): RouteReply {
  const { cookie, authorization } = ask.headers
  const isOurs = config.tokenHeader.toLowerCase() === 'authorization' && /^(?:bearer|dpop)\s/i.test(authorization ?? '')
  const left = isOurs ? undefined : authorization
  return {
    status: 200,
    headers: {
      // Always said, even if empty: the proxy puts them in the place of those that came.
      'X-Labgate-Cookie': cookie ?? '',
      'X-Labgate-Authorization': left ?? '',
      // The same under their own names, for Traefik, which takes away what is not here.
      ...(cookie === undefined ? {} : { Cookie: cookie }),
      ...(left === undefined ? {} : { Authorization: left }),
      ...headers,
    },
    body: '',
  }
}

/** No, or not yet. @throws Fault ERR_FORBIDDEN, ERR_INPUT, ERR_UNAUTHENTICATED: see `renderError` */
export function refuse(
  context: GatewayContext,
  ask: RouteAsk,
  { asked, judgement }: { readonly asked: Asked; readonly judgement: Judgement },
): RouteReply {
  const say = sayer(context, ask)
  const onTheWay = isOnTheWay(ask, asked)
  switch (judgement.is) {
    case 'allowed': {
      // It was a no a moment ago. `//name` would be another host to a browser, whatever the proxy made of it.
      const back = onTheWay ? backOf(context, asked.target) : undefined
      if (back !== undefined) return away(new URL(back, context.url('/')).href)
      throw new Fault('ERR_CONFLICT', say('meanwhile'))
    }
    case 'ambiguous':
      throw new Fault('ERR_INPUT', say('ambiguous'))
    case 'sign-in':
      if (onTheWay) return away(wayOver(context, '/enter', asked.target))
      throw new Fault('ERR_UNAUTHENTICATED', say('signIn'))
    case 'foreign':
      throw new Fault('ERR_CSRF', say('foreign'))
    case 'owes':
      if (onTheWay) return away(wayOver(context, '/enter', asked.target))
      throw new Fault('ERR_FORBIDDEN', say('owes'), { detail: { why: ask.owes } })
    case 'key':
      if (onTheWay && ask.principal?.via === 'session') return away(wayOver(context, '/key', asked.target))
      throw new Fault('ERR_FORBIDDEN', say('keyNeeded', { url: context.url('/key').href }), { detail: { why: 'key' } })
    case 'nobody':
      throw new Fault('ERR_FORBIDDEN', say('nobody'), { detail: { why: 'nobody' } })
    case 'group':
      throw new Fault('ERR_FORBIDDEN', say('group', { groups: judgement.groups.join(', ') }), {
        detail: { why: 'group' },
      })
    case 'dataset':
      throw new Fault('ERR_FORBIDDEN', datasetWords(say, judgement), {
        detail: {
          ...judgement.asked,
          ...(isTerms(judgement.missing)
            ? { terms: judgement.missing.terms, back: (onTheWay && backOf(context, asked.target)) || '/' }
            : {}),
        },
      })
  }
}

/** Errors on the way of people and programs: with the code by which an admin finds why. */
export function renderError(context: GatewayContext, fault: Fault, ask: RouteAsk): RouteReply {
  const say = sayer(context, ask)
  const message = fault.shown ? fault.message : undefined
  // RFC 9110 §15.5.2; where a token was no good, the guard has said more already.
  const how =
    fault.code === 'ERR_UNAUTHENTICATED' && fault.detail.token === undefined ? { 'WWW-Authenticate': 'Bearer' } : {}
  const headers = { Vary: 'Accept', ...how }
  if (!wantsPage(ask)) {
    const json = { error: fault.code, ...(message === undefined ? {} : { message }), request_id: ask.requestId }
    return { status: fault.status, headers, json }
  }
  const isSignIn = fault.code === 'ERR_UNAUTHENTICATED'
  const { terms, back } = fault.detail
  const link = isSignIn
    ? { label: say('toSignIn'), href: context.url('/enter').href }
    : typeof terms === 'string' && typeof back === 'string'
      ? { label: say('toTerms'), href: context.termsUrl(terms, back).href }
      : // A page of Labgate itself: on the issuer's host, which terms stand on.
        { label: say('ask'), href: new URL('/account/access', context.termsUrl('x', '/')).href }
  return {
    status: fault.status,
    headers,
    page: {
      title: say(isSignIn ? 'signInTitle' : 'refusedTitle'),
      text: [...(message === undefined ? [] : [message]), say('code', { code: ask.requestId })],
      tone: 'warning',
      ...(isSignIn || fault.code === 'ERR_FORBIDDEN' ? { link } : {}),
    },
  }
}

function away(href: string): RouteReply {
  return { status: 303, headers: { Location: href } }
}

type Say = (key: string, values?: Readonly<Record<string, string>>) => string

function sayer(context: GatewayContext, { locale }: RouteAsk): Say {
  return (key, values = {}) => context.text(key, { service: titleOf(context), ...values }, locale)
}

function datasetWords(say: Say, { asked, missing }: Extract<Judgement, { is: 'dataset' }>): string {
  const values = { dataset: asked.dataset, verb: asked.verb }
  return isTerms(missing) ? say('terms', { ...values, title: missing.title }) : say('dataset', values)
}

function isTerms(missing: Missing | undefined): missing is Extract<Missing, { step: 'terms' }> {
  return missing?.step === 'terms'
}

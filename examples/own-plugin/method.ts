/** The way through the sign-in: to the badge office and back with a ticket. @module */
import { type Assertion, type Attempt, type AuthMethod, Fault, type SignInReply, type Step } from '@labgate/contract'
import type { Context } from './config.ts'

/** What the badge office says of a ticket. */
interface Badge {
  readonly badge: string
  readonly name: string
  readonly email: string
  readonly emailChecked: boolean
  readonly office: string
  readonly nonce: string
}

/** Makes the sign-in. Pure: nothing is opened and nobody asked here. */
export function createMethod(context: Context): AuthMethod {
  const { config, text } = context
  return {
    issuers: [config.office],
    card: ({ locale }) => ({ label: text('card', { building: config.building }, locale) }),
    begin: async (_, attempt) => ({ to: officeUrl(context, attempt) }),
    next: (reply, attempt) => next(context, reply, attempt),
  }
}

function officeUrl({ config }: Context, { redirectUri, state, nonce }: Attempt): URL {
  const to = new URL('/badge', config.office)
  to.search = new URLSearchParams({ back: redirectUri.href, state, nonce }).toString()
  return to
}

async function next(context: Context, reply: SignInReply, attempt: Attempt): Promise<Step> {
  const ticket = reply.url.searchParams.get('ticket')
  const badge = ticket === null ? undefined : await redeem(context, ticket)
  const isOurs = badge?.nonce === attempt.nonce && badge.office === context.config.office
  if (badge === undefined || !isOurs)
    return { no: { reason: 'denied', message: context.text('denied', {}, reply.locale) } }
  return { done: assertionOf(context, badge) }
}

function assertionOf({ clock, config }: Context, { badge, name, email, emailChecked }: Badge): Assertion {
  return {
    issuer: config.office,
    subject: badge,
    facts: [
      { claim: 'name', value: name, trust: 'asserted' },
      { claim: 'email', value: email, trust: emailChecked === true ? 'verified' : 'self' },
    ],
    amr: ['hwk'],
    at: clock.now(),
  }
}

async function redeem({ config, fetch, id }: Context, ticket: string): Promise<Badge | undefined> {
  const headers = { authorization: `Key ${config.key.reveal()}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ ticket })
  const broken = (cause: unknown): never => {
    throw new Fault('ERR_UPSTREAM', `${id}: ${config.office} gave no usable answer`, { cause })
  }
  const response = await fetch(new URL('/tickets', config.office), { method: 'POST', headers, body }).catch(broken)
  // It knows no such ticket, or the ticket was redeemed before.
  if (response.status === 404) return undefined
  if (response.status === 401)
    throw new Fault('ERR_UPSTREAM_REFUSED', `${id}: ${config.office} does not accept our key; check \`key\``)
  const answer: unknown = await response.json().catch(broken)
  return isBadge(answer) ? answer : broken(new Error(`status ${response.status}, and no badge`))
}

function isBadge(answer: unknown): answer is Badge {
  if (typeof answer !== 'object' || answer === null) return false
  const { badge, name, email } = answer as Partial<Record<keyof Badge, unknown>>
  return typeof badge === 'string' && badge !== '' && typeof name === 'string' && typeof email === 'string'
}

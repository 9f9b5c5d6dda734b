/**
 * The trip of a sign-in by e-mail: address, mail, then code or link. It never asks whether an account exists,
 * so no answer and no timing can tell. Who the person is to us is the core's to decide.
 * @module
 */
import {
  type Assertion,
  type Attempt,
  type AuthMethod,
  Fault,
  isFault,
  parseAddress,
  type SignInAsk,
  type SignInReply,
  type Step,
  type VisitAsk,
} from '@labgate/contract'
import type { Context } from './config.ts'
import { domainRule } from './domains.ts'
import { limitsOf } from './limits.ts'
import { messageOf } from './message.ts'
import { type Pages, pagesIn, steps } from './pages.ts'
import { isSame, type Pending, proofsOf } from './proof.ts'

const issuer = 'mailto:'
const tokenParameter = 'token'
const attemptSeconds = 600

/** What every step of one sign-in needs. */
interface Walk {
  readonly attempt: Attempt
  readonly locale: string
  readonly network: string
  /** The service the person wants to go on to; known at the begin, kept by the attempt. */
  readonly client: string | undefined
  readonly pages: Pages
}

/** Sign-in by a code typed where it was begun, or by a link opened in the same browser. Issuer `mailto:`, subject the address. */
export function emailMethod(context: Context): AuthMethod {
  checkLifetime(context)
  const domains = domainRule(context.id, context.config)
  const way = { context, domains, limits: limitsOf(context), proofs: proofsOf(context) }
  return {
    issuers: [issuer],
    card: ({ locale }) =>
      domains.nobody ? { hidden: context.text('hidden.nobody', {}, locale) } : pagesIn(context, locale).card(),
    begin: (ask, attempt) => begin(way, ask, attempt),
    next: (reply, attempt) => next(way, reply, attempt),
    visit: (ask) => visit(way, ask),
  }
}

interface Way {
  readonly context: Context
  readonly domains: ReturnType<typeof domainRule>
  readonly limits: ReturnType<typeof limitsOf>
  readonly proofs: ReturnType<typeof proofsOf>
}

function checkLifetime({ id, config }: Context): void {
  if (config.codeLifetime <= attemptSeconds) return
  throw new Fault('ERR_CONFIG', `plugins.${id}.config.codeLifetime: at most 10m, as long as one try to sign in lasts`)
}

async function begin(way: Way, ask: SignInAsk, attempt: Attempt): Promise<Step> {
  const { locale, address: network, clientName: client } = ask
  const walk = { attempt, locale, network, client, pages: pagesIn(way.context, locale) }
  const typed = ask.input.get('email')
  const step = typed === null ? { form: walk.pages.address({ value: ask.loginHint }) } : await take(way, walk, typed)
  return 'form' in step ? { ...step, keep: { client: client ?? null } } : step
}

async function next(way: Way, reply: SignInReply, attempt: Attempt): Promise<Step> {
  const { locale, address: network, body } = reply
  const walk = { attempt, locale, network, client: clientOf(attempt), pages: pagesIn(way.context, locale) }
  // A GET may be a scanner's or a prefetch; it uses nothing up.
  if (reply.method !== 'POST' || reply.via === 'callback') return walk.pages.no('denied', 'no.unknown')
  if (reply.via === 'visit') return byLink(way, walk, reply.url.searchParams.get(tokenParameter) ?? '')
  const typed = body.get('email')
  if (typed !== null) return take(way, walk, typed)
  if (body.get('step') === steps.address) return { form: walk.pages.address() }
  if (body.get('step') === steps.resend) return resend(way, walk)
  return byCode(way, walk, body.get('code') ?? '')
}

function clientOf(attempt: Attempt): string | undefined {
  const kept = attempt.kept as { readonly client?: string | null } | undefined // only `begin` keeps something
  return kept?.client ?? undefined
}

async function take(way: Way, walk: Walk, typed: string): Promise<Step> {
  const { pages } = walk
  const address = parseAddress(typed.replace(/^ +| +$/g, ''))
  if (!address)
    return { form: pages.address({ value: typed.slice(0, 254), error: say({ way, walk }, 'address.wrong') }) }
  const { domain } = address
  if (!way.domains.allows(domain))
    return { form: pages.address({ value: typed, error: say({ way, walk }, 'address.domain', { domain }) }) }
  // Mail goes to the very spelling that becomes the subject: no two mailboxes share an identity.
  const to = address.address.toLowerCase()
  if (!(await way.limits.mayMail({ address: to, network: walk.network }))) return pages.no('limited', 'no.mails')
  return (await mailed(way, walk, to)) ?? { form: pages.code(to) }
}

async function resend(way: Way, walk: Walk): Promise<Step> {
  const { attempt, pages, network } = walk
  const pending = await way.proofs.pending(attempt.id)
  if (!pending) return pages.no('expired', 'no.over')
  const { address } = pending
  if (!(await way.limits.mayMail({ address, network })))
    return { form: pages.code(address, { error: say({ way, walk }, 'code.noMoreMails') }) }
  const failed = await mailed(way, walk, address)
  return failed ?? { form: pages.code(address, { again: say({ way, walk }, 'code.again', { address }) }) }
}

/** Makes and mails code and link; answers the refusal when the mail could not leave. */
async function mailed(way: Way, walk: Walk, to: string): Promise<Step | undefined> {
  const { attempt, locale, network, client } = walk
  const issued = await way.proofs.issue(attempt.id, to)
  const link = new URL(attempt.visitUri)
  link.searchParams.set(tokenParameter, issued.token)
  try {
    await way.context.mail.send(
      messageOf(way.context, { to, purpose: attempt.purpose, locale, issued, link, network, client }),
    )
    return undefined
  } catch (error) {
    if (!isFault(error) || error.code !== 'ERR_MAIL') throw error
    way.context.log.warn({ err: error, attempt: attempt.id }, 'the mail of a sign-in could not be sent')
    await way.proofs.drop(attempt.id)
    return walk.pages.no('failed', 'no.mail')
  }
}

async function byCode(way: Way, walk: Walk, typed: string): Promise<Step> {
  const { attempt, pages, network } = walk
  const pending = await way.proofs.pending(attempt.id)
  if (!pending) return pages.no('expired', 'no.over')
  const { address } = pending
  const code = typed.normalize('NFKC').replace(/[\s-]/g, '')
  if (!/^\d{6}$/.test(code)) return { form: pages.code(address, { error: say({ way, walk }, 'code.format') }) }
  // Counted before it is looked at: posts sent at once share the tries.
  const tries = await way.proofs.countTry(attempt.id)
  if (tries > way.context.config.tries) return pages.no('limited', 'no.tries')
  if (!(await way.limits.mayGuess({ address, network }))) return pages.no('limited', 'no.guesses')
  const matches = ({ codeHash }: Pending) => isSame(attempt.id, code, codeHash)
  return matches(pending)
    ? redeem(way, walk, matches)
    : wrong(way, walk, { address, left: way.context.config.tries - tries })
}

async function wrong(
  way: Way,
  walk: Walk,
  { address, left }: { readonly address: string; readonly left: number },
): Promise<Step> {
  if (left > 0) return { form: walk.pages.code(address, { error: say({ way, walk }, 'code.wrong', { left }) }) }
  await way.proofs.drop(walk.attempt.id)
  return walk.pages.no('limited', 'no.tries')
}

async function byLink(way: Way, walk: Walk, token: string): Promise<Step> {
  const { id } = walk.attempt
  const matches = ({ tokenHash }: Pending) => isSame(id, token, tokenHash)
  const pending = await way.proofs.pending(id)
  return pending && matches(pending) ? redeem(way, walk, matches) : walk.pages.no('expired', 'no.over')
}

async function redeem(way: Way, walk: Walk, matches: (pending: Pending) => boolean): Promise<Step> {
  const address = await way.proofs.redeem(walk.attempt.id, matches)
  return address === undefined
    ? walk.pages.no('used', 'no.over')
    : { done: assertionOf(address, way.context.clock.now()) }
}

function assertionOf(address: string, at: Date): Assertion {
  return {
    issuer,
    subject: address,
    facts: [{ claim: 'email', value: address, trust: 'verified' }],
    amr: ['otp'],
    at,
  }
}

async function visit(way: Way, ask: VisitAsk) {
  const pages = pagesIn(way.context, ask.locale)
  const { attempt, sameBrowser } = ask
  const pending = attempt && (await way.proofs.pending(attempt.id))
  const token = ask.url.searchParams.get(tokenParameter) ?? ''
  if (!attempt || !pending || !isSame(attempt.id, token, pending.tokenHash)) return pages.visitOver()
  return sameBrowser ? pages.visitHere(pending.address) : pages.visitElsewhere()
}

/** A text of this plugin in the language of the walk. */
function say(
  { way, walk }: { way: Way; walk: Walk },
  key: string,
  values: Readonly<Record<string, string | number>> = {},
): string {
  const site = way.context.siteName
  return way.context.text(key, { site, ...values }, walk.locale)
}

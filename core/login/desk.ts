/**
 * The desk: what every page of a sign-in needs at hand. Made once by the composition root and handed to the
 * parts of this room, which know nothing of Koa's app or the Provider.
 * @module
 */
import type { AccessFace, Clock, Log, TermsView } from '@labgate/contract'
import type { TermsBook } from '../access/terms.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Consents } from '../accounts/consents.ts'
import type { InvitationUse } from '../accounts/invitation-use.ts'
import type { People } from '../accounts/people.ts'
import type { Profile } from '../accounts/profile.ts'
import type { Sessions } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import type { CookieNames } from '../http/cookies.ts'
import type { Csrf } from '../http/csrf.ts'
import { readCookie, type SessionCookie } from '../http/session.ts'
import { setCookie } from '../http/set-cookie.ts'
import type { AuditType } from '../observe/audit.ts'
import type { Post, ViewName, Views } from '../pages/views.ts'
import type { AuthInstance } from '../registry/instance.ts'
import type { Choice } from '../registry/registry.ts'
import type { Attempts } from './attempts.ts'
import type { Interactions } from './interactions.ts'

/** One event for the audit trail. */
export interface SignInEvent {
  readonly type: AuditType
  readonly account?: string | undefined
  readonly client?: string | undefined
  readonly detail?: Readonly<Record<string, string>>
}

/** All that a page of a sign-in needs at hand. */
export interface Desk {
  readonly issuer: string
  readonly support: string | undefined
  readonly rememberDays: number
  readonly cookieNames: CookieNames
  readonly clock: Clock
  readonly log: Log
  readonly csrf: Csrf
  readonly attempts: Attempts
  readonly interactions: Interactions
  readonly people: People
  readonly accounts: Accounts
  readonly invitations: Pick<InvitationUse, 'opened'>
  readonly sessions: Sessions
  readonly consents: Consents
  readonly cookie: SessionCookie
  readonly terms: Pick<TermsBook, 'find' | 'accept' | 'acceptedBy' | 'invitation' | 'whyOver' | 'acceptInvited'>
  readonly access: Pick<AccessFace, 'snapshot' | 'dataset'>
  readonly profile: Pick<Profile, 'answers' | 'answer' | 'isDue'>
  /** Terms that must be accepted before a person may use a client or dialect instance. */
  missingTerms(account: string, service: string): Promise<readonly TermsView[]>
  readonly methods: {
    get(id: string): AuthInstance | undefined
    /** Whether the config names it, though it may not have started. */
    isConfigured(id: string): boolean
    choices(locale: string): readonly Choice[]
    /** Whether any of them is known to open an account. */
    label(id: string, locale: string): string
  }
  /** Claims a scope would show of an account, for the consent page. */
  preview(
    ctx: Ctx,
    account: string,
    scope: string,
  ): Promise<{
    title: string
    description: string | undefined
    claims: readonly { claim: string; preview: string | undefined }[]
  }>
  /** What single claims would show of an account, whichever scope they belong to. */
  previewClaims(
    ctx: Ctx,
    account: string,
    names: readonly string[],
  ): Promise<readonly { claim: string; preview: string | undefined }[]>
  show<V extends ViewName>(ctx: Ctx, view: V, data: Views[V]): void
  locale(ctx: Ctx): string
  /** This browser, on this host, speaks from now on as the person chose. */
  keepLanguage(ctx: Ctx, account: string): Promise<void>
  text(ctx: Ctx, key: string, values?: Readonly<Record<string, string>>): string
  /** Signs out whoever was signed in at the Provider in this browser, in favour of the one who signs in now. */
  leaveOther(ctx: Ctx, other: { readonly accountId: string; readonly uid: string }): Promise<void>
  audit(ctx: Ctx, event: SignInEvent): Promise<void>
  /** A way to sign in threw: at its beginning, or later on, when the person had a part in it. */
  troubled(error: unknown, at: 'begin' | 'later'): void
  /** Tells admins that somebody waits for their approval. */
  tellAdmins(account: string): Promise<void>
}

/** Under which key a note for the account page waits: of this session, nobody else's. */
export function noteKey({ handle }: { readonly handle: string }): string {
  return `account:${handle}`
}

/** The page of an interaction where a note waits; without this mark nobody looks for one. */
export function noted(base: string): string {
  return `${base}?note`
}

/** Whether a note was left for this page. */
export function isNoted(ctx: Ctx): boolean {
  return ctx.search.startsWith('?note')
}

/** What forms of an interaction are bound to. */
export const purpose = 'sign-in'

/** A form of an interaction's page. */
export function post(desk: Desk, uid: string, action: string): Post {
  return { action, csrf: desk.csrf.token(uid, purpose) }
}

/** The value of the cookie that binds attempts to this browser. */
export function readBinding(ctx: Ctx, desk: Desk): string | undefined {
  return readCookie(ctx.req, desk.cookieNames.attempt)
}

/** The same, made if missing; `keep` gives it to the browser that has none. */
export function bindingFor(ctx: Ctx, desk: Desk, make: () => string): { readonly value: string; keep(): void } {
  const known = readBinding(ctx, desk)
  if (known && /^[\w-]{43}$/.test(known)) return { value: known, keep: () => undefined }
  const value = make()
  const secure = desk.issuer.startsWith('https:')
  return { value, keep: () => setCookie(ctx, { name: desk.cookieNames.attempt, value, secure }) }
}

/** The same, given to the browser at once. */
export function ensureBinding(ctx: Ctx, desk: Desk, make: () => string): string {
  const { value, keep } = bindingFor(ctx, desk, make)
  keep()
  return value
}

/** What the page of one person shows, gathered from the rooms that keep it. @module */
import type { Json } from '@labgate/contract'
import type { DirectoryEntry } from '../accounts/directory.ts'
import type { Ctx } from '../http/context.ts'
import { deviceText } from '../pages/device.ts'
import type { Views } from '../pages/views.ts'
import type { FactView } from '../pages/views-console-accounts.ts'
import { auditLineView } from './audit.ts'
import type { ConsoleFrame } from './frame.ts'
import { accountHref, type PersonNeeds, sourceText, stateOf } from './person-needs.ts'
import { typedIn } from './typed.ts'
import { createWho, whoOf } from './who.ts'

/** Lines of the history that stand on the page itself. */
const recent = 8
const longest = 400

type View = Omit<Views['console-person'], 'frame'>

interface Place {
  readonly frame: ConsoleFrame
  readonly needs: PersonNeeds
}

/** Gathers all of it. */
export async function personView(ctx: Ctx, person: DirectoryEntry, place: Place): Promise<View> {
  const { needs } = place
  const at = accountHref(person)
  const who = createWho(needs.desk)
  const { rows } = await needs.life.history(person.id, { seenBy: 'admin', limit: recent })
  return {
    account: await accountOf(person, needs),
    ...standingOf(ctx, person, place),
    facts: (await needs.identities.facts(person.id)).map((fact) => ({
      ...factView(fact),
      source: sourceText(ctx, needs.desk, fact.via),
      at: fact.at,
    })),
    identities: await identitiesOf(ctx, person, place),
    ...(await sessionsOf(ctx, person, place)),
    ...(await groupsOf(ctx, person, place)),
    links: await linksOf(person, needs),
    history: await Promise.all(rows.map((line) => auditLineView(line, who))),
    historyAt: `${at}/history`,
    typed: typedIn(ctx),
  }
}

/** A fact in one line. */
export function factView({ claim, value, trust }: { claim: string; value: Json; trust: FactView['trust'] }): FactView {
  const words = Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(', ') : undefined
  const text = typeof value === 'string' ? value : (words ?? JSON.stringify(value))
  return { claim, value: text.length > longest ? `${text.slice(0, longest)}…` : text, trust }
}

async function accountOf(person: DirectoryEntry, { directory }: PersonNeeds): Promise<View['account']> {
  const { id, displayName, username, email, emailVerified, role, createdAt, erasedAt } = person
  const into = person.mergedInto === undefined ? undefined : await directory.find(person.mergedInto)
  return {
    ...{ id, displayName, username, email, emailVerified, role, createdAt, erasedAt },
    state: stateOf(person),
    lastSignIn: person.lastSignInAt,
    ...(into ? { mergedInto: { ...whoOf(into), href: accountHref(into) } } : {}),
  }
}

/** What can be done with the account as a whole; nothing once it is shut for good, but to erase what was merged. */
function standingOf(ctx: Ctx, person: DirectoryEntry, { frame }: Place): Partial<View> {
  const at = accountHref(person)
  const state = stateOf(person)
  if (state === 'erased') return {}
  const exportIt = frame.post(ctx, `${at}/export`)
  if (state === 'merged') return { exportIt }
  const to = state === 'deactivated' ? 'active' : 'deactivated'
  return {
    exportIt,
    erase: frame.post(ctx, `${at}/erase`),
    mergeAt: `${at}/merge`,
    setRole: frame.post(ctx, `${at}/role`),
    ...(state === 'pending'
      ? { waiting: `/console/waiting/${encodeURIComponent(person.id)}` }
      : { turn: { ...frame.post(ctx, `${at}/state`), fields: { state: to }, to } }),
  }
}

async function identitiesOf(ctx: Ctx, person: DirectoryEntry, { frame, needs }: Place): Promise<View['identities']> {
  const { identities, desk } = needs
  const own = await identities.list(person.id)
  const isLastKept = own.length === 1 && person.state !== 'deactivated'
  return own.map((identity) => ({
    method: desk.methods.label(identity.instance, desk.locale(ctx)),
    issuer: identity.issuer,
    subject: identity.subject,
    lastSeen: identity.lastSeenAt,
    ...(isLastKept
      ? {}
      : { unlink: frame.post(ctx, `${accountHref(person)}/identities/${encodeURIComponent(identity.id)}/unlink`) }),
  }))
}

async function sessionsOf(
  ctx: Ctx,
  person: DirectoryEntry,
  { frame, needs }: Place,
): Promise<Pick<View, 'sessions' | 'signOut'>> {
  const { desk } = needs
  const at = accountHref(person)
  const sessions = await desk.sessions.list(person.id)
  return {
    sessions: sessions.map((row) => ({
      device: deviceText(row.userAgent),
      address: row.address,
      method: desk.methods.label(row.instance, desk.locale(ctx)),
      since: row.createdAt,
      lastSeen: row.lastSeenAt,
      end: frame.post(ctx, `${at}/sessions/${encodeURIComponent(row.handle)}/end`),
    })),
    // Services may hold what outlives every browser.
    ...(person.state === 'active' ? { signOut: frame.post(ctx, `${at}/sign-out`) } : {}),
  }
}

async function groupsOf(
  ctx: Ctx,
  person: DirectoryEntry,
  { frame, needs }: Place,
): Promise<Pick<View, 'groups' | 'addGroup'>> {
  const at = accountHref(person)
  const isShut = person.mergedInto !== undefined || person.erasedAt !== undefined
  const rows = await needs.directory.memberships(person.id)
  return {
    groups: rows.map(({ slug, title, source, keptBy, at: since }) => ({
      slug,
      title,
      source: sourceText(ctx, needs.desk, source),
      since,
      ...(source === 'admin' && ['database', 'import'].includes(keptBy) && !isShut
        ? { remove: frame.post(ctx, `${at}/groups/${encodeURIComponent(slug)}/remove`) }
        : {}),
    })),
    ...(isShut ? {} : { addGroup: frame.post(ctx, `${at}/groups`) }),
  }
}

async function linksOf(person: DirectoryEntry, needs: PersonNeeds): Promise<View['links']> {
  const { id, username } = person
  const subject = { kind: 'account', account: id } as const
  const [grants, tokens, services] = await Promise.all([
    needs.ledger.grants.list({ subject, state: 'current', limit: 1 }),
    needs.tokens.list({ account: id, limit: 1 }),
    needs.serviceAccounts.list({ parent: id, limit: 1 }),
  ])
  const words = (name: string, value: string) => new URLSearchParams({ [name]: value })
  return [
    { name: 'grants', count: grants.total, href: `/console/grants?${words('subject', id)}` },
    { name: 'tokens', count: tokens.total, href: `/console/tokens?${words('search', username)}` },
    { name: 'services', count: services.total, href: '/console/service-accounts' },
  ].filter(({ name, count }) => name !== 'services' || count > 0)
}

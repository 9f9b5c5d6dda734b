/** Dialects at the table: every authz instance's routes, and the doors of those on hosts of their own. Called by the composition root. @module */
import type { Principal } from '@labgate/contract'
import type Provider from 'oidc-provider'
import type { BrowserSession } from './accounts/sessions.ts'
import type { Rooms } from './assembly.ts'
import type { ResolveBearer } from './bearer.ts'
import { questionsAddress } from './console/my-profile.ts'
import { termsAddress } from './console/terms-on-the-way.ts'
import { createCrossSiteCookie } from './http/cross-site.ts'
import { dialectRoute } from './http/dialect.ts'
import type { DialectNeeds } from './http/dialect-place.ts'
import { wayBack } from './http/returns.ts'
import type { Route } from './http/routes.ts'
import { seeOther } from './http/see-other.ts'
import type { SessionCookie } from './http/session.ts'
import type { Desk } from './login/desk.ts'
import type { Door } from './login/door.ts'
import { createHostDoor, type HostDoor } from './login/host-door.ts'
import { doorClientId } from './oidc/clients.ts'
import { redeemDoorCode } from './oidc/door-code.ts'
import type { AuthzInstance } from './registry/instance.ts'

export interface DialectsNeeds {
  readonly rooms: Rooms
  readonly desk: Desk
  readonly door: Door
  readonly cookie: SessionCookie
  readonly instances: readonly AuthzInstance[]
  readonly bearer: ResolveBearer
  provider(): Provider
}

/** All routes of all dialects. */
export function dialectRoutes(needs: DialectsNeeds): Route[] {
  const doors = new Map<string, HostDoor>()
  for (const { host, origin } of needs.instances)
    if (host !== undefined && !doors.has(host)) doors.set(host, hostDoor(needs, { host, origin }))
  const crossSite = createCrossSiteCookie({
    sessions: needs.rooms.get('sessions'),
    random: needs.rooms.get('random'),
  })
  const faces: DialectNeeds = {
    bySession: async (ctx) => principalOf(await needs.cookie.of(ctx.req)),
    byCrossSite: async (ctx, place) => principalOf(await crossSite.of(ctx.req, place)),
    async giveCrossSite(ctx, place) {
      const session = await needs.cookie.of(ctx.req)
      if (session) await crossSite.give(ctx, { session, place })
    },
    byToken: needs.bearer,
    toSignIn: (ctx, { host }) => (host === undefined ? needs.door.toSignIn(ctx) : doors.get(host)?.toSignIn(ctx)),
    beginSignIn: (ctx, { host }, wish) =>
      host === undefined ? needs.door.toSignIn(ctx, wish) : doors.get(host)?.toSignIn(ctx, wish),
    owesAnswers: ({ account }) => needs.desk.profile.isDue(account.id),
    toQuestions(ctx, { instance }) {
      seeOther(ctx, questionsAddress(needs.desk, { instance, back: wayBack(ctx, needs.desk.issuer) }))
    },
    owesTerms: async ({ account }, { instance }) => (await needs.desk.missingTerms(account.id, instance)).length > 0,
    toTerms(ctx, { instance }) {
      seeOther(ctx, termsAddress(needs.desk, { instance, back: wayBack(ctx, needs.desk.issuer) }))
    },
    async signOut(ctx) {
      const mine = await needs.cookie.of(ctx.req)
      await needs.cookie.close(ctx)
      if (mine) await needs.desk.audit(ctx, { type: 'sign-out', account: mine.account })
    },
    noteRefusal: (ctx, { instance, principal, detail }) =>
      needs.desk.audit(ctx, {
        type: 'access.refused',
        account: principal?.account.id,
        detail: { service: instance, ...wordsOf(detail, ['dataset', 'version', 'verb', 'why']) },
      }),
    text: (ctx, key) => needs.desk.text(ctx, key),
    showPage: (ctx, page) => needs.desk.show(ctx, 'page', { page }),
    locale: (ctx) => needs.desk.locale(ctx),
  }
  const own = needs.instances.flatMap(({ id, adapter, routes, origin }) =>
    routes.map(({ host, path, claim }) => dialectRoute({ instance: id, adapter, host, path, claim, origin }, faces)),
  )
  return [...own, ...[...doors.values()].flatMap((door) => door.routes)]
}

function hostDoor({ rooms, desk, cookie, provider }: DialectsNeeds, place: { host: string; origin: string }): HostDoor {
  const { get } = rooms
  const { artifacts, sessions } = get('storage')
  return createHostDoor({
    ...place,
    issuer: desk.issuer,
    clientId: doorClientId,
    random: get('random'),
    redeem: (code, proof) => redeemDoorCode({ provider: provider(), artifacts }, { code, ...proof }),
    async openChild(ctx, providerUid) {
      const parent = await sessions.findByProviderUid(providerUid)
      if (parent === undefined) return false
      const isOpen = await cookie.openChild(ctx, { parentHandle: parent.handle, host: place.host })
      if (isOpen) await desk.keepLanguage(ctx, parent.account)
      return isOpen
    },
  })
}

function principalOf(session: BrowserSession | undefined): Principal | undefined {
  return (
    session && {
      kind: 'person',
      account: session.owner,
      via: 'session',
      scopes: ['*'],
      authenticatedAt: session.authTime,
      amr: session.amr,
      session: session.parent ?? session.handle,
    }
  )
}

/** Those of these members that are short words; an adapter's detail may hold anything. */
function wordsOf(detail: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, string> {
  const words = names.map((name) => [name, detail[name]] as const)
  return Object.fromEntries(
    words.filter((pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1].length <= 200),
  )
}

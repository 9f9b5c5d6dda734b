/** Dialects at the table: every authz instance's routes, and the doors of those on hosts of their own. Called by the composition root. @module */
import type { Principal } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { mayAct } from './accounts/accounts.ts'
import type { Rooms } from './assembly.ts'
import type { Ctx } from './http/context.ts'
import { type DialectNeeds, dialectRoute } from './http/dialect.ts'
import type { Route } from './http/routes.ts'
import type { SessionCookie } from './http/session.ts'
import type { Desk } from './login/desk.ts'
import type { Door } from './login/door.ts'
import { createHostDoor, type HostDoor } from './login/host-door.ts'
import { outlives } from './oidc/account.ts'
import { doorClientId } from './oidc/clients.ts'
import { redeemDoorCode } from './oidc/door-code.ts'
import type { AuthzInstance } from './registry/instance.ts'

export interface DialectsNeeds {
  readonly rooms: Rooms
  readonly desk: Desk
  readonly door: Door
  readonly cookie: SessionCookie
  readonly instances: readonly AuthzInstance[]
  provider(): Provider
}

/** All routes of all dialects. */
export function dialectRoutes(needs: DialectsNeeds): Route[] {
  const doors = new Map<string, HostDoor>()
  for (const { host, origin } of needs.instances)
    if (host !== undefined && !doors.has(host)) doors.set(host, hostDoor(needs, { host, origin }))
  const faces: DialectNeeds = {
    bySession: (ctx) => bySession(needs, ctx),
    byToken: (token, { origin }) => byToken(needs, { value: token, origin }),
    toSignIn: (ctx, { host }) => (host === undefined ? needs.door.toSignIn(ctx) : doors.get(host)?.toSignIn(ctx)),
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
      return parent === undefined ? false : cookie.openChild(ctx, { parentHandle: parent.handle, host: place.host })
    },
  })
}

async function bySession({ cookie }: DialectsNeeds, ctx: Ctx): Promise<Principal | undefined> {
  const session = await cookie.of(ctx.req)
  return (
    session && {
      kind: 'person',
      account: session.owner,
      via: 'session',
      scopes: ['*'],
      authenticatedAt: session.authTime,
      amr: session.amr,
    }
  )
}

/** An access token of the Provider, opaque, of somebody who may act. */
async function byToken(
  { provider, rooms }: DialectsNeeds,
  { value, origin }: { value: string; origin: string },
): Promise<Principal | undefined> {
  const token = await provider().AccessToken.find(value)
  if (!token?.isValid || token.accountId === undefined || !isFor(token.aud, origin)) return undefined
  const { sessions } = rooms.get('storage')
  const sessionLives = async (uid: string) => (await sessions.findByProviderUid(uid)) !== undefined
  if (!(await outlives({ sessionLives }, token))) return undefined
  const account = await rooms.get('accounts').find(token.accountId)
  if (!account || !mayAct(account)) return undefined
  const iat = (token as { iat?: number }).iat ?? 0
  return {
    kind: 'person',
    account,
    via: 'token',
    scopes: [...token.scopes],
    authenticatedAt: new Date(iat * 1000),
    amr: [],
  }
}

/** A token made for another service (RFC 8707) must not be taken: that service could use it here in the person's name. */
function isFor(audience: string | string[] | undefined, origin: string): boolean {
  return audience === undefined || [audience].flat().some((one) => URL.parse(one)?.origin === origin)
}

/**
 * The device flow (RFC 8628). Whoever types a code is signed in already, sees who asks, from where and with which code, and
 * says yes or no with their own name on the page: a code that somebody else sent cannot be approved by the way.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { type Clock, isFault } from '@labgate/contract'
import type { Context } from 'koa'
import Provider, {
  type Adapter,
  type AdapterPayload,
  type Client,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { provenanceOf } from '../http/csrf.ts'
import type { RateRule } from '../http/rate.ts'
import type { Audit } from '../observe/audit.ts'

/** The grant type of devices (RFC 8628 §3.4). */
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** Where people type codes. */
export const devicePath = '/oidc/device'

/** The pages of the flow; `xsrf` comes back as a field of each form. */
export interface DeviceViews {
  /** Asks for the code; `trouble`: the one that was typed is none. */
  code(ctx: Context, page: { xsrf: string; code: string | undefined; trouble: boolean }): void
  confirm(ctx: Context, page: DeviceConfirmation): void
  done(ctx: Context, clientName: string): void
  declined(ctx: Context): void
  tooOften(ctx: Context): void
}

/** What a person is asked to say yes or no to. */
export interface DeviceConfirmation {
  readonly xsrf: string
  readonly code: string
  readonly client: { readonly name: string; readonly homepage: string | undefined }
  readonly account: { readonly displayName: string; readonly email?: string | undefined }
  /** Where the code was asked for. */
  readonly place: { readonly address: string; readonly userAgent: string }
}

/** What the flow needs. */
export interface DeviceNeeds {
  readonly issuer: string
  readonly clock: Clock
  readonly audit: Audit
  readonly deviceViews: DeviceViews
  /** Who is signed in at this browser. */
  personOf(
    request: IncomingMessage,
  ): Promise<
    { readonly account: string; readonly displayName: string; readonly email?: string | undefined } | undefined
  >
  /** The address of signing in that leads back to a path of ours. */
  signInWay(to: string): string
  /** Counts one try. @throws Fault ERR_RATE */
  countTry(name: string, key: string, rule: RateRule): Promise<void>
  /** Whether this code is asked for the first time in so many seconds, over all processes. */
  isFirst(code: string, seconds: number): Promise<boolean>
}

/** A person types two forms for a device; who tries codes needs many. */
const tries = { count: 30, seconds: 600 }
const codeForm = /^[A-Za-z -]{1,20}$/

/** The Provider's feature, with pages of ours. */
export function deviceFeature(needs: DeviceNeeds): NonNullable<Configuration['features']>['deviceFlow'] {
  const { deviceViews: views } = needs
  return {
    enabled: true,
    mask: '****-****',
    deviceInfo: (ctx) => ({ address: ctx.ip, userAgent: ctx.get('user-agent').slice(0, 300) }),
    userCodeInputSource(ctx, _form, _out, error) {
      if (error?.name === 'AbortedError') return noteDeclined(needs, ctx)
      views.code(ctx, { xsrf: xsrfOf(ctx), code: prefilled.get(ctx.req), trouble: error !== undefined })
    },
    async userCodeConfirmSource(ctx, _form, client, info, code) {
      const person = await needs.personOf(ctx.req)
      // The door below has just seen one.
      if (person === undefined) throw new errors.SessionNotFound('nobody is signed in')
      const { address = '?', userAgent = '' } = info as { address?: string; userAgent?: string }
      views.confirm(ctx, {
        xsrf: xsrfOf(ctx),
        code,
        client: { name: nameOf(client), homepage: client.clientUri },
        account: person,
        place: { address, userAgent },
      })
    },
    async successSource(ctx) {
      const { client, session } = ctx.oidc
      const account = session?.accountId
      await needs.audit({ type: 'device.approved', account, actor: account, client: client?.clientId, ...traceOf(ctx) })
      views.done(ctx, client === undefined ? '' : nameOf(client))
    },
  }
}

const nameOf = (client: Client): string => client.clientName ?? client.clientId

async function noteDeclined(needs: DeviceNeeds, ctx: KoaContextWithOIDC): Promise<void> {
  const { entities, session } = ctx.oidc
  const account = session?.accountId
  const { DeviceCode, Interaction } = entities as unknown as {
    DeviceCode?: { clientId: string }
    Interaction?: { params: { client_id?: string } }
  }
  const client = DeviceCode?.clientId ?? Interaction?.params.client_id
  await needs.audit({ type: 'device.declined', account, actor: account, client, ...traceOf(ctx) })
  needs.deviceViews.declined(ctx)
}

function traceOf(ctx: Context): { requestId?: string; address: string } {
  const id = ctx.res.getHeader('x-request-id')
  return { ...(typeof id === 'string' ? { requestId: id } : {}), address: ctx.ip }
}

function xsrfOf({ oidc }: KoaContextWithOIDC): string {
  return (oidc.session as unknown as { state?: { secret?: string } }).state?.secret ?? ''
}

/** Codes that came in an address: filled in for the person to see, never sent by the page itself (RFC 8628 §3.3.1). */
const prefilled = new WeakMap<IncomingMessage, string>()

/** Middleware: nobody types a code before they are signed in, from another site's page, or all day long. */
export function deviceDoor(needs: DeviceNeeds) {
  return async (ctx: Context, next: () => Promise<void>): Promise<void> => {
    if (ctx.path !== devicePath) return onTheWay(ctx, next)
    const code =
      typeof ctx.query.user_code === 'string' && codeForm.test(ctx.query.user_code) ? ctx.query.user_code : ''
    const isPost = ctx.method === 'POST'
    const person = await needs.personOf(ctx.req)
    if (person === undefined || (isPost && provenanceOf(ctx.req, [needs.issuer]) === 'cross')) {
      const query = code === '' ? '' : `?${new URLSearchParams({ user_code: code })}`
      ctx.redirect(person === undefined ? needs.signInWay(devicePath + query) : devicePath)
      ctx.status = 303
      return
    }
    if (isPost && !(await mayTry(needs, person.account))) return needs.deviceViews.tooOften(ctx)
    if (code !== '') prefilled.set(ctx.req, code)
    if (!isPost) ctx.querystring = ''
    return startingOver(ctx, next)
  }
}

/** Back from signing in: `/oidc/device/UID`. */
function onTheWay(ctx: Context, next: () => Promise<void>): Promise<void> {
  const isPage = ctx.method !== 'POST' && ctx.path.startsWith(`${devicePath}/`)
  return isPage ? startingOver(ctx, next) : next()
}

/** A browser that has lost the Provider's cookie begins again: the library cannot show it its own mistake. */
async function startingOver(ctx: Context, next: () => Promise<void>): Promise<void> {
  try {
    await next()
  } catch (error) {
    if (!(error instanceof TypeError && error.message.includes('previously persisted'))) throw error
    ctx.redirect(devicePath)
    ctx.status = 303
  }
}

async function mayTry(needs: DeviceNeeds, account: string): Promise<boolean> {
  try {
    await needs.countTry('device codes', account, tries)
    return true
  } catch (error) {
    if (isFault(error) && error.code === 'ERR_RATE') return false
    throw error
  }
}

/** Seconds between two questions of a device; it is told to wait five (RFC 8628 §3.5), and clocks differ. */
const pollSeconds = 4
const mostPolls = 10_000
const keptSeconds = 600

/** The codes of devices, with an end to those that ask without a pause, at whichever process. */
export function pacedDeviceCodes(codes: Adapter, { clock, isFirst }: Pick<DeviceNeeds, 'clock' | 'isFirst'>): Adapter {
  const asked = new Map<string, number>()
  const isTooSoon = async (id: string): Promise<boolean> => {
    const now = clock.now().getTime() / 1000
    const before = asked.get(id)
    if (asked.size > mostPolls) asked.clear()
    asked.set(id, now)
    // Who asks the same process again costs nobody else anything.
    if (before !== undefined && Math.abs(now - before) < pollSeconds) return true
    return !(await isFirst(id, pollSeconds))
  }
  return {
    ...codes,
    // Kept a while past its end: a device that comes late must hear that, and not that there never was one (§3.5).
    upsert: (id, payload, expiresIn) => codes.upsert(id, payload, (expiresIn ?? 0) + keptSeconds),
    async find(id) {
      const found = await codes.find(id)
      if (found && Provider.ctx?.path === '/oidc/token' && isWaiting(found) && (await isTooSoon(id)))
        throw new errors.SlowDown()
      return found
    },
  }
}

function isWaiting({ accountId, error }: AdapterPayload): boolean {
  return accountId === undefined && error === undefined
}

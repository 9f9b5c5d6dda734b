/**
 * Between oidc-provider's models and our token store. One protocol step is one transaction: the writes of a
 * request are collected in a unit and committed before the response leaves.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Json } from '@labgate/contract'
import type { Context, Next } from 'koa'
import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import type { Artifact, Unit } from '../storage/artifact-unit.ts'
import type { ArtifactStore } from '../storage/artifacts.ts'
import { isConsumeConflict } from '../storage/conflict.ts'
import { tokenModels } from './models.ts'
import { storedPayload, wholePayload } from './stored-payload.ts'

/** What a client lookup answers: registered metadata in snake case (RFC 7591 §2). */
export type FindClient = (clientId: string) => Promise<AdapterPayload | undefined>

export interface AdapterNeeds {
  readonly artifacts: ArtifactStore
  readonly findClient: FindClient
  readonly clock: Clock
  /** How long a rotated refresh token may still be used, for parallel kernels and lost answers. */
  readonly refreshGraceSeconds: number
}

/** The adapter of every model, and the middleware that commits what a request wrote. */
export function createAdapter(needs: AdapterNeeds) {
  const units = new WeakMap<object, Unit>()
  /** Steps past the library's app, which has a context of its own for each request. */
  const steps = new AsyncLocalStorage<object>()
  const current = (): object | undefined => Provider.ctx ?? steps.getStore()
  const currentUnit = (): Unit | undefined => {
    const step = current()
    if (!step) return undefined
    const known = units.get(step)
    if (known) return known
    const unit = needs.artifacts.unit()
    units.set(step, unit)
    return unit
  }
  /** Whether an interaction was made in this step, and is not one that it goes on with. */
  const isBegun = (uid: string): boolean => {
    const { oidc } = Provider.ctx ?? {}
    return oidc === undefined ? steps.getStore() !== undefined : oidc.entities.Interaction?.uid !== uid
  }
  const besides = new WeakMap<object, (() => Promise<void>)[]>()
  const commit = async (ctx: object): Promise<void> => {
    const unit = units.get(ctx)
    const works = besides.get(ctx) ?? []
    units.delete(ctx)
    besides.delete(ctx)
    await Promise.all([unit?.commit(), ...works.map((work) => work())])
  }
  return {
    /** Does a small write of another store when the request's own are committed, in one commit with them. */
    alongside(work: () => Promise<void>): void {
      const step = current()
      if (!step) throw new TypeError('there is no request to the Provider to write alongside of')
      besides.set(step, [...(besides.get(step) ?? []), work])
    },
    adapterFor: (model: string): Adapter =>
      model === 'Client' ? clientAdapter(needs.findClient) : artifactAdapter(model, needs, { currentUnit, isBegun }),
    /**
     * Does a protocol step past the library's app: what its models read and write meanwhile is one unit, committed before this
     * settles. Where the work answers `undefined`, or fails, nothing was written. Interactions that it writes are new ones.
     * @throws UnsettledStep when nobody knows whether it was committed
     * @throws ConsumeConflict when what it consumes was consumed elsewhere until the commit
     */
    async step<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
      const here = {}
      try {
        const done = await steps.run(here, work)
        if (done !== undefined) await commit(here).catch(unsettled)
        return done
      } finally {
        units.get(here)?.discard()
      }
    },
    /** Middleware of the Provider: nothing is answered before it is stored. */
    commitBeforeAnswer: async (ctx: Context, next: Next): Promise<void> => {
      try {
        await next()
      } finally {
        await commit(ctx).catch((error: unknown) => refuse(ctx, error))
      }
    },
  }
}

/** The answer where it is not known to be stored (RFC 6749 §5.2 has no word for it; §4.1.2.1 has). */
export const notStored = {
  error: 'server_error',
  error_description: 'what this request changes could not be stored; try again later',
}

/** What was to be committed may be committed, or not: done once more, it would look like a second use. */
export class UnsettledStep extends Error {}

function unsettled(cause: unknown): never {
  throw isConsumeConflict(cause) ? cause : new UnsettledStep('it is not known whether a step was committed', { cause })
}

/**
 * The answer already made must not leave: another process won the race for a code between our check and our commit, or what
 * was written could not be stored. Thrown on, a Fault would end in Koa's own handler, which cannot write on it and never answers.
 */
function refuse(ctx: Context, error: unknown): void {
  if (isConsumeConflict(error)) {
    ctx.status = 400
    ctx.body = { error: 'invalid_grant', error_description: 'grant request is invalid' }
    return
  }
  for (const name of ['Location', 'Set-Cookie']) ctx.remove(name)
  ctx.status = 500
  ctx.body = notStored
  ctx.app.emit('server_error', ctx, error)
}

function clientAdapter(findClient: FindClient): Adapter {
  const notHere = async (): Promise<never> => {
    throw new TypeError('clients are written through core/oidc/clients.ts, not through the Provider')
  }
  return {
    find: findClient,
    findByUid: notHere,
    findByUserCode: notHere,
    upsert: notHere,
    consume: notHere,
    destroy: notHere,
    revokeByGrantId: notHere,
  }
}

interface Now {
  currentUnit(): Unit | undefined
  isBegun(interaction: string): boolean
}

function artifactAdapter(model: string, needs: AdapterNeeds, { currentUnit, isBegun }: Now): Adapter {
  const { artifacts } = needs
  const reader = () => currentUnit() ?? artifacts
  const restore = (found: Awaited<ReturnType<ArtifactStore['find']>>, id?: string): AdapterPayload | undefined => {
    if (!found) return undefined
    const stored = found.payload as AdapterPayload
    const payload = id === undefined ? stored : wholePayload({ model, id }, stored)
    if (found.consumedAt === undefined || isWithinGrace(found.consumedAt)) return payload
    return { ...payload, consumed: found.consumedAt }
  }
  // Other processes' clocks may be a little ahead. One that was set back must not open again what was used up long ago.
  const isWithinGrace = (consumedAt: number) =>
    model === 'RefreshToken' && Math.abs(needs.clock.now().getTime() / 1000 - consumedAt) < needs.refreshGraceSeconds

  return {
    async upsert(id, payload, expiresIn) {
      const row = {
        model,
        id,
        payload: storedPayload({ model, id }, payload) as unknown as Json,
        expiresAt: expiresIn ? Math.floor(needs.clock.now().getTime() / 1000) + expiresIn : undefined,
        grantId: model === 'Grant' ? undefined : payload.grantId,
        uid: model === 'Session' ? payload.uid : undefined,
        userCode: payload.userCode,
        account: payload.accountId,
        client: payload.clientId,
      }
      const unit = currentUnit()
      if (model === onceModel) return putOnce(artifacts, row, unit)
      if (unit) unit.put(model === 'Interaction' && isBegun(id) ? { ...row, isNew: true } : row)
      else await artifacts.put(row)
    },
    find: async (id) => restore(await reader().find(model, id), id),
    findByUid: async (uid) => restore(await reader().findByUid(uid)),
    findByUserCode: async (code) => restore(await reader().findByUserCode(code)),
    async destroy(id) {
      const unit = currentUnit()
      if (unit) unit.delete(model, id)
      else await artifacts.delete(model, id)
    },
    async consume(id) {
      try {
        const unit = currentUnit()
        if (unit) await unit.consume(model, id)
        else await artifacts.consume(model, id)
      } catch (error) {
        if (!isConsumeConflict(error)) throw error
        const found = await reader().find(model, id)
        // A rotated token inside its grace is spent already: nothing to write.
        if (found?.consumedAt !== undefined && isWithinGrace(found.consumedAt)) return
        if (found !== undefined && model === 'RefreshToken' && needs.refreshGraceSeconds > 0) return
        await error.settled
        await revokeReplayed(artifacts, found?.grantId)
        throw new errors.InvalidGrant('grant request is invalid')
      }
    },
    async revokeByGrantId(grantId) {
      const unit = currentUnit()
      if (unit) unit.deleteByGrant(grantId, [model])
      else await artifacts.deleteByGrant(grantId, [model])
    },
  }
}

/** What stands for an assertion or a proof that was seen. The library asks for it first; two that come at once both hear no. */
const onceModel = 'ReplayDetection'

/** Written and consumed in one: of two at once, at two processes as well, the second is refused. */
async function putOnce(artifacts: ArtifactStore, row: Artifact, within: Unit | undefined): Promise<void> {
  const unit = within ?? artifacts.unit()
  try {
    unit.put(row)
    await unit.consume(row.model, row.id)
    if (within === undefined) await unit.commit()
  } catch (error) {
    if (!isConsumeConflict(error)) throw error
    throw new errors.InvalidRequest('an assertion or a proof counts once')
  } finally {
    if (within === undefined) unit.discard()
  }
}

/** A code that is redeemed twice is in two hands: all that came of it ends (RFC 6749 §4.1.2). */
async function revokeReplayed(artifacts: ArtifactStore, grantId: string | undefined): Promise<void> {
  if (grantId === undefined) return
  await artifacts.deleteByGrant(grantId, tokenModels)
  await artifacts.delete('Grant', grantId)
}

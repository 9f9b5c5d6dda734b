/**
 * One protocol step over a Redis and the database. What it uses up is used up in Redis first, at once and for good; then the
 * database's part is committed; then Redis gets what is new. A crash in between costs a sign-in, and never gives two of anything.
 * @module
 */
import type { Log } from '@labgate/contract'
import { type ArtifactEntry, artifactKey, referenceKey } from './artifact-rows.ts'
import {
  type Artifact,
  artifactEntry,
  type Claims,
  type FoundArtifact,
  found,
  live,
  type Unit,
} from './artifact-unit.ts'
import type { ArtifactStore } from './artifacts.ts'
import { ConsumeConflict } from './conflict.ts'
import { createOverlay } from './overlay.ts'
import { peek, type RedisRecords, RedisTrouble } from './redis-records.ts'

/**
 * What lives for minutes, and whose loss costs no more than to sign in again. What is asked for by every sign-in and mostly is
 * not there would be asked for twice, and stays in the database.
 */
export const shortLivedModels: ReadonlySet<string> = new Set([
  ...['Interaction', 'Attempt', 'Outcome', 'AuthorizationCode', 'PushedAuthorizationRequest', 'DeviceCode'],
])

/** Whether some of these models live for minutes; `undefined` stands for all there are. */
export function areShortLived(models: readonly string[] | undefined): boolean {
  return models?.some((model) => shortLivedModels.has(model)) ?? true
}

export interface ShortLivedUnitNeeds {
  readonly records: RedisRecords
  readonly durable: Pick<ArtifactStore, 'unit'>
  readonly claims: Claims
  /** Seconds since 1970. */
  readonly now: () => number
  readonly log: Log
  /** It does one thing only: what it uses up has no rest to wait for. */
  readonly isSingle?: boolean
}

/** Begins a unit. */
export function createShortLivedUnit(needs: ShortLivedUnitNeeds): Unit {
  return new LayeredStep(needs)
}

class LayeredStep implements Unit {
  readonly #needs: ShortLivedUnitNeeds
  readonly #durable: Unit
  readonly #overlay = createOverlay()
  /** Where each record was found: a record lies in one place only. */
  readonly #places = new Map<string, 'redis' | 'database'>()
  readonly #puts = new Map<string, Artifact>()
  /** Written here without a look at what is stored: whether it was used before is asked when somebody wants to know. */
  readonly #unseen = new Set<string>()
  readonly #deleted = new Map<string, { readonly model: string; readonly id: string }>()
  readonly #grants: { readonly grant: string; readonly models: readonly string[] | undefined }[] = []
  readonly #used = new Map<string, ArtifactEntry>()
  /** A step sees a record as it was when it first looked; whether it may be used up is asked anew. */
  readonly #looked = new Map<string, Promise<ArtifactEntry | undefined>>()
  readonly #end = Promise.withResolvers<void>()
  #state: 'open' | 'committing' | 'over' = 'open'

  constructor(needs: ShortLivedUnitNeeds) {
    this.#needs = needs
    this.#durable = needs.durable.unit()
  }

  async find(model: string, id: string): Promise<FoundArtifact | undefined> {
    if (!shortLivedModels.has(model)) return this.#durable.find(model, id)
    const key = artifactKey(model, id)
    const entry = await this.#see(key)
    if (entry !== undefined || this.#overlay.has(key)) return found(entry, this.#needs.now())
    return this.#inDatabase(key, await this.#durable.find(model, id))
  }

  findByUid(uid: string): Promise<FoundArtifact | undefined> {
    return this.#durable.findByUid(uid)
  }

  async findByUserCode(userCode: string): Promise<FoundArtifact | undefined> {
    const code = referenceKey('userCode', userCode)
    const { records, log, now } = this.#needs
    const stored = await peek(() => records.getByUserCode(code), log)
    if (stored) this.#places.set(stored.key, 'redis')
    const entry = this.#overlay.seeBy('userCode', code, () => stored)
    return stored || entry ? found(entry, now()) : this.#durable.findByUserCode(userCode)
  }

  put(artifact: Artifact): void {
    this.#ensureOpen()
    const fresh = artifactEntry(artifact)
    if (this.#isDurable(artifact.model, fresh.key)) {
      this.#durable.put(artifact)
      return
    }
    if (!this.#overlay.has(fresh.key)) this.#unseen.add(fresh.key)
    const before = this.#overlay.see(fresh.key, () => undefined)
    this.#overlay.put({ ...fresh, consumedAt: before?.consumedAt })
    this.#puts.set(fresh.key, artifact)
    this.#deleted.delete(fresh.key)
  }

  async consume(model: string, id: string): Promise<void> {
    this.#ensureOpen()
    const { claims } = this.#needs
    const key = artifactKey(model, id)
    if (this.#isDurable(model, key)) return this.#durable.consume(model, id)
    const other = claims.get(key)
    if (this.#used.has(key)) throw new ConsumeConflict(model)
    if (other !== undefined) throw new ConsumeConflict(model, other)
    claims.set(key, this.#end.promise)
    try {
      const entry = await this.#use(key, model)
      if (entry === undefined) await this.#durable.consume(model, id)
      else this.#keepUsed(key, entry)
    } finally {
      if (!this.#used.has(key)) claims.delete(key)
    }
  }

  delete(model: string, id: string): void {
    this.#ensureOpen()
    const key = artifactKey(model, id)
    if (this.#isDurable(model, key)) {
      this.#durable.delete(model, id)
      return
    }
    this.#overlay.delete(key)
    this.#unseen.delete(key)
    this.#puts.delete(key)
    this.#deleted.set(key, { model, id })
  }

  deleteByGrant(grantId: string, models?: readonly string[]): void {
    this.#ensureOpen()
    this.#durable.deleteByGrant(grantId, models)
    if (!areShortLived(models)) return
    const grant = referenceKey('grant', grantId)
    this.#overlay.deleteByGrant(grant, models)
    for (const key of this.#puts.keys())
      if (this.#overlay.see(key, () => undefined) === undefined) this.#puts.delete(key)
    this.#grants.push({ grant, models })
  }

  async commit(): Promise<void> {
    this.#ensureOpen()
    this.#state = 'committing'
    try {
      const late = [...this.#used.values()].find((entry) => live(entry, this.#needs.now()) === undefined)
      if (late !== undefined) throw new ConsumeConflict(late.model)
      if (!this.#needs.records.isThere()) this.#withoutRedis()
      await this.#durable.commit()
      await this.#toRedis()
      this.#finish()
    } catch (error) {
      // Nothing was stored of a step that was refused; of one that failed nobody knows, so what it used stays used.
      await this.#giveUp(error instanceof ConsumeConflict ? 'free' : 'used')
      throw error
    }
  }

  discard(): void {
    if (this.#state === 'open') void this.#giveUp('free')
  }

  async #see(key: string): Promise<ArtifactEntry | undefined> {
    const isOwn = this.#overlay.has(key)
    const own = isOwn ? this.#overlay.see(key, () => undefined) : undefined
    if (isOwn && !this.#unseen.has(key)) return own
    const stored = await this.#look(key)
    return own ? { ...own, consumedAt: stored?.consumedAt } : this.#overlay.see(key, () => stored)
  }

  #look(key: string): Promise<ArtifactEntry | undefined> {
    const before = this.#looked.get(key)
    if (before) return before
    const { records, log } = this.#needs
    const look = peek(() => records.get(key), log).then((stored) => {
      if (stored) this.#places.set(key, 'redis')
      return stored
    })
    this.#looked.set(key, look)
    return look
  }

  #isDurable(model: string, key: string): boolean {
    return !shortLivedModels.has(model) || this.#places.get(key) === 'database'
  }

  #inDatabase(key: string, entry: FoundArtifact | undefined): FoundArtifact | undefined {
    if (entry) this.#places.set(key, 'database')
    return entry
  }

  /** `undefined`: Redis has none, so the database may. */
  async #use(key: string, model: string): Promise<ArtifactEntry | undefined> {
    const { records, now, isSingle = false } = this.#needs
    const isKnown = this.#places.get(key) === 'redis' || this.#puts.has(key)
    if (!isKnown && !records.isThere()) return undefined
    const own = this.#puts.get(key)
    if (own !== undefined) await records.put(artifactEntry(own))
    const use = await records.use(key, { isFinal: isSingle })
    if (use.kind === 'refused') throw new ConsumeConflict(model, records.settled(key))
    if (use.kind === 'used' && live(use.entry, now()) !== undefined) return use.entry
    if (use.kind === 'gone' && !isKnown) return undefined
    throw new ConsumeConflict(model)
  }

  #keepUsed(key: string, entry: ArtifactEntry): void {
    this.#puts.delete(key)
    this.#unseen.delete(key)
    this.#places.set(key, 'redis')
    this.#used.set(key, entry)
    this.#overlay.put(entry)
  }

  /** What is new goes to the database; what lies in Redis cannot be changed now. */
  #withoutRedis(): void {
    const inRedis = [...this.#puts.keys(), ...this.#deleted.keys()].some((key) => this.#places.get(key) === 'redis')
    if (inRedis) throw new RedisTrouble('not-done', 'it is away, and has the record that is to be changed')
    for (const artifact of this.#puts.values()) this.#durable.put(artifact)
    for (const { model, id } of this.#deleted.values()) this.#durable.delete(model, id)
    this.#puts.clear()
    this.#deleted.clear()
    if (this.#grants.length > 0) this.#needs.log.warn({}, 'codes of a grant that ended could not be deleted from Redis')
    this.#grants.length = 0
  }

  async #toRedis(): Promise<void> {
    const { records, log, isSingle = false } = this.#needs
    const refused: Artifact[] = []
    const put = async ([key, artifact]: readonly [string, Artifact]) => {
      await records.put(artifactEntry(artifact)).catch((error: unknown) => {
        const mayMove = error instanceof RedisTrouble && error.outcome === 'not-done' && !this.#places.has(key)
        if (!mayMove) throw error
        log.warn({ err: error }, 'Redis takes no more; the database keeps what is new')
        refused.push(artifact)
      })
    }
    const missing: { readonly model: string; readonly id: string }[] = []
    await Promise.all([
      ...[...this.#puts].map(put),
      ...[...this.#deleted].map(async ([key, place]) => {
        if (!(await records.delete(key)) && !this.#places.has(key)) missing.push(place)
      }),
      ...this.#grants.map(({ grant, models }) => records.deleteByGrant(grant, models)),
      // Not worth an error: others then wait a while before they end what came of it.
      ...(isSingle ? [] : [...this.#used.keys()].map((key) => peek(() => records.finish(key), log))),
    ])
    if (refused.length + missing.length > 0) await this.#moved(refused, missing)
  }

  async #moved(puts: readonly Artifact[], deleted: readonly { readonly model: string; readonly id: string }[]) {
    const unit = this.#needs.durable.unit()
    for (const artifact of puts) unit.put(artifact)
    for (const { model, id } of deleted) unit.delete(model, id)
    await unit.commit()
  }

  #ensureOpen(): void {
    if (this.#state !== 'open') throw new TypeError('the unit was committed or discarded; begin another one')
  }

  async #giveUp(what: 'free' | 'used'): Promise<void> {
    const { records, log } = this.#needs
    const freed = what === 'free' ? [...this.#used.keys()].map((key) => peek(() => records.free(key), log)) : []
    this.#state = 'over'
    this.#durable.discard()
    // Whoever asks next on this connection is answered after this.
    for (const key of this.#used.keys()) this.#needs.claims.delete(key)
    await Promise.all(freed)
    this.#end.resolve()
  }

  #finish(): void {
    this.#state = 'over'
    for (const key of this.#used.keys()) this.#needs.claims.delete(key)
    this.#end.resolve()
  }
}

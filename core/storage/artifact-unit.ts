/**
 * One protocol step on the token store: writes are collected, seen by the unit's own reads, and applied together in
 * one transaction, in order.
 * @module
 */
import type { Json } from '@labgate/contract'
import {
  type AccountStanding,
  type ArtifactEntry,
  type ArtifactRows,
  artifactKey,
  type GrantRow,
  type Ground,
  referenceKey,
  type SealedEntry,
} from './artifact-rows.ts'
import { ConsumeConflict } from './conflict.ts'
import type { Interactions } from './interactions.ts'
import { createOverlay } from './overlay.ts'
import type { Writer } from './writer.ts'

/** What is stored of one artifact. `expiresAt` is in seconds since 1970; without it, it never ends by itself. */
export interface Artifact {
  readonly model: string
  readonly id: string
  readonly payload: Json
  readonly expiresAt?: number | undefined
  readonly grantId?: string | undefined
  /** The session's own id (model `Session`). */
  readonly uid?: string | undefined
  readonly userCode?: string | undefined
  readonly account?: string | undefined
  readonly client?: string | undefined
  /** Its id was made just now, so that nothing can be stored under it: nobody looks. */
  readonly isNew?: boolean
}

/** An artifact that was found and is not expired. `consumedAt` is in seconds since 1970. */
export interface FoundArtifact {
  readonly payload: Json
  readonly consumedAt?: number
  /** The payload's own `grantId`. */
  readonly grantId?: string
}

/** A token that was found, with what it stands on, as far as that was read. */
export interface FoundToken extends FoundArtifact {
  /** Its living grant; absent: it has none, or whoever wants to know must ask for it. */
  readonly grant?: GrantRow | undefined
  /** Its account; absent: whoever wants to know must ask for it. */
  readonly account?: AccountStanding | undefined
}

/** Reading. What is expired is not found, whatever the cleaner did. */
export interface ArtifactReads {
  find(model: string, id: string): Promise<FoundArtifact | undefined>
  /** A `Session` by its uid. */
  findByUid(uid: string): Promise<FoundArtifact | undefined>
  /** A `DeviceCode` by its user code. */
  findByUserCode(userCode: string): Promise<FoundArtifact | undefined>
}

/** One protocol step. End it with `commit` or `discard`; until then what it consumes is claimed. */
export interface Unit extends ArtifactReads {
  /** Inserts or rewrites; what was consumed stays consumed. */
  put(artifact: Artifact): void
  /** @throws ConsumeConflict at once when it was consumed before or another unit in flight has claimed it */
  consume(model: string, id: string): void | Promise<void>
  delete(model: string, id: string): void
  /** Deletes what belongs to a grant, of `models` only when they are given. */
  deleteByGrant(grantId: string, models?: readonly string[]): void
  /**
   * Applies all in one transaction; settles when it is durable.
   * @throws ConsumeConflict when something to consume was gone, expired or consumed: then nothing was written
   */
  commit(): Promise<void>
  /** Gives up: writes nothing and frees what was claimed. After `commit` it does nothing. */
  discard(): void
}

/** What is being consumed, process-wide for one store, and when the unit that does so will be done. */
export type Claims = Map<string, Promise<void>>

export interface UnitNeeds {
  readonly rows: ArtifactRows
  readonly interactions: Interactions
  readonly writer: Writer
  readonly claims: Claims
  /** Seconds since 1970. */
  readonly now: () => number
}

/** Records of sign-ins in progress live in memory first: the Provider's, and our attempts with what came of them. */
export const memoryModels: ReadonlySet<string> = new Set(['Interaction', 'Attempt', 'Outcome'])

/** Begins a unit. */
export function createUnit(needs: UnitNeeds): Unit {
  return new ProtocolStep(needs)
}

interface MemoryChange {
  readonly key: string
  /** `undefined`: it goes. */
  readonly entry: ArtifactEntry | undefined
  /** The model, when the change is that it was consumed. */
  readonly consumed?: string
  /** Nobody had it before. */
  readonly isNew?: boolean
}

class ProtocolStep implements Unit {
  readonly #needs: UnitNeeds
  readonly #overlay = createOverlay()
  /** In their order; rows to be written that follow each other are one statement. */
  readonly #durable: ((() => void) | SealedEntry[])[] = []
  readonly #inMemory: MemoryChange[] = []
  readonly #claimed = new Set<string>()
  /** Written here, and nobody asked yet whether what is stored was consumed: mostly it is new, and nobody will. */
  readonly #unasked = new Set<string>()
  readonly #end = Promise.withResolvers<void>()
  #state: 'open' | 'committing' | 'over' = 'open'

  constructor(needs: UnitNeeds) {
    this.#needs = needs
  }

  async find(model: string, id: string): Promise<FoundArtifact | undefined> {
    return found(this.#read(artifactKey(model, id), model), this.#needs.now())
  }

  async findByUid(uid: string): Promise<FoundArtifact | undefined> {
    const key = referenceKey('uid', uid)
    return found(
      this.#overlay.seeBy('uid', key, () => this.#needs.rows.getByUid(key)),
      this.#needs.now(),
    )
  }

  async findByUserCode(userCode: string): Promise<FoundArtifact | undefined> {
    const key = referenceKey('userCode', userCode)
    const entry = this.#overlay.seeBy('userCode', key, () => this.#needs.rows.getByUserCode(key))
    return found(this.#asked(entry), this.#needs.now())
  }

  put(artifact: Artifact): void {
    this.#ensureOpen()
    const { rows } = this.#needs
    const fresh = artifactEntry(artifact)
    if (memoryModels.has(fresh.model)) {
      const before = artifact.isNew === true ? undefined : this.#read(fresh.key, fresh.model)
      const entry = { ...fresh, consumedAt: before?.consumedAt }
      this.#overlay.put(entry)
      this.#inMemory.push({ key: entry.key, entry, isNew: before === undefined })
      return
    }
    const known = this.#overlay.has(fresh.key)
    const entry = known ? { ...fresh, consumedAt: this.#read(fresh.key, fresh.model)?.consumedAt } : fresh
    if (!known) this.#unasked.add(fresh.key)
    this.#overlay.put(entry)
    const sealed = rows.seal(entry)
    const last = this.#durable.at(-1)
    if (Array.isArray(last)) last.push(sealed)
    else this.#durable.push([sealed])
  }

  consume(model: string, id: string): void {
    this.#ensureOpen()
    const { rows, now } = this.#needs
    const key = artifactKey(model, id)
    const entry = { ...this.#claim(key, model), consumedAt: now() }
    this.#overlay.put(entry)
    if (memoryModels.has(model)) {
      this.#inMemory.push({ key, entry, consumed: model })
      return
    }
    this.#durable.push(() => {
      if (!rows.consume(key, now())) {
        throw new ConsumeConflict(model)
      }
    })
  }

  delete(model: string, id: string): void {
    this.#ensureOpen()
    const key = artifactKey(model, id)
    this.#overlay.delete(key)
    if (memoryModels.has(model)) {
      this.#inMemory.push({ key, entry: undefined })
      return
    }
    this.#durable.push(() => this.#needs.rows.delete(key))
  }

  deleteByGrant(grantId: string, models?: readonly string[]): void {
    this.#ensureOpen()
    const grant = referenceKey('grant', grantId)
    this.#overlay.deleteByGrant(grant, models)
    this.#durable.push(() => this.#needs.rows.deleteByGrant(grant, models))
  }

  async commit(): Promise<void> {
    this.#ensureOpen()
    this.#state = 'committing'
    try {
      if (this.#reachesDatabase()) {
        // The memory of this table is told by its rows.
        await this.#needs.writer.run(() => this.#apply(), { quiet: true })
      } else {
        this.#apply()
      }
    } finally {
      this.#finish()
    }
  }

  discard(): void {
    if (this.#state === 'open') {
      this.#finish()
    }
  }

  #read(key: string, model: string): ArtifactEntry | undefined {
    const { rows, interactions } = this.#needs
    const stored = () => (memoryModels.has(model) ? interactions.get(key) : rows.get(key))
    return this.#asked(this.#overlay.see(key, stored))
  }

  #asked(entry: ArtifactEntry | undefined): ArtifactEntry | undefined {
    if (entry === undefined || !this.#unasked.delete(entry.key)) return entry
    const consumedAt = this.#overlay.below(this.#needs.rows.get(entry.key))?.consumedAt
    const asked = { ...entry, consumedAt }
    this.#overlay.put(asked)
    return asked
  }

  #claim(key: string, model: string): ArtifactEntry {
    const { claims, now } = this.#needs
    const other = claims.get(key)
    if (other !== undefined && !this.#claimed.has(key)) {
      throw new ConsumeConflict(model, other)
    }
    const entry = live(this.#read(key, model), now())
    if (entry === undefined || entry.consumedAt !== undefined) {
      throw new ConsumeConflict(model)
    }
    claims.set(key, this.#end.promise)
    this.#claimed.add(key)
    return entry
  }

  #reachesDatabase(): boolean {
    return this.#durable.length > 0 || this.#inMemory.some((change) => this.#mustBeMarked(change))
  }

  /** What the database may hold must go or be marked as consumed there too; what no crash can bring back need not. */
  #mustBeMarked({ key, entry, consumed }: MemoryChange): boolean {
    return (entry === undefined || consumed !== undefined) && this.#needs.interactions.mayBeStored(key)
  }

  // May run a second time when another unit of the batch threw; memory changes last, so that a unit that fails changes none.
  #apply(): void {
    for (const step of this.#durable) {
      if (Array.isArray(step)) this.#needs.rows.put(step)
      else step()
    }
    // Asked here and not before: the write-behind may have stored it since.
    for (const change of this.#inMemory.filter((each) => this.#mustBeMarked(each))) {
      this.#mark(change)
    }
    for (const { key, entry, isNew = false } of this.#inMemory) {
      if (entry === undefined) {
        this.#needs.interactions.forget(key)
      } else {
        this.#needs.interactions.keep(entry, { isNew })
      }
    }
  }

  #mark({ key, consumed }: MemoryChange): void {
    const { rows, now } = this.#needs
    if (consumed === undefined) {
      rows.delete(key)
    } else if (!rows.consume(key, now())) {
      throw new ConsumeConflict(consumed)
    }
  }

  #ensureOpen(): void {
    if (this.#state !== 'open') {
      throw new TypeError('the unit was committed or discarded; begin another one')
    }
  }

  #finish(): void {
    this.#state = 'over'
    for (const key of this.#claimed) {
      this.#needs.claims.delete(key)
    }
    this.#end.resolve()
  }
}

/** The entry as a reader gets it; expired entries are not found. */
export function found(entry: ArtifactEntry | undefined, now: number): FoundArtifact | undefined {
  const alive = live(entry, now)
  if (alive === undefined) {
    return undefined
  }
  const payload = JSON.parse(alive.text) as Json
  const grantId = (payload as { readonly grantId?: unknown } | null)?.grantId
  return {
    payload,
    ...(alive.consumedAt === undefined ? {} : { consumedAt: alive.consumedAt }),
    ...(typeof grantId === 'string' ? { grantId } : {}),
  }
}

/** The entry unless it is expired at `now` (seconds since 1970). */
export function live<T extends Pick<ArtifactEntry, 'expiresAt'>>(entry: T | undefined, now: number): T | undefined {
  return entry?.expiresAt !== undefined && entry.expiresAt <= now ? undefined : entry
}

/** What has to be asked of a token of a grant and an account: the ground that it stands on. */
export function groundAsked(
  token: FoundArtifact | undefined,
  entry: ArtifactEntry | undefined,
): { readonly grant: string; readonly account: string } | undefined {
  const account = entry?.account
  if (token?.grantId === undefined || account === undefined) return undefined
  return { grant: artifactKey('Grant', token.grantId), account }
}

/** A token upon its ground, at `now` (seconds since 1970). */
export function standing(token: FoundArtifact, ground: Ground, now: number): FoundToken {
  return { ...token, grant: live(ground.grant, now), account: ground.account }
}

/** An artifact as an entry, not consumed. */
export function artifactEntry(artifact: Artifact): ArtifactEntry {
  const { model, id, payload, grantId, uid, userCode } = artifact
  return {
    key: artifactKey(model, id),
    model,
    text: JSON.stringify(payload),
    grant: grantId === undefined ? undefined : referenceKey('grant', grantId),
    uid: uid === undefined ? undefined : referenceKey('uid', uid),
    userCode: userCode === undefined ? undefined : referenceKey('userCode', userCode),
    account: artifact.account,
    client: artifact.client,
    expiresAt: artifact.expiresAt,
    consumedAt: undefined,
  }
}

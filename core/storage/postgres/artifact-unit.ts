/**
 * One protocol step on PostgreSQL. What it consumes is consumed in a transaction of its own from then on, so that of two
 * processes the second waits for the first; a step that consumes nothing shares a transaction with others.
 * @module
 */
import { isFault } from '@labgate/contract'
import type pg from 'pg'
import { type ArtifactEntry, artifactKey, referenceKey, type SealedEntry } from '../artifact-rows.ts'
import {
  type Artifact,
  artifactEntry,
  type Claims,
  type FoundArtifact,
  found,
  live,
  type Unit,
} from '../artifact-unit.ts'
import { ConsumeConflict } from '../conflict.ts'
import { createOverlay } from '../overlay.ts'
import type { KeyRing } from '../sealing.ts'
import type { Pause } from '../writer.ts'
import { type ArtifactTable, artifactTable, sealedEntry } from './artifact-rows.ts'
import { postgresFault, toldAway } from './client.ts'
import { type PostgresWriter, transactionOn } from './writer.ts'

export interface PostgresUnitNeeds {
  /** Reads what is committed. */
  readonly table: ArtifactTable
  /** Each of its writes is committed by itself. */
  readonly writing: ArtifactTable
  /** Connections for steps that consume. */
  readonly pool: pg.Pool
  readonly writer: Pick<PostgresWriter, 'run'>
  readonly ring: KeyRing
  readonly claims: Claims
  readonly pause: Pause
  /** Hears of every transaction that was committed besides those of the writer. */
  readonly committed: () => void
  /** Hears what was, or may have been, written: keys of rows that are found by nothing else, or nothing when it was more. */
  readonly wrote: (keys: ReadonlySet<string> | undefined) => void
  /** Seconds since 1970. */
  readonly now: () => number
}

/** Begins a unit. */
export function createPostgresUnit(needs: PostgresUnitNeeds): Unit {
  return new ProtocolStep(needs)
}

type Step = (table: ArtifactTable) => Promise<unknown>

/** What is written, in its order, in as few statements as can be: mostly one. */
class Steps {
  readonly #before: Step[] = []
  #puts = new Map<string, SealedEntry>()
  #gone = new Set<string>()

  put(entry: SealedEntry): void {
    // What goes and comes again is another one, that nobody has used yet.
    if (this.#gone.has(entry.key)) this.#next()
    this.#puts.set(entry.key, entry)
  }

  delete(key: string): void {
    this.#puts.delete(key)
    this.#gone.add(key)
  }

  deleteByGrant(grant: string, models: readonly string[] | undefined): void {
    this.#next()
    this.#before.push((table) => table.deleteByGrant(grant, models))
  }

  /** What is written after all else. */
  last(): SealedEntry | undefined {
    return [...this.#puts.values()].at(-1)
  }

  /** Those there are; from here on there are none. */
  take(): Step[] {
    this.#next()
    return this.#before.splice(0)
  }

  #next(): void {
    const [puts, gone] = [[...this.#puts.values()], [...this.#gone]]
    if (puts.length + gone.length > 0) this.#before.push((table) => table.change({ puts, gone }))
    this.#puts = new Map()
    this.#gone = new Set()
  }
}

class ProtocolStep implements Unit {
  readonly #needs: PostgresUnitNeeds
  readonly #overlay = createOverlay()
  /** Written here without a look at what is stored: whether it was consumed before is asked when somebody wants to know. */
  readonly #unseen = new Set<string>()
  readonly #claimed = new Set<string>()
  readonly #consumed = new Map<string, ArtifactEntry>()
  readonly #end = Promise.withResolvers<void>()
  readonly #steps = new Steps()
  #open: Promise<pg.PoolClient> | undefined
  #hasBegun = false
  #touched: Set<string> | undefined = new Set()
  #state: 'open' | 'committing' | 'over' = 'open'

  constructor(needs: PostgresUnitNeeds) {
    this.#needs = needs
  }

  async find(model: string, id: string): Promise<FoundArtifact | undefined> {
    return found(await this.#read(artifactKey(model, id)), this.#needs.now())
  }

  async findByUid(uid: string): Promise<FoundArtifact | undefined> {
    const key = referenceKey('uid', uid)
    return this.#foundBy('uid', key, await this.#needs.table.getByUid(key))
  }

  async findByUserCode(userCode: string): Promise<FoundArtifact | undefined> {
    const key = referenceKey('userCode', userCode)
    return this.#foundBy('userCode', key, await this.#needs.table.getByUserCode(key))
  }

  put(artifact: Artifact): void {
    this.#ensureOpen()
    const fresh = artifactEntry(artifact)
    const known = this.#overlay.see(fresh.key, () => undefined)
    if (known === undefined) this.#unseen.add(fresh.key)
    this.#overlay.put({ ...fresh, consumedAt: known?.consumedAt })
    this.#steps.put(sealedEntry(fresh, this.#needs.ring))
    // It may be another one's name from now on, or no more that of what had it.
    if (fresh.uid !== undefined || fresh.userCode !== undefined) this.#touched = undefined
    this.#touched?.add(fresh.key)
  }

  async consume(model: string, id: string): Promise<void> {
    this.#ensureOpen()
    const { claims, now } = this.#needs
    const key = artifactKey(model, id)
    const other = claims.get(key)
    if (other !== undefined && !this.#claimed.has(key)) throw new ConsumeConflict(model, other)
    const below = live(
      this.#overlay.see(key, () => undefined),
      now(),
    )
    if (this.#claimed.has(key) || below?.consumedAt !== undefined) throw new ConsumeConflict(model)
    claims.set(key, this.#end.promise)
    this.#claimed.add(key)
    const consumed = await this.#use(key)
    if (consumed === undefined) {
      claims.delete(key)
      this.#claimed.delete(key)
      throw new ConsumeConflict(model)
    }
    this.#unseen.delete(key)
    this.#touched?.add(key)
    this.#consumed.set(key, consumed)
    this.#overlay.put(consumed)
  }

  delete(model: string, id: string): void {
    this.#ensureOpen()
    const key = artifactKey(model, id)
    this.#unseen.delete(key)
    this.#overlay.delete(key)
    this.#steps.delete(key)
    this.#touched = undefined
  }

  deleteByGrant(grantId: string, models?: readonly string[]): void {
    this.#ensureOpen()
    const grant = referenceKey('grant', grantId)
    this.#overlay.deleteByGrant(grant, models)
    this.#steps.deleteByGrant(grant, models)
    this.#touched = undefined
  }

  async commit(): Promise<void> {
    this.#ensureOpen()
    this.#state = 'committing'
    try {
      if (this.#open !== undefined) await this.#commitOwn(await this.#open)
      else await this.#commitSteps()
    } finally {
      this.#needs.wrote(this.#touched)
      this.#finish()
    }
  }

  discard(): void {
    if (this.#state === 'open') this.#finish()
  }

  async #read(key: string): Promise<ArtifactEntry | undefined> {
    let isStored = false
    const own = this.#overlay.see(key, () => {
      isStored = true
      return undefined
    })
    if (!isStored && !this.#unseen.has(key)) return own
    const stored = await this.#needs.table.get(key)
    if (isStored) return this.#overlay.see(key, () => stored)
    return own && { ...own, consumedAt: stored?.consumedAt }
  }

  #foundBy(field: 'uid' | 'userCode', value: string, stored: ArtifactEntry | undefined): FoundArtifact | undefined {
    const entry = this.#overlay.seeBy(field, value, () => stored)
    // A row keeps the mark of its use when it is written anew.
    const isSame = entry !== undefined && entry.key === stored?.key
    return found(isSame ? { ...entry, consumedAt: entry.consumedAt ?? stored.consumedAt } : entry, this.#needs.now())
  }

  /** `undefined`: somebody else was first. Everything so far goes before: it may have been put by this very unit. */
  async #use(key: string): Promise<ArtifactEntry | undefined> {
    const { pool, now, ring } = this.#needs
    this.#open ??= pool.connect().catch(toldAway)
    try {
      const client = await this.#open
      const table = artifactTable(transactionOn(client), ring)
      const steps = this.#steps.take()
      const isAlone = !this.#hasBegun && steps.length === 0
      const begin = this.#hasBegun ? [] : [client.query('BEGIN')]
      this.#hasBegun = true
      const before = [...begin, ...steps.map((step) => step(table))]
      if (!isAlone) before.push(client.query('SAVEPOINT consuming'))
      const consuming = table.consume(key, now())
      await all([...before, consuming])
      const consumed = await consuming
      // It still holds the row that it waited for; let go of, so that what came of it can be revoked at once.
      if (consumed === undefined) await (isAlone ? this.#rollBack() : client.query('ROLLBACK TO SAVEPOINT consuming'))
      return consumed
    } catch (error) {
      this.#finish()
      throw postgresFault(error, 'writing')
    }
  }

  async #commitOwn(client: pg.PoolClient): Promise<void> {
    const { now, ring, committed, pause } = this.#needs
    const late = [...this.#consumed.values()].find((entry) => live(entry, now()) === undefined)
    if (late !== undefined) throw new ConsumeConflict(late.model)
    const table = artifactTable(transactionOn(client), ring)
    const proof = this.#steps.last()
    let lost: Error | undefined
    pause('before-commit')
    try {
      // After a step that failed it is a ROLLBACK.
      await all([...this.#steps.take().map((step) => step(table)), client.query('COMMIT')])
    } catch (error) {
      const fault = postgresFault(error, 'writing')
      if (!(await this.#isDone(fault, proof))) throw fault
      lost = error as Error
    }
    this.#open = undefined
    client.release(lost)
    committed()
    pause('after-commit')
  }

  /** A connection that was lost may have brought the COMMIT there and not its answer: what it wrote tells. */
  async #isDone(fault: unknown, proof: SealedEntry | undefined): Promise<boolean> {
    const isLost = isFault(fault) && fault.retryAfterSeconds !== undefined
    return isLost && proof !== undefined && this.#needs.table.wrote(proof).catch(() => false)
  }

  async #commitSteps(): Promise<void> {
    const { writing, writer, ring } = this.#needs
    const steps = this.#steps.take()
    const [first] = steps
    if (first === undefined) return
    if (steps.length === 1) await first(writing)
    else
      await writer.run(async (tx) => {
        for (const step of steps) await step(artifactTable(tx, ring))
      })
  }

  #ensureOpen(): void {
    if (this.#state !== 'open') throw new TypeError('the unit was committed or discarded; begin another one')
  }

  #finish(): void {
    this.#state = 'over'
    for (const key of this.#claimed) this.#needs.claims.delete(key)
    this.#claimed.clear()
    // Those who were refused wait for this: what is rolled back must be so by then.
    const end = () => this.#end.resolve()
    if (this.#open === undefined) end()
    else void this.#rollBack().then(end, end)
  }

  async #rollBack(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    this.#hasBegun = false
    const client = await open
    try {
      await client?.query('ROLLBACK')
      client?.release()
    } catch (error) {
      client?.release(error as Error)
    }
  }
}

/** Waits until none of them is under way any more. @throws the first error */
async function all(asked: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(asked)).find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

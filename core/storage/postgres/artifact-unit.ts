/**
 * One protocol step on PostgreSQL. What it consumes is consumed in a transaction of its own from then on, so that of two
 * processes the second waits for the first; a step that consumes nothing shares a transaction with others.
 * @module
 */
import type pg from 'pg'
import { type ArtifactEntry, artifactKey, referenceKey } from '../artifact-rows.ts'
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
import { type ArtifactTable, artifactTable, sealedEntry } from './artifact-rows.ts'
import { postgresFault, toldAway } from './client.ts'
import { type PostgresWriter, transactionOn } from './writer.ts'

export interface PostgresUnitNeeds {
  /** Reads what is committed. */
  readonly table: ArtifactTable
  /** Connections for steps that consume. */
  readonly pool: pg.Pool
  readonly writer: PostgresWriter
  readonly ring: KeyRing
  readonly claims: Claims
  /** Hears of every transaction that was committed besides those of the writer. */
  readonly committed: () => void
  /** Seconds since 1970. */
  readonly now: () => number
}

/** Begins a unit. */
export function createPostgresUnit(needs: PostgresUnitNeeds): Unit {
  return new ProtocolStep(needs)
}

type Operation = (table: ArtifactTable) => Promise<unknown>

class ProtocolStep implements Unit {
  readonly #needs: PostgresUnitNeeds
  readonly #overlay = createOverlay()
  /** Written here without a look at what is stored: whether it was consumed before is asked when somebody wants to know. */
  readonly #unseen = new Set<string>()
  readonly #claimed = new Set<string>()
  readonly #consumed = new Map<string, ArtifactEntry>()
  readonly #end = Promise.withResolvers<void>()
  #operations: Operation[] = []
  #open: Promise<pg.PoolClient> | undefined
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
    const sealed = sealedEntry(fresh, this.#needs.ring)
    this.#operations.push((table) => table.put(sealed))
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
    const consumed = await this.#inTransaction((table, client) => consumeIn(table, client, { key, now: now() }))
    if (consumed === undefined) {
      claims.delete(key)
      this.#claimed.delete(key)
      throw new ConsumeConflict(model)
    }
    this.#unseen.delete(key)
    this.#consumed.set(key, consumed)
    this.#overlay.put(consumed)
  }

  delete(model: string, id: string): void {
    this.#ensureOpen()
    const key = artifactKey(model, id)
    this.#unseen.delete(key)
    this.#overlay.delete(key)
    this.#operations.push((table) => table.delete(key))
  }

  deleteByGrant(grantId: string, models?: readonly string[]): void {
    this.#ensureOpen()
    const grant = referenceKey('grant', grantId)
    this.#overlay.deleteByGrant(grant, models)
    this.#operations.push((table) => table.deleteByGrant(grant, models))
  }

  async commit(): Promise<void> {
    this.#ensureOpen()
    this.#state = 'committing'
    try {
      if (this.#open !== undefined) await this.#commitOwn(await this.#open)
      else if (this.#operations.length > 0) await this.#commitShared()
    } finally {
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

  /** Everything so far goes before: what is consumed may have been put by this very unit. */
  async #inTransaction<T>(work: (table: ArtifactTable, client: pg.PoolClient) => Promise<T>): Promise<T> {
    this.#open ??= this.#begin()
    const client = await this.#open
    try {
      const table = artifactTable(transactionOn(client), this.#needs.ring)
      for (const operation of this.#operations.splice(0)) await operation(table)
      return await work(table, client)
    } catch (error) {
      this.#finish()
      throw postgresFault(error, 'writing')
    }
  }

  async #begin(): Promise<pg.PoolClient> {
    const client = await this.#needs.pool.connect().catch(toldAway)
    await client.query('BEGIN').catch(toldAway)
    return client
  }

  async #commitOwn(client: pg.PoolClient): Promise<void> {
    const { now, committed } = this.#needs
    const late = [...this.#consumed.values()].find((entry) => live(entry, now()) === undefined)
    if (late !== undefined) throw new ConsumeConflict(late.model)
    await this.#inTransaction(async () => {
      await client.query('COMMIT')
    })
    this.#open = undefined
    client.release()
    committed()
  }

  #commitShared(): Promise<void> {
    const operations = this.#operations
    return this.#needs.writer.run(async (tx) => {
      const table = artifactTable(tx, this.#needs.ring)
      for (const operation of operations) await operation(table)
    })
  }

  #ensureOpen(): void {
    if (this.#state !== 'open') throw new TypeError('the unit was committed or discarded; begin another one')
  }

  #finish(): void {
    this.#state = 'over'
    const open = this.#open
    this.#open = undefined
    for (const key of this.#claimed) this.#needs.claims.delete(key)
    this.#claimed.clear()
    // Those who were refused wait for this: what is rolled back must be so by then.
    const end = () => this.#end.resolve()
    if (open === undefined) end()
    else void open.then(rollback).then(end, end)
  }
}

/** One that comes too late still holds the row it waited for; let go of, so that what came of it can be revoked at once. */
async function consumeIn(
  table: ArtifactTable,
  client: pg.PoolClient,
  { key, now }: { readonly key: string; readonly now: number },
): Promise<ArtifactEntry | undefined> {
  await client.query('SAVEPOINT consuming')
  const consumed = await table.consume(key, now)
  if (consumed === undefined) await client.query('ROLLBACK TO SAVEPOINT consuming')
  return consumed
}

async function rollback(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK')
    client.release()
  } catch (error) {
    client.release(error as Error)
  }
}

/**
 * Rows of one table kept in memory, so that what one flow reads again and again is read once. A row that was written is kept
 * from its COMMIT on; a commit of any other connection forgets everything. Whoever writes to the table tells of it here.
 * @module
 */
import { createMemo } from './memo.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** What is kept of a table. */
export interface RowMemory<T> {
  /** Called when a step begins: what others have committed until then is seen by it. */
  refresh(): void
  /** `undefined`: the database knows. */
  peek(key: string): T | undefined
  /** The row by its other name, the last one that had it. */
  peekBy(name: string): T | undefined
  /** Keeps what was just read. */
  read(row: T | undefined): T | undefined
  /** Keeps what was just written, inside a transaction, from its COMMIT on. */
  wrote(row: T): void
  /** The row was changed or deleted: the database knows. */
  changed(key: string): void
  forgetAll(): void
}

export interface RowMemoryNeeds<T> {
  readonly database: SqliteDatabase
  readonly writer: Pick<Writer, 'commits' | 'rollbacks'>
  /** See `createOthers`. */
  readonly others: () => number
  /** Most rows kept. */
  readonly size: number
  keyOf(row: T): string
  nameOf(row: T): string | undefined
}

interface Slot<T> {
  /** `undefined`: it was changed or deleted. */
  readonly row: T | undefined
  /** Where the writer stood when it was written, inside a transaction; `undefined`: committed. */
  written: { readonly commits: number; readonly rollbacks: number } | undefined
}

/** Makes the memory of one table. */
export function createRowMemory<T>({ database, writer, others, size, keyOf, nameOf }: RowMemoryNeeds<T>): RowMemory<T> {
  const gone: Slot<T> = Object.freeze({ row: undefined, written: undefined })
  let version = others()
  let slots = createMemo<Slot<T>>(size)
  let names = createMemo<string>(size)

  const forgetAll = () => {
    slots = createMemo(size)
    names = createMemo(size)
  }
  const isSure = (slot: Slot<T>): boolean => {
    const { row, written } = slot
    if (row === undefined) return false
    if (written === undefined) return true
    if (written.rollbacks !== writer.rollbacks() || written.commits === writer.commits()) return false
    slot.written = undefined
    return true
  }
  const keep = (row: T, written: Slot<T>['written']) => {
    const key = keyOf(row)
    slots.keep(key, { row, written })
    const name = nameOf(row)
    if (name !== undefined) names.keep(name, key)
  }
  const peek = (key: string): T | undefined => slots.peek(key, isSure)?.row

  return {
    peek,
    forgetAll,
    refresh() {
      const now = others()
      if (now !== version) forgetAll()
      version = now
    },
    peekBy(name) {
      const key = names.peek(name, () => true)
      const row = key === undefined ? undefined : peek(key)
      return row !== undefined && nameOf(row) === name ? row : undefined
    },
    read(row) {
      // What is read within a transaction may never be committed.
      if (row !== undefined && !database.inTransaction) keep(row, undefined)
      return row
    },
    wrote: (row) => keep(row, { commits: writer.commits(), rollbacks: writer.rollbacks() }),
    changed(key) {
      if (slots.peek(key, () => true) !== undefined) slots.keep(key, gone)
    },
  }
}

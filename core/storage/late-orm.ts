/** MikroORM, loaded when somebody first needs it: a third of a start and 30 MB that serving tokens never asks for. @module */
import type { EntityManager, MikroORM } from '@mikro-orm/sqlite'

/** MikroORM on one database. */
export interface LateOrm {
  /** Loads and opens it the first time. */
  get(): Promise<MikroORM>
  /** Closes it, if it was ever opened. */
  close(): Promise<void>
}

/** Makes the place of one that `open` opens. */
export function openLate(open: () => Promise<MikroORM>): LateOrm {
  let opening: Promise<MikroORM> | undefined
  return {
    get() {
      // What has failed is tried again.
      opening ??= open().catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    },
    async close() {
      await (await opening)?.close(true)
    },
  }
}

const names = ['find', 'findOne', 'findOneOrFail', 'count', 'execute'] as const

/** The reads of an entity manager. */
export type Reads = Pick<EntityManager, (typeof names)[number]>

/** Reads through an entity manager of their own, which is made when the first of them is asked. */
export function lateReads(orm: LateOrm): Reads {
  let made: Promise<EntityManager> | undefined
  const ask = async (name: keyof Reads, values: unknown[]): Promise<unknown> => {
    made ??= orm.get().then(({ em }) => em.fork())
    const em = await made
    return Reflect.apply(em[name], em, values)
  }
  const reads = names.map((name) => [name, (...values: unknown[]) => ask(name, values)])
  // Each hands on what it is given: its type is that of the method.
  return Object.fromEntries(reads) as Reads
}

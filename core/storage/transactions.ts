/** Writing through the ORM: one transaction at a time, joined by those within it. @module */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { EntityManager } from '@mikro-orm/sqlite'
import { spanned } from '../observe/spans.ts'
import { type LateOrm, lateReads } from './late-orm.ts'
import type { Storage } from './shape.ts'
import type { Pause, Writer } from './writer.ts'

export interface OrmNeeds {
  readonly orm: LateOrm
  readonly writer: Pick<Writer, 'exclusive' | 'inside'>
  readonly pause: Pause
  /** The first statement of every transaction: it takes the place of the one that writes. */
  readonly first: string
}

/** Changes and reads through the ORM. */
export function ormAccess({
  orm,
  writer,
  pause,
  first,
}: OrmNeeds): Pick<Storage, 'em' | 'transaction' | 'afterCommit'> {
  const current = new AsyncLocalStorage<{ readonly em: EntityManager; readonly later: (() => void)[] }>()
  const span = spanned()
  const joined = () => (writer.inside() ? current.getStore() : undefined)

  const transact = async <T>(base: EntityManager, work: (em: EntityManager) => Promise<T>) => {
    const later: (() => void)[] = []
    const outcome = await base.fork().transactional(async (em) => {
      await em.execute(first)
      const done = await current.run({ em, later }, () => work(em))
      await em.flush()
      pause('before-orm-commit')
      return done
    })
    pause('after-orm-commit')
    for (const one of later) one()
    return outcome
  }

  return {
    em: () => joined()?.em ?? lateReads(orm),
    transaction: (work) => {
      const outer = joined()
      if (outer !== undefined) return work(outer.em)
      // What waits for its place in the line is part of it.
      return span({ name: 'storage transaction' }, async () => {
        // Nobody waits in the line while it is loaded.
        const { em } = await orm.get()
        return writer.exclusive(() => transact(em, work))
      })
    },
    afterCommit: (work) => {
      const outer = joined()
      if (outer === undefined) work()
      else outer.later.push(work)
    },
  }
}

/** Closing that is done once, however often it is asked for. */
export function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => {
    closing ??= close()
    return closing
  }
}

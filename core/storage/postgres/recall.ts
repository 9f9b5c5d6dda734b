/**
 * What one request has read is not read by it again: whatever it answers by was so after it came. It ends with the request's own
 * writes, and after a moment, for what goes on for long must hear of changes.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Queries, Query } from '../query.ts'

/** The reads of one table, or of several that are written together. */
export interface Recalled {
  /** What the current request was answered when it asked the same before, or what is answered now. */
  read<T>(question: string, ask: () => Promise<T>): Promise<T>
  /** The current request has written what answers these questions; all of them, unless they are named. */
  forget(questions?: Iterable<string>): void
}

/** The memory of requests. */
export interface Recall {
  /** Runs what answers one request. */
  during<T>(work: () => T): T
  part(): Recalled
  /** Runs work that reads everything anew. */
  without<T>(work: () => T): T
  /** The current request forgets everything. */
  forget(): void
}

interface Answers {
  /** Since when they are gathered. They end together: whoever goes on for long holds no more than is read in a moment. */
  begun: number
  readonly given: Map<string, Promise<unknown>>
}

/** Milliseconds. */
const longest = 100

/** Makes it; outside of `during` nothing is remembered. */
export function createRecall(now: () => number = () => performance.now()): Recall {
  const requests = new AsyncLocalStorage<Map<object, Answers> | undefined>()
  const answersOf = (part: object): Answers | undefined => {
    const request = requests.getStore()
    if (request === undefined) return undefined
    const known = request.get(part)
    if (known !== undefined) return known
    const answers: Answers = { begun: now(), given: new Map() }
    request.set(part, answers)
    return answers
  }
  return {
    during: (work) => requests.run(new Map(), work),
    without: (work) => requests.run(undefined, work),
    forget: () => requests.getStore()?.clear(),
    part() {
      const part = {}
      return {
        forget(questions) {
          if (questions === undefined) requests.getStore()?.delete(part)
          else for (const question of questions) requests.getStore()?.get(part)?.given.delete(question)
        },
        read<T>(question: string, ask: () => Promise<T>): Promise<T> {
          const answers = answersOf(part)
          if (answers === undefined) return ask()
          const at = now()
          if (at - answers.begun >= longest) {
            answers.given.clear()
            answers.begun = at
          }
          const known = answers.given.get(question)
          // Under one question stands what it was answered.
          if (known !== undefined) return known as Promise<T>
          const given = ask()
          answers.given.set(question, given)
          given.catch(() => answers.given.delete(question))
          return given
        },
      }
    },
  }
}

/** Statements whose answers are remembered. */
export function recalledQueries(queries: Queries, { read }: Recalled): Queries {
  const over = <P extends readonly unknown[], R>(sql: string, query: Query<P, R>): Query<P, R> => {
    const all = async (...values: P) => [...(await read(questionOf(sql, values), () => query.all(...values)))]
    return { all, get: async (...values) => (await all(...values))[0] }
  }
  return { rows: (sql) => over(sql, queries.rows(sql)), values: (sql) => over(sql, queries.values(sql)) }
}

function questionOf(sql: string, values: readonly unknown[]): string {
  return JSON.stringify([sql, ...values])
}

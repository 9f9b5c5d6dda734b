/** What keeps an instance from loading: who, what, how to mend. @module */
import { isFault } from '@labgate/contract'
import { type ConfigProblem, type Locate, problemAt } from '../config/problems.ts'

/** One thing that is wrong with one instance. */
export interface PluginProblem extends ConfigProblem {
  /** What was thrown, where something was. */
  readonly cause?: unknown
}

/** What came of a step: a value, or all that is wrong. */
export type Outcome<T> = { readonly value: T } | { readonly problems: readonly PluginProblem[] }

/** The instance that a step works on, for the messages. */
export interface Subject {
  readonly id: string
  readonly use: string
  readonly locate?: Locate | undefined
}

/** Messages as an outcome that has no value. */
export function refuse(subject: Subject, messages: readonly string[], cause?: unknown) {
  const path = ['plugins', subject.id]
  const problems = messages.map((message): PluginProblem => {
    const located = problemAt({ path, locate: subject.locate, part: 'key' }, `${subject.use}: ${message}`)
    return cause === undefined ? located : { ...located, cause }
  })
  return { problems }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (isFault(error)) return `${error.code} ${error.message}`
  return error instanceof Error ? error.message : String(error)
}

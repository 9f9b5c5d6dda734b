/** The steps of a plan, by kinds of rows. @module */
import type {
  FoundAcceptance,
  FoundDataset,
  FoundGrant,
  FoundGroup,
  FoundMember,
  FoundPerson,
  FoundProgram,
  FoundRoot,
  FoundTerms,
  Key,
} from './model.ts'

/** Kinds of rows with what they are, in the order in which they are made. */
export interface Rows {
  readonly person: FoundPerson
  readonly program: FoundProgram
  readonly group: FoundGroup
  readonly dataset: FoundDataset
  readonly terms: FoundTerms
  readonly member: FoundMember
  readonly manager: FoundMember
  readonly root: FoundRoot
  readonly acceptance: FoundAcceptance
  readonly grant: FoundGrant
}

export type Kind = keyof Rows

/** The order in which rows are made. */
export const kinds = [
  ...(['person', 'program', 'group', 'dataset', 'terms'] as const),
  ...(['member', 'manager', 'root', 'acceptance', 'grant'] as const),
] satisfies readonly Kind[]

/** One step. `adopt`: it is here already, and is only remembered. */
export interface Step<R> {
  readonly do: 'add' | 'adopt' | 'change'
  readonly key: Key
  readonly row: R
  /** Id of what it is here; absent while it is to be made, and only the database will name it. */
  readonly target: string | undefined
  readonly digest: string
  /** The digest of the last import. */
  readonly before: string | undefined
  readonly label: string
  /** The number that an account is to have. */
  readonly number?: number | undefined
}

/** All steps, by kind. */
export type Steps = { readonly [K in Kind]: readonly Step<Rows[K]>[] }

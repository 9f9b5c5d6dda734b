/** What somebody may look at in the console: the same answer for a list, a search and an address that was typed. @module */
import { Fault } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'

/** Datasets whose facts and grants somebody sees; `undefined`: all. */
export function seenDatasets({ admin, steering, datasets }: Rights): readonly string[] | undefined {
  return admin || steering ? undefined : datasets
}

/** Datasets that somebody keeps: their facts, terms and requests; `undefined`: all. */
export function keptDatasets({ admin, datasets }: Rights): readonly string[] | undefined {
  return admin ? undefined : datasets
}

/** Whether a list of datasets, where `undefined` means all, has one. */
export function isAmong(datasets: readonly string[] | undefined, slug: string): boolean {
  return datasets?.includes(slug) ?? true
}

/** The answer for what is not there and for what is not theirs: nobody learns which. @throws Fault ERR_NOT_FOUND always */
export function gone(ctx: Ctx, desk: Desk): never {
  throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'console.gone'))
}

/** What somebody may look at in the console: the same answer for a list, a search and an address that was typed. @module */
import { Fault } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'

/** The number of a row in an address; `undefined`: no row has such a one. */
export function rowNumber(text: string | undefined): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text ?? '') ? Number(text) : undefined
}

/** Whether there are datasets for them. */
export function seesDatasets({ admin, steering, datasets }: Rights): boolean {
  return admin || steering || datasets.length > 0
}

/** Whether there are datasets that they keep. */
export function keepsDatasets({ admin, datasets }: Rights): boolean {
  return admin || datasets.length > 0
}

/** Whether there are grants for them: a team lead has those of the team. */
export function seesGrants(rights: Rights): boolean {
  return seesDatasets(rights) || (rights.managed.length > 0 && rights.groups.length > 0)
}

/** Datasets whose facts somebody sees; `undefined`: all. The steering committee names the admins of any. */
export function seenDatasets({ admin, steering, datasets }: Rights): readonly string[] | undefined {
  return admin || steering ? undefined : datasets
}

/** Datasets that somebody keeps: their facts, terms, requests and answers; `undefined`: all. */
export function keptDatasets({ admin, datasets }: Rights): readonly string[] | undefined {
  return admin ? undefined : datasets
}

/** Datasets on which somebody may give something; `undefined`: all. */
export function givenDatasets({ admin, steering, datasets, managed, groups }: Rights): readonly string[] | undefined {
  if (admin || steering) return undefined
  return groups.length > 0 ? [...new Set([...datasets, ...managed])] : datasets
}

/** Whether a list of datasets, where `undefined` means all, has one. */
export function isAmong(datasets: readonly string[] | undefined, slug: string): boolean {
  return datasets?.includes(slug) ?? true
}

/** The answer for what is not there and for what is not theirs: nobody learns which. @throws Fault ERR_NOT_FOUND always */
export function gone(ctx: Ctx, desk: Pick<Desk, 'text'>): never {
  throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'console.gone'))
}

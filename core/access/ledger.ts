/** The ledger: datasets, grants, terms of use and requests; how they are listed and changed. Answers are made in `access.ts`. @module */
import type { AccountId, Clock, Level, Random } from '@labgate/contract'
import type { Actor, PageAsk, Paged } from '../accounts/actor.ts'
import type { Change } from '../accounts/changes.ts'
import type { Storage } from '../storage/storage.ts'
import type {
  Acceptance,
  AccessRequest,
  Dataset,
  DatasetPatch,
  Grant,
  Invitation,
  NewGrant,
  Subject,
  Terms,
  TermsText,
} from './model.ts'

export interface Datasets {
  /** By slug, title or alias. `slugs`: only these. */
  list(
    ask: PageAsk & {
      readonly slugs?: readonly string[] | undefined
      readonly visibility?: Dataset['visibility'] | undefined
    },
  ): Promise<Paged<Dataset>>
  /** By slug or alias. */
  find(name: string): Promise<Dataset | undefined>
  /** @throws Fault ERR_INPUT, ERR_CONFLICT (slug, alias or table taken), ERR_FORBIDDEN */
  create(actor: Actor, dataset: DatasetPatch & { readonly slug: string; readonly title: string }): Promise<Dataset>
  /** @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when the config keeps it */
  change(actor: Actor, slug: string, patch: DatasetPatch): Promise<Dataset>
  /** Removes it with its grants, terms and requests. */
  remove(actor: Actor, slug: string): Promise<void>
  roots(
    ask: PageAsk & { readonly dataset: string },
  ): Promise<Paged<{ namespace: string; name: string; root: string; addedBy: string; createdAt: Date }>>
  /** Ids are unsigned 64-bit integers in decimal digits. Returns how many were new. */
  addRoots(actor: Actor, table: { namespace: string; name: string }, roots: readonly string[]): Promise<number>
  removeRoots(actor: Actor, table: { namespace: string; name: string }, roots: readonly string[]): Promise<number>
}

export interface Grants {
  /** Newest first. `search`: part of the subject, the dataset or the reason. */
  list(
    ask: PageAsk & {
      readonly dataset?: string | undefined
      readonly datasets?: readonly string[] | undefined
      readonly subject?: Subject | undefined
      readonly state?: 'current' | 'ended' | 'all'
    },
  ): Promise<Paged<Grant>>
  find(id: number): Promise<Grant | undefined>
  /** The same grant made twice is one. @throws Fault ERR_INPUT, ERR_NOT_FOUND (dataset, version, group, account, terms), ERR_FORBIDDEN */
  add(actor: Actor, grant: NewGrant): Promise<Grant>
  /** @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when the config keeps it */
  end(actor: Actor, id: number): Promise<Grant>
}

export interface TermsBook {
  list(
    ask: PageAsk & { readonly dataset?: string | undefined; readonly datasets?: readonly string[] | undefined },
  ): Promise<Paged<Terms>>
  find(id: string): Promise<Terms | undefined>
  texts(id: string): Promise<readonly TermsText[]>
  add(
    actor: Actor,
    terms: Pick<Terms, 'id' | 'title'> & { readonly markdown: string } & Partial<
        Pick<Terms, 'dataset' | 'version' | 'services'>
      >,
  ): Promise<Terms>
  change(actor: Actor, id: string, patch: { title?: string; services?: readonly string[] }): Promise<Terms>
  /** A new text. `again`: everybody must accept it; else acceptances of the former go on counting. */
  publish(actor: Actor, id: string, text: { markdown: string; again: 'accept' | 'keep' }): Promise<Terms>
  /** From then on nobody needs them. */
  retire(actor: Actor, id: string): Promise<Terms>
  acceptances(ask: PageAsk & { readonly terms: string }): Promise<Paged<Acceptance>>
  acceptedBy(account: AccountId): Promise<readonly Acceptance[]>
  /**
   * Accepts the newest text. `digest` is that of the text that was shown.
   * @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when another text was published in the meantime
   */
  accept(actor: Actor & { kind: 'account' }, accepted: { terms: string; digest: string }): Promise<void>
  invitations(terms: string): Promise<readonly Invitation[]>
  /** `token` goes into the link `/terms/invited/TOKEN` and is kept nowhere. */
  invite(
    actor: Actor,
    invitation: { terms: string; level?: Level | undefined; endsAt?: Date | undefined; seats?: number | undefined },
  ): Promise<{ readonly token: string; readonly invitation: Invitation }>
  endInvitation(actor: Actor, id: string): Promise<void>
  /** The living invitation of a link. */
  invitation(token: string): Promise<Invitation | undefined>
  /** Why a link leads nowhere; `undefined` while it does. `gone`: nobody knows it. */
  whyOver(token: string): Promise<'gone' | 'ended' | 'expired' | 'full' | 'retired' | undefined>
  /** Accepts the terms and gives what the invitation promised, in one step. @throws as `accept`; ERR_NOT_FOUND when it is over or full */
  acceptInvited(actor: Actor & { kind: 'account' }, accepted: { token: string; digest: string }): Promise<Terms>
}

export interface Requests {
  list(
    ask: PageAsk & {
      readonly state?: AccessRequest['state'] | undefined
      readonly datasets?: readonly string[] | undefined
      readonly account?: AccountId | undefined
    },
  ): Promise<Paged<AccessRequest>>
  find(id: number): Promise<AccessRequest | undefined>
  /** One open request a person, dataset and version: asking again changes its words. Tells the dataset's admins by mail. */
  ask(
    actor: Actor & { kind: 'account' },
    request: { dataset: string; version?: string | undefined; level: Level; why: string },
  ): Promise<AccessRequest>
  /** Grants (with `until`, if given) or refuses, and tells the person. */
  decide(
    actor: Actor,
    id: number,
    answer: { grant: 'yes' | 'no'; level?: Level | undefined; until?: Date | undefined; note?: string | undefined },
  ): Promise<AccessRequest>
  withdraw(actor: Actor & { kind: 'account' }, id: number): Promise<void>
}

/** The whole ledger. */
export interface Ledger {
  readonly datasets: Datasets
  readonly grants: Grants
  readonly terms: TermsBook
  readonly requests: Requests
}

export interface LedgerNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly change: Change
  /** Tells people of requests; never throws. */
  readonly tell: {
    requested(request: AccessRequest): Promise<void>
    decided(request: AccessRequest): Promise<void>
  }
}

/** Makes the ledger on a storage. */
export function createLedger(_needs: LedgerNeeds): Ledger {
  throw new TypeError('not built yet')
}

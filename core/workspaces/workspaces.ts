/** The workspaces of a Labgate: what people and admins may do with them. Life itself is the supervisor's. @module */
import type { AccountId, Capabilities, Endpoint, Limits } from '@labgate/contract'
import type { Actor, PageAsk, Paged } from '../accounts/actor.ts'
import type { Full, Standing } from './admission.ts'
import type {
  LaunchOption,
  LeaseLine,
  Leases,
  Profile,
  Quota,
  QuotaLine,
  QuotaScope,
  Revealed,
  UsageLine,
  Workspace,
  WorkspaceAsk,
  WorkspaceEvent,
  WorkspaceState,
} from './model.ts'

/** Which workspaces are wanted. */
export interface WorkspaceQuery extends PageAsk {
  readonly account?: AccountId | undefined
  readonly runner?: string | undefined
  readonly profile?: string | undefined
  readonly states?: readonly WorkspaceState[] | undefined
}

/** How the proxy gets to a workspace, and what it adds there. */
export interface Way {
  readonly workspace: Workspace
  readonly profile: Profile
  readonly endpoint: Endpoint
  /** With a slash at both ends. */
  readonly basePath: string
  /** Headers that the app wants from whoever may enter: its token. Never shown, never logged. */
  readonly headers: Readonly<Record<string, string>>
  /** Another one after each start and each move: a connection of an older one leads nowhere, or to somebody else. */
  readonly life: string
}

/** Everything that can be done with workspaces. Owners and site admins act; whoever else asks gets ERR_NOT_FOUND. */
export interface Workspaces {
  /** What an account may start; the reasons why not are not told. */
  options(account: AccountId): Promise<readonly LaunchOption[]>
  profile(name: string): Profile | undefined
  /**
   * Takes its share of the quota and begins. At once there or refused: nothing waits in a line.
   * @throws Fault ERR_INPUT (no such size or image), ERR_FORBIDDEN (not theirs to start), ERR_CONFLICT (quota, saying
   * whose), ERR_RATE (too many starts under way)
   */
  request(actor: Actor, ask: WorkspaceAsk): Promise<Workspace>
  find(id: string): Promise<Workspace | undefined>
  list(query: WorkspaceQuery): Promise<Paged<Workspace>>
  /** Those somebody else let them into, and that run. */
  sharedWith(account: AccountId): Promise<readonly Workspace[]>
  /** In any phase; settles when the wish is kept, not when it is done. Ended ones stay so. */
  stop(actor: Actor, id: string, options?: { readonly why?: string }): Promise<Workspace>
  /** A new container in the place of one that has ended, or after a stop. */
  restart(actor: Actor, id: string): Promise<Workspace>
  /** @throws Fault ERR_CONFLICT when the lease is at its limit or it does not run */
  extend(actor: Actor, id: string): Promise<Workspace>
  /**
   * What an app past the proxy asks for: to its owner, once in each life of it; a restart makes another one.
   * @throws Fault ERR_FORBIDDEN (not its owner), ERR_CONFLICT (shown before, or there is no such way)
   */
  reveal(actor: Actor, id: string): Promise<Revealed>
  /** Admins, for what will not end by itself: removes what is outside, come what may, and ends the record. */
  forceRemove(actor: Actor, id: string, why: string): Promise<Workspace>
  /** The record of an ended workspace. */
  forget(actor: Actor, id: string): Promise<void>
  /** Lets somebody in, or out. @throws Fault ERR_CONFLICT where workspaces share an origin */
  invite(actor: Actor, id: string, guest: AccountId): Promise<void>
  uninvite(actor: Actor, id: string, guest: AccountId): Promise<void>
  /** Those with a number above `after`, the oldest first; at most 1,000. */
  events(id: string, after?: number): Promise<readonly WorkspaceEvent[]>
  /** Calls back at each new event of a workspace until it is given up. */
  watch(id: string, onEvent: (event: WorkspaceEvent) => void): Promise<() => void>
  /** Lines of the app. @throws Fault ERR_CONFLICT where the runner keeps none */
  logs(id: string, options: { tail: number; follow: boolean; signal: AbortSignal }): AsyncIterable<string>
  /** The person's storage as a tar archive. @throws Fault ERR_CONFLICT where the runner gives none; ERR_RATE while another one goes to them */
  archive(
    actor: Actor,
    ask: { readonly account: AccountId; readonly profile: string },
  ): Promise<AsyncIterable<Uint8Array>>
  /** Whether somebody may enter: the owner or a guest, who may act, of one that runs. */
  way(id: string, visitor: AccountId): Promise<Way | undefined>
  /** Traffic of the proxy is activity. Cheap: kept in memory and written now and then. */
  touch(id: string): void
  quotas(): Promise<readonly QuotaLine[]>
  /** The quotas that concern an account (its own, those of its groups, the site's), with what is taken of each. */
  standing(account: AccountId): Promise<readonly Standing[]>
  /** Which of them has no room for one more of a size. */
  fullFor(standing: readonly Standing[], limits: Limits): Full | undefined
  /** `undefined` takes back what was set in the console. */
  setQuota(actor: Actor, scope: QuotaScope, quota: Quota | undefined): Promise<void>
  /** How long workspaces run where their profile does not say. */
  leases(): Promise<LeaseLine>
  /** `undefined` takes back what was set in the console. What runs keeps what it has. @throws Fault ERR_INPUT */
  setLeases(actor: Actor, leases: Leases | undefined): Promise<void>
  usage(ask: {
    readonly from: Date
    readonly until: Date
    readonly by: 'account' | 'group'
  }): Promise<readonly UsageLine[]>
  /** What a runner can limit and show; `undefined` when it is not there. */
  capabilities(runner: string): Capabilities | undefined
  /** Every runner that is there and its machines: `docker`, `cluster`, `cluster/node3`. */
  places(): readonly string[]
  /** Runners and machines that take nothing new: `docker`, `cluster/node3`. */
  drained(): Promise<readonly string[]>
  drain(actor: Actor, place: string, state: 'on' | 'off'): Promise<void>
  /** A line on the page of every running workspace that fits, and a mail to each owner; says how many. */
  message(actor: Actor, query: Pick<WorkspaceQuery, 'runner' | 'profile' | 'account'>, text: string): Promise<number>
}

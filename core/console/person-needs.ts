/** What the console's pages about one account stand on, and how they find it. @module */
import type { Ledger } from '../access/ledger.ts'
import type { Rights } from '../access/stewards.ts'
import type { AccountRow } from '../accounts/accounts.ts'
import type { Directory, DirectoryEntry } from '../accounts/directory.ts'
import type { Groups } from '../accounts/groups.ts'
import type { Identities, IdentityRow } from '../accounts/identities.ts'
import type { Keeping } from '../accounts/keeping.ts'
import type { Life } from '../accounts/life.ts'
import type { ServiceAccounts } from '../accounts/service-accounts.ts'
import type { Standing } from '../accounts/standing.ts'
import type { ApiTokens } from '../accounts/tokens.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'
import { gone } from './scope.ts'

/** What the rooms stand on. */
export interface PersonNeeds {
  readonly desk: Desk
  readonly directory: Directory
  readonly standing: Standing
  readonly keeping: Keeping
  readonly identities: Pick<Identities, 'list' | 'facts'>
  readonly groups: Groups
  readonly tokens: Pick<ApiTokens, 'list'>
  readonly serviceAccounts: Pick<ServiceAccounts, 'list'>
  readonly ledger: Pick<Ledger, 'grants'>
  readonly life: Life
  /** Ends every token that sign-ins of the account led to. */
  revokeAccount(account: string): Promise<void>
  /** Ends the tokens that an instance holds upstream for an identity; never throws. */
  revokeUpstream(identity: IdentityRow): Promise<void>
}

/** Where all accounts are listed. */
export const peopleBase = '/console/people'

/** The page of one account: programs have a room of their own. */
export function accountHref({ id, kind }: Pick<AccountRow, 'id' | 'kind'>): string {
  return `${kind === 'service' ? '/console/service-accounts' : peopleBase}/${encodeURIComponent(id)}`
}

/** Only site admins look after accounts. */
export const byAdmin = ({ admin }: Rights): boolean => admin

/** The person of the address. @throws Fault ERR_NOT_FOUND */
export async function personOf(
  ctx: Ctx,
  { desk, directory }: Pick<PersonNeeds, 'desk' | 'directory'>,
): Promise<DirectoryEntry> {
  const found = await directory.find(ctx.params.id ?? '')
  return found?.kind === 'person' ? found : gone(ctx, desk)
}

/** How an account stands, in one word. */
export function stateOf({
  state,
  mergedInto,
  erasedAt,
}: DirectoryEntry): DirectoryEntry['state'] | 'merged' | 'erased' {
  if (erasedAt) return 'erased'
  return mergedInto === undefined ? state : 'merged'
}

/** What put somebody somewhere, or said something of them: a hand, the config, the person, or a way to sign in. */
export function sourceText(ctx: Ctx, desk: Pick<Desk, 'text' | 'methods' | 'locale'>, source: string): string {
  if (source === 'admin') return desk.text(ctx, 'console.groups.byHand')
  if (source === 'config') return desk.text(ctx, 'console.groups.byConfig')
  if (source === 'profile') return desk.text(ctx, 'console.people.selfSaid')
  return desk.methods.label(source, desk.locale(ctx))
}

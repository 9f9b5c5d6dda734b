/** Who sees which file system. @module */
import type { AccessFace, Principal } from '@labgate/contract'
import type { RemoteConfig } from './config.ts'

/** The file systems that somebody sees, in the order of the config. */
export async function seenBy(
  principal: Principal,
  remotes: readonly RemoteConfig[],
  access: Pick<AccessFace, 'decide'>,
): Promise<readonly RemoteConfig[]> {
  const seen = await Promise.all(remotes.map((remote) => isSeen(principal, remote, access)))
  return remotes.filter((_, index) => seen[index])
}

/** Whether one line of its `visibleTo` lets them in. */
export async function isSeen(
  { account }: Principal,
  { visibleTo }: RemoteConfig,
  access: Pick<AccessFace, 'decide'>,
): Promise<boolean> {
  if (!visibleTo) return false
  const { everyone, users, groups, dataset } = visibleTo
  if (everyone || users.includes(account.username) || groups.some((group) => account.groups.includes(group)))
    return true
  if (!dataset) return false
  const { allowed } = await access.decide({
    account: account.id,
    dataset: dataset.name,
    verb: dataset.verb,
    ...(dataset.version === undefined ? {} : { version: dataset.version }),
  })
  return allowed
}

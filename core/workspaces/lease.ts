/** How long a workspace may still: whose owner may act no longer, whose lease is over, who is not used, it ends. @module */
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { toStop } from './ending.ts'
import type { Room } from './room.ts'

/** What was just learned of a workspace. */
export interface Looked {
  readonly row: WorkspaceRow
  /** Owners who may not act. */
  readonly shut: ReadonlySet<string>
  /** When it was last used; `undefined` when nobody can say. */
  readonly lastUse: Date | undefined
}

/** Ends it, or tells its owner that it will end soon. Says whether it is to end. */
export async function lookAtLease(room: Room, looked: Looked): Promise<boolean> {
  const { row } = looked
  const reason = reasonToEnd(room, looked)
  if (reason !== undefined) {
    // It may have been extended, or used through another process, since it was read.
    const when = (now: WorkspaceRow) => isSame(row, now) && (reason !== 'lease' || now.leaseEndsAt <= room.clock.now())
    return toStop(room, row, { reason, when })
  }
  const now = room.clock.now().getTime()
  if (row.warnedAt || now < row.leaseEndsAt.getTime() - room.config.lease.warning * 1000) return false
  const isFirst = await room.records.update(
    row.id,
    { warnedAt: room.clock.now() },
    {
      events: [{ kind: 'warned' }],
      when: (fresh) => isSame(row, fresh) && !fresh.warnedAt && fresh.leaseEndsAt <= row.leaseEndsAt,
    },
  )
  // A mail that is slow holds up no look.
  if (isFirst) void room.tell({ to: row.account, about: 'lease', workspace: row })
  return false
}

function reasonToEnd({ clock, config }: Room, { row, shut, lastUse }: Looked): string | undefined {
  if (shut.has(row.account)) return 'account'
  const now = clock.now().getTime()
  if (row.leaseEndsAt.getTime() <= now) return 'lease'
  // Nobody knows whether one is used that cannot be asked.
  if (config.idle <= 0 || row.state === 'lost' || lastUse === undefined) return undefined
  return now - lastUse.getTime() >= config.idle * 1000 ? 'idle' : undefined
}

/** Whether it lives the same life still: what was seen of an earlier one counts for nothing. */
export function isSame(before: WorkspaceRow, now: WorkspaceRow): boolean {
  return !now.endedAt && now.wanted === before.wanted && now.readyAt?.getTime() === before.readyAt?.getTime()
}

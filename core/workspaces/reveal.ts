/** What an app past the proxy asks for, as its owner is shown it: once in each life. @module */
import { Fault } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { directOfRow } from './direct.ts'
import type { Revealed } from './model.ts'
import { type Room, secretsOf } from './room.ts'

/** The credential of a row, unless it was shown before. Write down that it was shown in the same transaction. @throws Fault ERR_CONFLICT */
export function credentialToShow(room: Pick<Room, 'profiles' | 'storage' | 'addressOf'>, row: WorkspaceRow): Revealed {
  const profile = room.profiles.get(row.profile)
  const way = directOfRow(room, row)
  if (profile?.credential === undefined || profile.direct === undefined)
    throw new Fault('ERR_CONFLICT', 'This app is reached through this site alone.')
  const credential = secretsOf(room, row)[profile.credential.file]
  if (way?.address === undefined || credential === undefined)
    throw new Fault('ERR_CONFLICT', 'Its own port does not answer at the moment.')
  if (way.shownAt)
    throw new Fault('ERR_CONFLICT', 'It has been shown already, and is not shown again. A restart makes a new one.')
  return { address: way.address, path: way.path, credential }
}

/** Rows that the config file keeps are changed there and nowhere else. @module */
import { Fault } from '@labgate/contract'
import { type Actor, sourceOf } from '../accounts/actor.ts'
import type { RowSource } from '../storage/ledger-entities.ts'

/** Refuses to change a row that the config file keeps, to everybody but the config itself. @throws Fault ERR_CONFLICT */
export function assertKeptBy(actor: Actor, { source, what }: { source: RowSource; what: string }): void {
  if (source === 'config' && sourceOf(actor) !== 'config') {
    throw new Fault('ERR_CONFLICT', `${what} is kept in the config file and can be changed only there.`)
  }
}

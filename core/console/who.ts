/** Who an id stands for on the console’s pages, and whom somebody means who types a name. @module */
import { Fault } from '@labgate/contract'
import type { AccountRow } from '../accounts/accounts.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'
import type { WhoView } from '../pages/views-console-people.ts'

/** Names for ids, and accounts for names. */
export interface Who {
  /** An account’s names; an id that is none (`config`, a command) stands for itself. */
  view(id: string): Promise<WhoView>
  /** The account of that username, proved e-mail address or id. @throws Fault ERR_INPUT when there is none */
  find(ctx: Ctx, typed: string): Promise<AccountRow>
}

/** Makes it on the desk’s accounts. */
export function createWho({ accounts, text }: Pick<Desk, 'accounts' | 'text'>): Who {
  return {
    async view(id) {
      const account = await accounts.find(id)
      return account ? whoOf(account) : { id }
    },
    async find(ctx, typed) {
      const name = typed.trim().slice(0, 320)
      const found =
        name === ''
          ? undefined
          : ((await accounts.findByUsername(name)) ??
            (name.includes('@') ? await accounts.findByVerifiedEmail(name) : undefined) ??
            (await accounts.find(name)))
      if (!found) throw new Fault('ERR_INPUT', text(ctx, 'console.who.unknown', { name: name.slice(0, 80) }))
      return found
    },
  }
}

/** An account that is at hand. */
export function whoOf({ id, displayName, username }: Pick<AccountRow, 'id' | 'displayName' | 'username'>): WhoView {
  return { id, name: displayName, username }
}

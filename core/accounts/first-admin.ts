/**
 * The first admin: a one-time code, printed at the first start, that a signed-in person types in. Never whoever comes first.
 * @module
 */
import { timingSafeEqual } from 'node:crypto'
import { type AccountId, Fault, type Random } from '@labgate/contract'
import { SettingEntity } from '../storage/entities.ts'
import { digest } from '../storage/sealing.ts'
import type { Storage } from '../storage/storage.ts'
import type { Accounts } from './accounts.ts'

const setting = 'first-admin-code'
/** Starts whose codes count side by side. */
const mostCodes = 8

/** The one-time code that makes the first admin. */
export interface FirstAdmin {
  /**
   * A new code to print, or `undefined` when there is an admin already. The one before it ends; where several processes
   * serve, each has printed one, and any of the last few counts.
   */
  issue(): Promise<string | undefined>
  isOpen(): Promise<boolean>
  /** @throws Fault ERR_FORBIDDEN for a wrong or spent code */
  claim(account: AccountId, code: string): Promise<void>
}

/** Makes the first admin’s door on a storage. */
export function createFirstAdmin(needs: { storage: Storage; accounts: Accounts; random: Random }): FirstAdmin {
  const { storage, accounts, random } = needs
  const { hasAdmin } = storage.startRows
  const hash = (code: string) => digest('first-admin', code.trim().toLowerCase())
  return {
    async issue() {
      if (await hasAdmin()) return undefined
      const code =
        random
          .token()
          .replaceAll(/[^a-z0-9]/g, '')
          .slice(0, 12) + random.digits(4)
      const own = hash(code).toString('hex')
      if (storage.isShared) await keepBeside(storage, own)
      else await storage.settings.set(setting, own)
      return code
    },
    async isOpen() {
      return (await storage.settings.get(setting)) !== undefined && !(await hasAdmin())
    },
    async claim(account, code) {
      const kept = await storage.settings.get(setting)
      const own = hash(code)
      const isRight = kept?.split(' ').some((one) => timingSafeEqual(Buffer.from(one, 'hex'), own)) === true
      if (!isRight || (await hasAdmin()))
        throw new Fault('ERR_FORBIDDEN', 'That code is not right, or somebody used it before.')
      // Deleted before the role is given: of two at once, one finds nothing.
      if (!(await storage.settings.delete(setting))) throw new Fault('ERR_FORBIDDEN', 'Somebody was faster.')
      await accounts.setRole(account, 'admin')
    },
  }
}

/** Puts a code before those that other processes have printed. */
async function keepBeside({ transaction }: Storage, own: string): Promise<void> {
  await transaction(async (em) => {
    const before = (await em.findOne(SettingEntity, { key: setting }))?.value.split(' ') ?? []
    await em.upsert(SettingEntity, { key: setting, value: [own, ...before.slice(0, mostCodes - 1)].join(' ') })
  })
}

/** Makes the ledger what the config of a site says. @module */
import { seed } from './access/seed.ts'
import type { Site } from './site.ts'

/** Plugins and the first request already find what the config says. */
export async function seedLedger({
  config,
  rooms: { get },
  locate,
}: Pick<Site, 'config' | 'rooms' | 'locate'>): Promise<void> {
  const done = await seed({
    ...{ config, locate, storage: get('storage'), clock: get('clock'), log: get('log'), change: get('change') },
    ...{ ledger: get('ledger'), groups: get('groups'), serviceAccounts: get('serviceAccounts') },
    members: get('configMembers'),
  })
  if (Object.keys(done).length > 0) get('log').info({ done }, 'the ledger was made what the config says')
  await get('profile').settleAll()
}

/** What work on whole accounts stands on, and where plugins hold people's data. @module */
import type { Clock, Lifecycle, Random } from '@labgate/contract'
import type { Storage } from '../storage/storage.ts'
import type { Accounts } from './accounts.ts'
import type { Change } from './changes.ts'
import type { Consents } from './consents.ts'
import type { Languages } from './languages.ts'
import type { Sessions } from './sessions.ts'

/** An instance as far as people's data are concerned. */
export interface DataHolder {
  readonly id: string
  /** `undefined`: it could not be loaded, so what it holds is out of reach. */
  readonly lifecycle: Pick<Lifecycle, 'erase' | 'export'> | undefined
}

/** Where every plugin is found that may hold people's data. */
export interface DataHolders {
  /** @throws TypeError where no plugins were loaded */
  all(): readonly DataHolder[]
  settle(holders: () => readonly DataHolder[]): void
}

/** What the parts of this room's work stand on. */
export interface LifeNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly change: Change
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly consents: Consents
  readonly languages: Languages
  readonly holders: Pick<DataHolders, 'all'>
}

/** Makes the list of holders; plugins are told of when they are loaded. */
export function createDataHolders(): DataHolders {
  let holders: (() => readonly DataHolder[]) | undefined
  return {
    all() {
      if (holders === undefined)
        throw new TypeError('`settle` must tell of the plugins before people’s data are asked for')
      return holders()
    },
    settle: (given) => {
      holders = given
    },
  }
}

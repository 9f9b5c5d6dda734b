/** The life of accounts on a storage of its own, without a server. @module */
import { createConsents } from '../../core/accounts/consents.ts'
import { createDataHolders, type DataHolder } from '../../core/accounts/data-holders.ts'
import { createIdentities, type Identities } from '../../core/accounts/identities.ts'
import { createLanguages } from '../../core/accounts/languages.ts'
import { createLife, type Life } from '../../core/accounts/life.ts'
import { createSessions } from '../../core/accounts/sessions.ts'
import { systemRandom } from '../../core/random.ts'
import { type OpenedLedger, openLedger } from './ledger.ts'

/** Accounts with what is done to whole ones. */
export interface OpenedLife extends OpenedLedger {
  readonly life: Life
  readonly identities: Identities
  /** Plugins that hold people's data; a test adds its own. */
  readonly holders: DataHolder[]
  /** Makes an active person who signs in with an address. */
  known(email: string, options?: { readonly role?: 'user' | 'admin' }): Promise<string>
}

/** Opens it. */
export async function openLife(): Promise<OpenedLife> {
  const opened = await openLedger()
  const { storage, clock, accounts, change } = opened
  const random = systemRandom
  const sessions = createSessions({
    ...{ store: storage.sessions, accounts, clock, host: 'localhost' },
    lifetimes: { idle: 3600, max: 36_000, remember: 360_000 },
  })
  const holders: DataHolder[] = []
  const found = createDataHolders()
  found.settle(() => holders)
  const identities = createIdentities({ storage, clock, random })
  const languages = createLanguages({ store: storage.documents('core:languages') })
  const consents = createConsents({ store: storage.documents('core:consents'), clock })
  return {
    ...opened,
    holders,
    identities,
    life: createLife({ storage, clock, random, change, accounts, sessions, consents, languages, holders: found }),
    known: (email, { role = 'user' } = {}) =>
      storage.transaction(async (em) => {
        const facts = [{ claim: 'email', value: email, trust: 'verified' }] as const
        const id = await accounts.createIn(em, { facts, state: 'active', role })
        const assertion = { issuer: 'urn:mail', subject: email, facts, at: clock.now(), amr: [] }
        await identities.linkIn(em, id, { source: { instance: 'email', realm: 'email' }, assertion })
        return id
      }),
  }
}

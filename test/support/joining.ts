/** The rooms of a small site in a folder of their own, with letters kept in a list: for tests of who comes in and how. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountState, Fact, Message } from '@labgate/contract'
import { stringify } from 'yaml'
import type { AccountRow } from '../../core/accounts/accounts.ts'
import type { Actor } from '../../core/accounts/actor.ts'
import type { Arrival, Welcome } from '../../core/accounts/people.ts'
import { assemble, type Rooms } from '../../core/assembly.ts'
import { parseConfig } from '../../core/config/load.ts'
import { createLog } from '../../core/observe/log.ts'
import { movableClock } from './flow.ts'

/** A site without a door: its rooms, its people, its letters. */
export interface Joining {
  readonly get: Rooms['get']
  readonly clock: ReturnType<typeof movableClock>
  readonly letters: Message[]
  /** While set, no letter leaves. */
  mailDown: boolean
  make(
    role: 'user' | 'admin',
    options?: { readonly state?: AccountState; readonly facts?: readonly Fact[] },
  ): Promise<Actor & { readonly kind: 'account' }>
  account(actor: { readonly account: string }): Promise<AccountRow>
  /** Somebody comes by an instance. */
  arrive(subject: string, more?: Partial<Arrival> & { readonly email?: string }): Promise<Welcome>
  close(): Promise<void>
}

/** Starts one; `part` is laid over a small config. */
export async function startJoining(part: Readonly<Record<string, unknown>> = {}): Promise<Joining> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-joining-'))
  const file = {
    ...{ issuer: 'http://localhost:1', demo: true, data: folder, name: 'Northfield Lab' },
    plugins: { email: { use: '@labgate/auth-email' } },
    ...part,
  }
  const { config } = parseConfig(stringify(file), { name: 'test.yaml', env: {}, cwd: import.meta.dirname })
  const clock = movableClock()
  const letters: Message[] = []
  const send = async (message: Message) => {
    if (site.mailDown) throw new Error('no way out')
    letters.push(message)
  }
  const mail = { send, verify: async () => undefined, close: () => undefined }
  const log = createLog({ clock, level: 'error', style: 'json', write: () => undefined })
  const rooms = await assemble(config, { replaced: { clock, mail, log } })
  const { get } = rooms
  const site: Joining = {
    ...{ get, clock, letters, mailDown: false },
    async make(role, { state = 'active', facts = [] } = {}) {
      const account = await get('storage').transaction((em) => get('accounts').createIn(em, { facts, state, role }))
      return { kind: 'account', account }
    },
    async account({ account }) {
      const found = await get('accounts').find(account)
      if (!found) throw new Error(`no account ${account}`)
      return found
    },
    arrive: (subject, { email, ...more } = {}) =>
      get('people').arrive({
        source: { instance: 'uni', realm: 'uni' },
        admission: { state: 'active' },
        wantsNew: false,
        assertion: {
          ...{ issuer: 'urn:uni', subject, amr: [], at: clock.now() },
          facts: email === undefined ? [] : [{ claim: 'email', value: email, trust: 'verified' }],
        },
        ...more,
      }),
    async close() {
      await get('storage').close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return site
}

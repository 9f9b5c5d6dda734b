/** People's own keys of the service: entered once by whoever they belong to, kept sealed, handed to the proxy alone. @module */
import type { Json } from '@labgate/contract'
import type { GatewayContext } from './config.ts'

/** A key that somebody entered. */
export interface KeptKey {
  readonly value: string
  readonly since: Date
  readonly until: Date
}

/** The keys of one service. */
export interface Keys {
  /** The header that carries a key. */
  readonly header: string
  find(account: string): Promise<KeptKey | undefined>
  keep(account: string, value: string): Promise<void>
  remove(account: string): Promise<void>
}

/** Makes it; `undefined` when the service has no keys. */
export function createKeys({ config, store, clock }: GatewayContext): Keys | undefined {
  const { key } = config
  if (key === undefined) return undefined
  return {
    header: key.header,
    async find(account) {
      const kept = await store.get(nameOf(account))
      return kept === undefined ? undefined : keyIn(kept)
    },
    async keep(account, value) {
      const since = clock.now().getTime()
      await store.put(nameOf(account), { value, since, until: since + key.keep * 1000 }, key.keep)
    },
    remove: (account) => store.delete(nameOf(account)),
  }
}

/** What may stand in a header, and nothing that could end it. */
export function isKey(value: string): boolean {
  return /^[\x21-\x7e]{1,1024}$/.test(value)
}

function nameOf(account: string): string {
  return `key:${account}`
}

function keyIn(kept: Json): KeptKey | undefined {
  const { value, since, until } = (typeof kept === 'object' && kept !== null ? kept : {}) as Record<string, unknown>
  if (typeof value !== 'string' || typeof since !== 'number' || typeof until !== 'number') return undefined
  return { value, since: new Date(since), until: new Date(until) }
}

/**
 * Clients that the config had and has no more. What such a one held ends, as with a client that is removed from the database: who
 * comes by its name later is another one.
 * @module
 */
import type { Clock, Log, Store } from '@labgate/contract'
import type { Audit } from '../observe/audit.ts'
import type { ArtifactStore } from '../storage/artifacts.ts'

/** Who left the config, and when. */
export interface Departures {
  /** Until when what is of a name may be of one that left, in milliseconds: of one that is away, until now. */
  ended(): Promise<ReadonlyMap<string, number>>
  /**
   * Ends what those hold that were `here` once and are not any more, or are among `former`; and of one that comes back, what another
   * process has issued in its name since. Broken off, the next call does it again.
   */
  settle(clients: { readonly here: readonly string[]; readonly former?: readonly string[] }): Promise<void>
  /**
   * Ends what requests that began before wrote since for those of the former config that are away. Who is here was said when its
   * successor began to serve, and may have been said anew since, by another process too.
   */
  endLate(former: readonly string[]): Promise<void>
}

interface Kept {
  readonly here: readonly string[]
  readonly ended: Readonly<Record<string, number>>
}

const key = 'clients'
/** Longer than anything counts that was issued or allowed to a client. */
const lifeSeconds = 10 * 365 * 24 * 3600

/** Makes the departures on a store of documents. */
export function createDepartures(needs: {
  store: Store
  clock: Clock
  artifacts: Pick<ArtifactStore, 'deleteByClient'>
  audit: Audit
  log: Log
}): Departures {
  const { store, clock } = needs
  const read = async (): Promise<Kept> => ((await store.get(key)) ?? { here: [], ended: {} }) as unknown as Kept
  /** What is issued in the second of a return is the new one's: tokens know no less. */
  const beforeNow = () => Math.floor(clock.now().getTime() / 1000) * 1000 - 1
  return {
    async ended() {
      const { here, ended } = await read()
      const until = ([id, at]: [string, number]) => [id, here.includes(id) ? at : Math.max(at, beforeNow())] as const
      return new Map(Object.entries(ended).map(until))
    },
    async settle({ here, former = [] }) {
      const goneOf = (kept: Kept) => [...new Set([...kept.here, ...former])].filter((id) => !here.includes(id))
      const known = await read()
      if (goneOf(known).length === 0 && here.every((id) => known.here.includes(id))) return
      await store.lock(key, async () => {
        const kept = await read()
        const gone = goneOf(kept)
        const back = here.filter((id) => Object.hasOwn(kept.ended, id) && !kept.here.includes(id))
        for (const id of [...gone, ...back]) await end(needs, { id, isNews: kept.here.includes(id) })
        const at = clock.now().getTime()
        const ended: Record<string, number> = { ...kept.ended }
        for (const id of back) ended[id] = Math.max(ended[id] ?? 0, beforeNow())
        for (const id of gone) ended[id] = at
        // Last: only what is done is forgotten.
        await store.put(key, { here: [...here], ended }, lifeSeconds)
      })
    },
    async endLate(former) {
      const away = ({ here }: Kept) => former.filter((id) => !here.includes(id))
      if (away(await read()).length === 0) return
      await store.lock(key, async () => {
        for (const id of away(await read())) await end(needs, { id, isNews: false })
      })
    },
  }
}

async function end(
  { artifacts, audit, log }: Parameters<typeof createDepartures>[0],
  { id, isNews }: { readonly id: string; readonly isNews: boolean },
): Promise<void> {
  const count = await artifacts.deleteByClient(id)
  if (!isNews) return
  log.info({ client: id, count }, 'a client is no more in the config; what it held has ended')
  await audit({ type: 'client.removed', actor: 'config', client: id })
}

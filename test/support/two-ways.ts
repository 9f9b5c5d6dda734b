/** What tests share that ask the Provider the same on two ways: ours in front of the library, and the library's. @module */
import { type Party, party, type World } from './flow.ts'

/** What differs each time; and the policy for pages, which is narrower where no page can be meant. */
const ofOne = new Set(['date', 'x-request-id', 'content-length', 'content-security-policy'])

/** The headers that both ways must agree on. */
export function sameHeaders({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !ofOne.has(name)))
}

/** A client's secret by HTTP Basic. */
export function basic(id: string, secret: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

/** Counts how often the library's own app has come to one of these ends. */
export function countOf({ site }: World, events: readonly string[]): () => number {
  let count = 0
  const provider = site.labgate.provider()
  for (const event of events)
    provider.on(event as 'grant.success', () => {
      count += 1
    })
  return () => count
}

/** A relying party for each client of a config. */
export async function partiesOf<Name extends string>(
  { site }: World,
  clients: Readonly<Record<Name, object>>,
): Promise<ReadonlyMap<Name, Party>> {
  const parties = new Map<Name, Party>()
  for (const [id, settings] of Object.entries<{ secret?: string }>(clients))
    parties.set(id as Name, await party(site, { id, secret: settings.secret }))
  return parties
}

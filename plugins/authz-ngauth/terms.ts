/**
 * Terms of use in the popup. Neuroglancer can show a refusal, and no document; so what stands between a person and data
 * in buckets is offered while a window is open, before the token is given. Nobody is held up by it: whoever says "not
 * now" is not asked again for a day, unless they open such data meanwhile.
 * @module
 */
import { type AccountId, type AuthzContext, covers, heldOn, type Json, type Snapshot } from '@labgate/contract'

/** A document that a person has yet to accept, and the title of data that it opens. */
export interface Wanted {
  readonly terms: string
  readonly title: string
  readonly dataset: string
}

type Needs = Pick<AuthzContext, 'access' | 'store'>

/** How long data count as wanted after a refusal, in seconds: as long as somebody looks for the reason. */
const wantedSeconds = 900
const laterSeconds = 86_400
const wantedKey = (account: AccountId) => `wanted:${account}`
const laterKey = (account: AccountId) => `later:${account}`

/** What to offer: terms alone are missing, the data lie in a bucket of Google, and the person did not say "not now". */
export async function termsToOffer({ access, store }: Needs, account: AccountId): Promise<readonly Wanted[]> {
  const pending = await pendingTerms(access, await access.snapshot(account))
  if (pending.length === 0) return []
  const [wanted, later] = [await idsIn(store, wantedKey(account)), await idsIn(store, laterKey(account))]
  const offered = pending.filter(({ terms }) => wanted.includes(terms) || !later.includes(terms))
  // What they have just tried to open comes first.
  return offered.toSorted((one, other) => Number(wanted.includes(other.terms)) - Number(wanted.includes(one.terms)))
}

/** Whether data were refused a moment ago that terms alone keep back: then the popup is the way on. */
export async function wantsTerms({ access, store }: Needs, snapshot: Snapshot): Promise<boolean> {
  // For nearly everybody nothing is pending, which is known without a look into the store.
  const pending = await pendingTerms(access, snapshot)
  if (pending.length === 0) return false
  const wanted = await idsIn(store, wantedKey(snapshot.account.id))
  return pending.some(({ terms }) => wanted.includes(terms))
}

/** Whether terms that are for this service and no dataset stand before everything else. */
export async function owesTerms({ access }: Pick<Needs, 'access'>, account: AccountId): Promise<boolean> {
  return (await access.missingTerms({ account })).length > 0
}

/** Remembers what a person tried to open. */
export async function noteWanted({ store }: Pick<Needs, 'store'>, account: AccountId, terms: readonly string[]) {
  await store.put(wantedKey(account), terms, wantedSeconds)
}

/** Remembers that a person was offered these and goes on without. */
export async function noteLater({ store }: Pick<Needs, 'store'>, account: AccountId, terms: readonly string[]) {
  await store.put(laterKey(account), terms, laterSeconds)
  await store.delete(wantedKey(account))
}

/** Terms that keep one place back. */
export async function termsOf(
  { access }: Pick<Needs, 'access'>,
  account: AccountId,
  place: { readonly dataset: string; readonly version: string | undefined },
): Promise<readonly Pick<Wanted, 'terms' | 'title'>[]> {
  const { grants, terms } = await access.snapshot(account)
  return (heldOn(grants, place)?.missingTerms ?? []).map((id) => ({ terms: id, title: titleIn(terms, id) }))
}

async function pendingTerms(access: Needs['access'], { grants, terms }: Snapshot): Promise<Wanted[]> {
  if (terms.length === 0) return []
  const found = new Map<string, Wanted>()
  for (const grant of grants) {
    if (covers(grant, 'view') || !covers(grant.beforeTerms, 'view')) continue
    const dataset = await access.dataset(grant.dataset)
    const isHere = dataset?.places.some(
      ({ bucket, version }) =>
        bucket.startsWith('gs://') && (grant.version === undefined || [undefined, grant.version].includes(version)),
    )
    if (!isHere || dataset?.frozen !== undefined) continue
    for (const id of grant.missingTerms)
      if (!found.has(id)) found.set(id, { terms: id, title: titleIn(terms, id), dataset: dataset?.title ?? '' })
  }
  return [...found.values()]
}

function titleIn(terms: Snapshot['terms'], id: string): string {
  return terms.find((one) => one.terms === id)?.title ?? id
}

async function idsIn(store: Needs['store'], key: string): Promise<readonly Json[]> {
  const kept = await store.get(key)
  return Array.isArray(kept) ? kept : []
}

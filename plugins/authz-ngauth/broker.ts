/** Credentials of Google for one bucket, limited to what a person may see there; kept while they are good, asked for once. @module */
import { type Clock, Fault, isFault } from '@labgate/contract'
import { boundaryOf, type Opening } from './boundary.ts'
import type { NgauthConfig } from './config.ts'
import { askJson, askToken, type GoogleToken, type Wire } from './exchange.ts'
import { type Policy, readPolicy } from './policy.ts'
import { sourceOf } from './source.ts'

/** Gives credentials. */
export interface Broker {
  /** @throws Fault ERR_UPSTREAM, ERR_UPSTREAM_REFUSED with what to mend */
  credentialFor(bucket: string, openings: readonly Opening[]): Promise<GoogleToken>
  /** Whether a credential may still be handed out. */
  isGood(credential: GoogleToken): boolean
  /** The bucket's own policy, at most a minute old. @throws as above */
  policyOf(bucket: string): Promise<Policy>
  /** Whether Google gives us anything at all. @throws as above */
  check(): Promise<void>
}

/** A credential is handed out only while at least this much of it is left. */
const leastMs = 300_000
const readableMs = 300_000
const policyMs = 60_000
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** Makes the broker; it asks nobody yet. @throws Fault ERR_CONFIG */
export function createBroker(wire: Wire, config: NgauthConfig): Broker {
  const { storage, sts } = config.google
  const askSource = sourceOf(wire, config)
  const sources = kept<GoogleToken>(wire, { size: 1, until: ({ endsAt }) => endsAt - leastMs })
  const limited = kept<GoogleToken>(wire, { size: 1000, until: ({ endsAt }) => endsAt - leastMs })
  const readable = kept<number>(wire, { size: 1000, until: (at) => at + readableMs })
  const policies = kept<Policy & { readonly at: number }>(wire, { size: 1000, until: ({ at }) => at + policyMs })
  const now = () => wire.clock.now().getTime()
  /** What Google took back before its end is refused: then once more with a fresh one. */
  const withSource = async <T>(work: (source: GoogleToken) => Promise<T>): Promise<T> => {
    const known = sources.peek('')
    try {
      return await work(known ?? (await sources.get('', askSource)))
    } catch (fault) {
      if (known === undefined || !isFault(fault) || fault.code !== 'ERR_UPSTREAM_REFUSED') throw fault
      sources.drop('', known)
      return work(await sources.get('', askSource))
    }
  }
  const assertReadable = async (bucket: string): Promise<number> => {
    if (await withSource((source) => canRead(wire, { source, bucket, base: storage }))) return now()
    throw new Fault(
      'ERR_UPSTREAM_REFUSED',
      `authz-ngauth "${wire.id}": the service account cannot read gs://${bucket}; give it the role roles/storage.objectViewer there`,
    )
  }
  return {
    async check() {
      await sources.get('', askSource)
    },
    async credentialFor(bucket, openings) {
      const options = JSON.stringify(boundaryOf(bucket, openings))
      return limited.get(options, async () => {
        await readable.get(bucket, () => assertReadable(bucket))
        return withSource((source) => exchange(wire, { source, options, base: sts }))
      })
    },
    isGood: ({ endsAt }) => endsAt - leastMs >= now(),
    policyOf: (bucket) =>
      policies.get(bucket, async () => {
        const answer = await withSource((source) =>
          askJson(wire, {
            what: `the look at the policy of gs://${bucket}`,
            url: `${storage}/storage/v1/b/${bucket}/iam?optionsRequestedPolicyVersion=3`,
            init: { headers: { authorization: `Bearer ${source.value}` } },
            refused: 'the service account needs storage.buckets.getIamPolicy there',
          }),
        )
        return { ...readPolicy(answer), at: now() }
      }),
  }
}

interface With {
  readonly source: GoogleToken
  readonly base: string
}

/** RFC 8693, as Google's Security Token Service takes it: the same, limited by a boundary. */
function exchange(wire: Wire, { source, options, base }: With & { options: string }): Promise<GoogleToken> {
  return askToken(wire, {
    what: 'the exchange for a limited credential',
    url: `${base}/v1/token`,
    grant: exchangeGrant,
    parameters: {
      requested_token_type: accessToken,
      subject_token: source.value,
      subject_token_type: accessToken,
      options,
    },
    within: source,
  })
}

/** The exchange would succeed all the same, and Neuroglancer would show an empty picture. */
async function canRead(wire: Wire, { source, bucket, base }: With & { bucket: string }): Promise<boolean> {
  const answer = await askJson(wire, {
    what: `the look at gs://${bucket}`,
    url: `${base}/storage/v1/b/${bucket}/iam/testPermissions?permissions=storage.objects.get`,
    init: { headers: { authorization: `Bearer ${source.value}` } },
    refused: 'is there such a bucket?',
  })
  return Array.isArray(answer.permissions) && answer.permissions.includes('storage.objects.get')
}

interface Kept<T> {
  get(key: string, ask: () => Promise<T>): Promise<T>
  /** What is known and good. */
  peek(key: string): T | undefined
  /** Forgets this answer, not a newer one. */
  drop(key: string, answer: T): void
}

/** Keeps answers within their life, the oldest leave first; of many callers at once one asks. Failures are not kept. */
function kept<T>(
  { clock }: { readonly clock: Clock },
  { size, until }: { readonly size: number; readonly until: (answer: T) => number },
): Kept<T> {
  const answers = new Map<string, T>()
  const asked = new Map<string, Promise<T>>()
  const peek = (key: string) => {
    const known = answers.get(key)
    return known !== undefined && until(known) >= clock.now().getTime() ? known : undefined
  }
  const begin = (key: string, ask: () => Promise<T>) => {
    const work = ask()
      .then((answer) => {
        answers.delete(key)
        answers.set(key, answer)
        const oldest = answers.size > size ? answers.keys().next().value : undefined
        if (oldest !== undefined) answers.delete(oldest)
        return answer
      })
      .finally(() => asked.delete(key))
    asked.set(key, work)
    return work
  }
  return {
    peek,
    async get(key, ask) {
      return peek(key) ?? (await (asked.get(key) ?? begin(key, ask)))
    },
    drop(key, answer) {
      if (answers.get(key) === answer) answers.delete(key)
    },
  }
}

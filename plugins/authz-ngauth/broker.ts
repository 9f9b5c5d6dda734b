/** Credentials of Google for one bucket, limited to what a person may see there; kept while they are good, asked for once. @module */
import { Fault } from '@labgate/contract'
import { boundaryOf, type Opening } from './boundary.ts'
import type { NgauthConfig } from './config.ts'
import { askJson, askToken, type GoogleToken, type Wire } from './exchange.ts'
import { type Source, sourceOf } from './source.ts'

/** Gives credentials. */
export interface Broker {
  /** @throws Fault ERR_UPSTREAM, ERR_UPSTREAM_REFUSED with what to mend */
  credentialFor(bucket: string, openings: readonly Opening[]): Promise<string>
  /** Whether Google gives us anything at all. @throws as above */
  check(): Promise<void>
}

/** A credential is handed out only while at least this much of it is left. */
const leastMs = 300_000
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** Makes the broker; it asks nobody yet. @throws Fault ERR_CONFIG */
export function createBroker(wire: Wire, config: NgauthConfig): Broker {
  const source = sourceOf(wire, config)
  const fresh = kept(wire, 1)
  const limited = kept(wire, 1000)
  const readable = kept(wire, 1000)
  const own = () => fresh('source', source)
  return {
    async check() {
      await own()
    },
    async credentialFor(bucket, openings) {
      const options = JSON.stringify(boundaryOf(bucket, openings))
      const { value } = await limited(options, async () => {
        await readable(bucket, () => assertReadable(wire, { own, bucket, base: config.google.storage }))
        const from = await own()
        return askToken(wire, {
          what: 'the exchange for a limited credential',
          url: `${config.google.sts}/v1/token`,
          grant: exchangeGrant,
          parameters: {
            requested_token_type: accessToken,
            subject_token: from.value,
            subject_token_type: accessToken,
            options,
          },
          within: from,
        })
      })
      return value
    },
  }
}

/** The exchange would succeed all the same, and Neuroglancer would show an empty picture. */
async function assertReadable(
  wire: Wire,
  { own, bucket, base }: { own: Source; bucket: string; base: string },
): Promise<GoogleToken> {
  const { value } = await own()
  const answer = await askJson(wire, {
    what: `the look at gs://${bucket}`,
    url: `${base}/storage/v1/b/${bucket}/iam/testPermissions?permissions=storage.objects.get`,
    init: { headers: { authorization: `Bearer ${value}` } },
    refused: 'is there such a bucket?',
  })
  if (!Array.isArray(answer.permissions) || !answer.permissions.includes('storage.objects.get'))
    throw new Fault(
      'ERR_UPSTREAM_REFUSED',
      `authz-ngauth "${wire.id}": the service account cannot read gs://${bucket}; give it the role roles/storage.objectViewer there`,
    )
  return { value: '', endsAt: wire.clock.now().getTime() + leastMs * 2 }
}

type Kept = (key: string, ask: Source) => Promise<GoogleToken>

/** Keeps answers within their life, the oldest leave first; of many callers at once one asks. Failures are not kept. */
function kept({ clock }: Wire, size: number): Kept {
  const answers = new Map<string, GoogleToken>()
  const asked = new Map<string, Promise<GoogleToken>>()
  return (key, ask) => {
    const known = answers.get(key)
    if (known !== undefined && known.endsAt - clock.now().getTime() >= leastMs) return Promise.resolve(known)
    const running = asked.get(key)
    if (running !== undefined) return running
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
}

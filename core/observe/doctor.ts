/** What `labgate doctor` looks at on this machine, and how it asks plugins what they find at their upstreams. @module */
import { type Clock, type Finding, isFault, type Lifecycle } from '@labgate/contract'
import { type Place, placeOf } from '../config/database.ts'
import type { MailConfig } from '../mail/letter.ts'
import type { MailService } from '../mail/mail.ts'
import type { KeyListing, SigningKeys } from '../oidc/keys.ts'
import { SettingEntity, SigningKeyEntity } from '../storage/entities.ts'
import type { Storage } from '../storage/storage.ts'
import { withHint } from './reach.ts'

const dayMs = 86_400_000
/** Days after which a key is old: a signing key that is changed by hand only, and a sealing key. */
const old = { signing: 365, sealing: 730 } as const
/** Days by which a change of signing keys may be late: nobody changes them while no Labgate serves. */
const late = 3

/**
 * What a plugin finds at its upstream, within a time limit. Whatever it throws is a finding too.
 * @param limitMs for the whole look
 */
export async function* probed(
  lifecycle: Pick<Lifecycle, 'probe'>,
  limitMs: number,
): AsyncGenerator<Finding, void, undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`took longer than ${limitMs / 1000} s`)), limitMs)
  // Nobody waits for it while the finding before is printed.
  late.catch(() => undefined)
  try {
    const found = lifecycle.probe?.()[Symbol.asyncIterator]()
    while (found !== undefined) {
      const { done, value } = await Promise.race([found.next(), late])
      if (done) return
      yield value.mend === undefined ? value : { ...value, mend: withHint(value.mend) }
    }
  } catch (error) {
    yield { ok: false, what: 'its look at the upstream comes to an end', mend: whyOf(error) }
  } finally {
    clearTimeout(timer)
  }
}

function whyOf(error: unknown): string {
  if (isFault(error)) return withHint(error.message)
  const message = error instanceof Error ? error.message : String(error)
  return `the upstream is very slow, or it is a bug of the plugin: ${message}`
}

/** Whether letters can leave; none is sent. */
export async function* lookAtMail(needs: {
  readonly config: MailConfig | undefined
  readonly mail: () => MailService
}): AsyncIterable<Finding> {
  const { config } = needs
  if (config === undefined) {
    yield { ok: true, what: 'no mail is configured: no letter leaves' }
    return
  }
  const { smtp, outbox } = config
  const place = smtp === undefined ? `the outbox ${outbox} takes letters` : `${smtp.host}:${smtp.port} takes letters`
  const what = smtp?.username === undefined ? place : `${place} from ${smtp.username}`
  const fault = await verified(needs.mail)
  yield fault === undefined ? { ok: true, what } : { ok: false, what, mend: fault }
}

async function verified(make: () => MailService): Promise<string | undefined> {
  try {
    const mail = make()
    await mail.verify().finally(() => mail.close())
    return undefined
  } catch (error) {
    if (isFault(error)) return error.message
    throw error
  }
}

/** Whether the database takes a write; what is written is gone again in the same transaction. */
export async function* lookAtDatabase(storage: Pick<Storage, 'transaction'>, config: Place): AsyncIterable<Finding> {
  const what = `the database ${placeOf(config)} can be written`
  try {
    await storage.transaction(async (em) => {
      await em.insert(SettingEntity, { key: 'doctor', value: 'was here' })
      await em.nativeDelete(SettingEntity, { key: 'doctor' })
    })
    yield { ok: true, what }
  } catch (error) {
    yield { ok: false, what, mend: databaseMend(error, config) }
  }
}

function databaseMend(error: unknown, { database: { url, file } }: Place): string {
  // What the database itself said: a Fault says in general what could be the matter, MikroORM puts the statement before it.
  const first = isFault(error) ? (error.cause ?? error) : error
  const said = (first instanceof Error ? first.message : String(first)).split(' - ').at(-1)
  if (url !== undefined) return `${said}; check that the user in "database.url" owns the tables and may write them`
  return `${said}; check who owns ${file} and its folder, that this user may write both, and that the disk is not full`
}

/** What is needed to tell how old keys are. */
export interface KeyNeeds {
  readonly keys: Pick<SigningKeys, 'list'>
  readonly storage: Pick<Storage, 'em' | 'ring' | 'audit'>
  readonly clock: Clock
  /** Seconds after which a signing key gives way; 0: by hand only. */
  readonly rotateAfter: number
}

/** How old the keys are that sign tokens and seal the database. */
export async function* lookAtKeys(needs: KeyNeeds): AsyncIterable<Finding> {
  const now = needs.clock.now()
  const current = (await needs.keys.list()).filter(({ state }) => state === 'current')
  yield* current.map((key) => signingFinding(key, now, needs.rotateAfter))
  yield await sealingFinding(needs, now)
}

function daysSince(then: Date, now: Date): number {
  return Math.floor((now.getTime() - then.getTime()) / dayMs)
}

function signingFinding({ kid, alg, since }: KeyListing, now: Date, rotateAfter: number): Finding {
  const days = daysSince(since, now)
  const what = `the ${alg} signing key ${kid} has been in use for ${days} days`
  const isByHand = rotateAfter === 0
  if (days <= (isByHand ? old.signing : rotateAfter / 86_400 + late)) return { ok: true, what }
  const mend = isByHand
    ? '`labgate keys rotate`'
    : 'a Labgate that serves changes it by itself: start one, and look for `signing keys` in its log'
  return { ok: false, what, mend }
}

async function sealingFinding({ storage }: KeyNeeds, now: Date): Promise<Finding> {
  const { ring, audit } = storage
  const sealed = await storage.em().find(SigningKeyEntity, {}, { orderBy: { createdAt: 'asc' } })
  if (sealed.some(({ jwkSealed }) => !ring.isNewest(jwkSealed))) {
    const what = `the whole database is sealed with key ${ring.fingerprint}, the first under \`keys\``
    return { ok: false, what, mend: '`labgate keys reseal`, then take the former key out of `keys`' }
  }
  const resealed = (await audit.list({ type: 'keys.rotated', limit: 1000 })).findLast(
    ({ detail }) => sealingIn(detail) === ring.fingerprint,
  )
  // Without a change of keys the database has been sealed with this one since its first key was made.
  const days = daysSince(resealed?.at ?? sealed[0]?.createdAt ?? now, now)
  const what = `the sealing key ${ring.fingerprint} has been in use for ${days} days`
  if (days <= old.sealing) return { ok: true, what }
  return { ok: false, what, mend: 'change it: docs/operate.md, Keys, has the three steps' }
}

function sealingIn(detail: unknown): unknown {
  return typeof detail === 'object' && detail !== null && 'sealing' in detail ? detail.sealing : undefined
}

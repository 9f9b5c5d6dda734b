/**
 * The token that stands for a person in one Neuroglancer, for at most an hour: a JWT that only we read (RFC 7519), bound to
 * the origin it was given to. Its keys are the instance's own, made by itself: a new one each day and with each
 * `tokenGeneration`, gone two days later. A new day's key leaves older tokens their hour; a new generation ends them.
 * @module
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { AccountId, AuthzContext } from '@labgate/contract'
import type { NgauthConfig } from './config.ts'
import { createRecent } from './recent.ts'

/** Whom a token speaks for, and where. */
export interface UserToken {
  readonly account: AccountId
  readonly origin: string
}

/** What a token is good for: `data` in a Neuroglancer, or as the proof in the form that signs out. */
export type TokenUse = 'data' | 'sign-out'

/** Gives and reads tokens. */
export interface UserTokens {
  give(token: UserToken, use: TokenUse): Promise<string>
  /** `undefined`: it is none of ours, changed, over, or for another use. Whether the account may act is the caller's to ask. */
  read(token: string, use: TokenUse): Promise<UserToken | undefined>
  /** The name of the key that signs now. */
  keyId(): string
}

/** The longest life of a token, in seconds. */
export const userTokenSeconds = 3600

const daySeconds = 86_400
/** How long a key that was read is used: it never changes, and is gone by its name long before it is deleted. */
const knownSeconds = 60
const types = { data: 'ngauth+jwt', 'sign-out': 'ngauth-sign-out+jwt' } as const

/** Makes them on the instance's store. */
export function createUserTokens(
  context: Pick<AuthzContext<Pick<NgauthConfig, 'tokenGeneration'>>, 'clock' | 'config' | 'random' | 'store' | 'url'>,
): UserTokens {
  const { clock, random, store } = context
  const generation = String(context.config.tokenGeneration)
  const now = () => Math.floor(clock.now().getTime() / 1000)
  let origin: string | undefined
  // Not before it is asked: an adapter that is only checked has no address.
  const issuer = () => {
    origin ??= context.url('/').origin
    return origin
  }
  const headers = { data: new Map<string, string>(), 'sign-out': new Map<string, string>() }
  /** Those that were proved a moment ago, by their letters: viewers send one and the same for each of their layers. */
  const proved = { data: createRecent<Proved>(context.clock), 'sign-out': createRecent<Proved>(context.clock) }
  const keys = new Map<string, { readonly key: KeyObject; readonly until: number }>()
  const stored = async (kid: string) => {
    const known = keys.get(kid)
    if (known !== undefined && now() < known.until) return known.key
    const kept = await store.get(`key:${kid}`)
    keys.delete(kid)
    if (typeof kept !== 'string') return undefined
    // Bytes would be made a key at each use, for six times the price.
    const key = createSecretKey(kept, 'base64url')
    keys.set(kid, { key, until: now() + knownSeconds })
    return key
  }
  const signingKey = async (kid: string) =>
    (await stored(kid)) ??
    store.lock('key', async () => {
      const there = await stored(kid)
      if (there !== undefined) return there
      const key = Buffer.from(random.bytes(32))
      await store.put(`key:${kid}`, key.toString('base64url'), 2 * daySeconds)
      return createSecretKey(key)
    })
  const prove = async (token: string, use: TokenUse): Promise<Proved | undefined> => {
    const [header = '', claims = '', signature = '', ...more] = token.split('.')
    const known = headers[use].get(header)
    const kid = known ?? kidIn(header)
    if (kid?.split('.')[0] !== generation || more.length > 0) return undefined
    // Ours to the letter, so that nothing in it is left to be understood: no other algorithm, no extension.
    if (known === undefined && header !== headerOf(use, kid)) return undefined
    const key = await stored(kid)
    if (key === undefined) return undefined
    // Only of keys that there are: one a day.
    headers[use].set(header, kid)
    if (!isSame(signature, mac(key, `${header}.${claims}`))) return undefined
    const { iss, sub, aud, iat, exp } = decoded(claims)
    if (iss !== issuer() || typeof iat !== 'number' || typeof exp !== 'number') return undefined
    if (typeof sub !== 'string' || typeof aud !== 'string') return undefined
    return { kid, key, iat, exp, says: { account: sub, origin: aud } }
  }
  /** Whatever was proved, its key must be there still, and is asked for each time. */
  const provedOf = async (token: string, use: TokenUse): Promise<Proved | undefined> => {
    const before = proved[use].find(token, () => true)
    if (before !== undefined && before.key === (await stored(before.kid))) return before
    const fresh = await prove(token, use)
    if (fresh !== undefined) proved[use].keep(token, fresh)
    return fresh
  }
  let today = { day: Number.NaN, kid: '' }
  const keyId = (at = now()) => {
    const day = Math.floor(at / daySeconds)
    if (day !== today.day) today = { day, kid: `${generation}.${day}` }
    return today.kid
  }
  return {
    keyId: () => keyId(),
    async give({ account, origin }, use) {
      const at = now()
      const kid = keyId(at)
      const claims = { iss: issuer(), sub: account, aud: origin, iat: at, exp: at + userTokenSeconds }
      const signed = `${headerOf(use, kid)}.${encoded(claims)}`
      return `${signed}.${mac(await signingKey(kid), signed)}`
    },
    async read(token, use) {
      const found = await provedOf(token, use)
      if (found === undefined) return undefined
      const { iat, exp, says } = found
      const at = now()
      return iat <= at && at - iat <= userTokenSeconds && exp > at ? says : undefined
    },
  }
}

/** What a token says that we have signed. */
interface Proved {
  readonly kid: string
  readonly key: KeyObject
  /** Seconds since 1970, as `exp`. */
  readonly iat: number
  readonly exp: number
  readonly says: UserToken
}

/** HS256 (RFC 7518 §3.2), here and now: a thread pool costs more than the work. */
function mac(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function isSame(given: string, own: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(own)]
  return one.length === other.length && timingSafeEqual(one, other)
}

function headerOf(use: TokenUse, kid: string): string {
  return encoded({ alg: 'HS256', typ: types[use], kid })
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

type Members = Readonly<Record<string, unknown>>

/** The members of a part; none of what is no object in JSON. */
function decoded(part: string): Members {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Members) : {}
  } catch (error) {
    // Anybody may send anything here.
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function kidIn(header: string): string | undefined {
  const { kid } = decoded(header)
  return typeof kid === 'string' && /^\d{1,9}\.\d{1,7}$/.test(kid) ? kid : undefined
}

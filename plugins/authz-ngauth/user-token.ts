/**
 * The token that stands for a person in one Neuroglancer, for at most an hour: a JWT that only we read (RFC 7519), bound to
 * the origin it was given to. Its keys are the instance's own, one a day, and gone two days later.
 * @module
 */
import type { AccountId, AuthzContext } from '@labgate/contract'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'

/** Whom a token speaks for, and where. */
export interface UserToken {
  readonly account: AccountId
  readonly origin: string
}

/** Gives and reads tokens. */
export interface UserTokens {
  give(token: UserToken): Promise<string>
  /** `undefined`: it is none of ours, changed, or over. Whether the account may still act is the caller's to ask. */
  read(token: string): Promise<UserToken | undefined>
}

/** The longest life of a token, in seconds. */
export const userTokenSeconds = 3600

const daySeconds = 86_400
const typ = 'ngauth+jwt'

/** Makes them on the instance's store. */
export function createUserTokens(context: Pick<AuthzContext, 'clock' | 'random' | 'store' | 'url'>): UserTokens {
  const { clock, random, store } = context
  const now = () => Math.floor(clock.now().getTime() / 1000)
  const issuer = () => context.url('/').origin
  const stored = async (day: string) => {
    const kept = await store.get(`key:${day}`)
    return typeof kept === 'string' ? Buffer.from(kept, 'base64url') : undefined
  }
  const signingKey = async (day: string) =>
    (await stored(day)) ??
    store.lock('key', async () => {
      const there = await stored(day)
      if (there !== undefined) return there
      const key = Buffer.from(random.bytes(32))
      await store.put(`key:${day}`, key.toString('base64url'), 2 * daySeconds)
      return key
    })
  return {
    async give({ account, origin }) {
      const at = now()
      const day = String(Math.floor(at / daySeconds))
      return new SignJWT()
        .setProtectedHeader({ alg: 'HS256', typ, kid: day })
        .setIssuer(issuer())
        .setSubject(account)
        .setAudience(origin)
        .setIssuedAt(at)
        .setExpirationTime(at + userTokenSeconds)
        .sign(await signingKey(day))
    },
    async read(token) {
      const key = await keyOf(token, stored)
      if (key === undefined) return undefined
      try {
        const { payload } = await jwtVerify(token, key, {
          ...{ algorithms: ['HS256'], typ, issuer: issuer(), requiredClaims: ['sub', 'aud', 'exp'] },
          ...{ currentDate: clock.now(), maxTokenAge: userTokenSeconds },
        })
        const { sub, aud } = payload
        return typeof sub === 'string' && typeof aud === 'string' ? { account: sub, origin: aud } : undefined
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    },
  }
}

async function keyOf(token: string, stored: (day: string) => Promise<Buffer | undefined>): Promise<Buffer | undefined> {
  try {
    const { kid } = decodeProtectedHeader(token)
    return typeof kid === 'string' && /^\d{1,7}$/.test(kid) ? await stored(kid) : undefined
  } catch (error) {
    // What is no JWT at all is a TypeError there.
    if (error instanceof TypeError || error instanceof errors.JOSEError) return undefined
    throw error
  }
}

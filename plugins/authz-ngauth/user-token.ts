/**
 * The token that stands for a person in one Neuroglancer, for at most an hour: a JWT that only we read (RFC 7519), bound to
 * the origin it was given to. Its keys are the instance's own, made by itself: a new one each day and with each
 * `tokenGeneration`, gone two days later. A new day's key leaves older tokens their hour; a new generation ends them.
 * @module
 */
import type { AccountId, AuthzContext } from '@labgate/contract'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import type { NgauthConfig } from './config.ts'

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
}

/** The longest life of a token, in seconds. */
export const userTokenSeconds = 3600

const daySeconds = 86_400
const types = { data: 'ngauth+jwt', 'sign-out': 'ngauth-sign-out+jwt' } as const

/** Makes them on the instance's store. */
export function createUserTokens(
  context: Pick<AuthzContext<Pick<NgauthConfig, 'tokenGeneration'>>, 'clock' | 'config' | 'random' | 'store' | 'url'>,
): UserTokens {
  const { clock, random, store } = context
  const generation = String(context.config.tokenGeneration)
  const now = () => Math.floor(clock.now().getTime() / 1000)
  const issuer = () => context.url('/').origin
  const stored = async (kid: string) => {
    const kept = await store.get(`key:${kid}`)
    return typeof kept === 'string' ? Buffer.from(kept, 'base64url') : undefined
  }
  const signingKey = async (kid: string) =>
    (await stored(kid)) ??
    store.lock('key', async () => {
      const there = await stored(kid)
      if (there !== undefined) return there
      const key = Buffer.from(random.bytes(32))
      await store.put(`key:${kid}`, key.toString('base64url'), 2 * daySeconds)
      return key
    })
  const keyOf = (token: string) => {
    const kid = kidOf(token)
    return kid?.split('.')[0] === generation ? stored(kid) : undefined
  }
  return {
    async give({ account, origin }, use) {
      const at = now()
      const kid = `${generation}.${Math.floor(at / daySeconds)}`
      return new SignJWT()
        .setProtectedHeader({ alg: 'HS256', typ: types[use], kid })
        .setIssuer(issuer())
        .setSubject(account)
        .setAudience(origin)
        .setIssuedAt(at)
        .setExpirationTime(at + userTokenSeconds)
        .sign(await signingKey(kid))
    },
    async read(token, use) {
      const key = await keyOf(token)
      if (key === undefined) return undefined
      try {
        const { payload } = await jwtVerify(token, key, {
          ...{ algorithms: ['HS256'], typ: types[use], issuer: issuer(), requiredClaims: ['sub', 'aud', 'exp'] },
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

function kidOf(token: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token)
    return typeof kid === 'string' && /^\d{1,9}\.\d{1,7}$/.test(kid) ? kid : undefined
  } catch (error) {
    // What is no JWT at all is a TypeError there.
    if (error instanceof TypeError || error instanceof errors.JOSEError) return undefined
    throw error
  }
}

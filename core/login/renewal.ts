/**
 * Looks again at what upstreams say of a person (groups, membership) while tokens are refreshed, so that a group that
 * was left upstream does not live on here for as long as a refresh token does.
 * @module
 */
import { type Assertion, type Clock, isFault, type Log } from '@labgate/contract'
import { type Accounts, groupsOf } from '../accounts/accounts.ts'
import type { Identities, IdentityRow } from '../accounts/identities.ts'
import type { AuthInstance } from '../registry/instance.ts'

/** What looking again at upstreams takes. */
export interface RenewalNeeds {
  readonly identities: Identities
  readonly accounts: Accounts
  readonly clock: Clock
  readonly log: Log
  readonly methods: { get(id: string): AuthInstance | undefined }
  /** How old facts may get before they are asked for again, in seconds. Default 15 minutes. */
  readonly ageSeconds?: number
  /** How long a refresh waits for an upstream; what comes later counts the next time. Default 3 seconds. */
  readonly patienceMs?: number
}

/** Renews an account's facts where they are old; never throws, and never waits long: an upstream that is down stops nobody. */
export function createRenewal(needs: RenewalNeeds): (account: string) => Promise<void> {
  const { identities, accounts, clock, log } = needs
  const underWay = new Map<string, Promise<void>>()
  const triedAt = new Map<string, number>()
  const ageMs = (needs.ageSeconds ?? 900) * 1000

  const take = async (identity: IdentityRow, answer: Assertion | 'gone'): Promise<void> => {
    const { account, instance, realm, id } = identity
    if (answer === 'gone') {
      log.info(
        { instance, account },
        'an upstream no longer stands for an identity; its groups are dropped until the next sign-in',
      )
      await accounts.setGroups(account, instance, [])
      return
    }
    if (answer.issuer !== identity.issuer || answer.subject !== identity.subject)
      throw new TypeError(`${instance} renewed an identity into another one`)
    const known = needs.methods.get(instance)
    await identities.seen(id, { instance, realm }, answer)
    await accounts.setGroups(account, instance, groupsOf(answer, { instance, groups: known?.groups }))
  }
  const renew = async (identity: IdentityRow): Promise<void> => {
    const method = needs.methods.get(identity.instance)?.method
    if (!method?.refresh) return
    try {
      const { issuer, subject, kept } = identity
      await take(identity, await method.refresh({ issuer, subject, kept }))
    } catch (error) {
      // Without a refresh token there is nothing to ask with, which is normal.
      if (isFault(error) && error.code === 'ERR_LOGIN_EXPIRED') return
      log.warn(
        { err: error, instance: identity.instance },
        'an upstream could not be asked again; what it said before stays',
      )
    }
  }
  const renewOld = async (account: string): Promise<void> => {
    const now = clock.now().getTime()
    const old = (await identities.list(account)).filter(
      ({ id, lastSeenAt }) => now - Math.max(lastSeenAt.getTime(), triedAt.get(id) ?? 0) > ageMs,
    )
    for (const { id } of old) triedAt.set(id, now)
    if (triedAt.size > 10_000) triedAt.clear()
    await Promise.all(old.map(renew))
  }
  return async (account) => {
    const work = underWay.get(account) ?? renewOld(account).finally(() => underWay.delete(account))
    underWay.set(account, work)
    await patiently(work, needs.patienceMs ?? 3000)
  }
}

async function patiently(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((done) => {
    timer = setTimeout(done, limitMs)
  })
  await Promise.race([work, limit]).finally(() => clearTimeout(timer))
}

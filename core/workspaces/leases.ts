/** How long workspaces run: what the console says goes before the config, what a profile says before both. @module */
import { Fault } from '@labgate/contract'
import type { LeaseLine, Leases, Profile } from './model.ts'
import type { Room } from './room.ts'

/** Where they stand in the settings. */
const key = 'workspaces.leases'
const least = 60
const most = 366 * 86_400

/** What counts now. */
export async function leasesIn({ storage, config }: Pick<Room, 'storage' | 'config'>): Promise<LeaseLine> {
  const kept = await storage.settings.get(key)
  if (kept !== undefined) return { ...(JSON.parse(kept) as Leases), source: 'console' }
  const { first, extension, max } = config.lease
  return { firstSeconds: first, extensionSeconds: extension, maxSeconds: max, source: 'config' }
}

/** Sets them, or takes back what was set. @throws Fault ERR_INPUT */
export async function setLeasesIn({ storage }: Pick<Room, 'storage'>, leases: Leases | undefined): Promise<void> {
  if (leases === undefined) return void (await storage.settings.delete(key))
  const { firstSeconds, extensionSeconds, maxSeconds } = leases
  const all = [firstSeconds, extensionSeconds, maxSeconds]
  if (!all.every((one) => Number.isInteger(one) && one >= least && one <= most) || firstSeconds > maxSeconds)
    throw new Fault('ERR_INPUT', 'A lease is between a minute and a year, and the first no longer than the longest.')
  await storage.settings.set(key, JSON.stringify({ firstSeconds, extensionSeconds, maxSeconds }))
}

/** The lease of one that begins now. */
export function leaseFrom(
  now: Date,
  profile: Pick<Profile, 'leaseSeconds'> | undefined,
  { firstSeconds, maxSeconds }: Leases,
): { readonly leaseEndsAt: Date; readonly leaseLimitAt: Date } {
  const seconds = profile?.leaseSeconds ?? firstSeconds
  const after = (length: number) => new Date(now.getTime() + length * 1000)
  return { leaseEndsAt: after(seconds), leaseLimitAt: after(Math.max(seconds, maxSeconds)) }
}

/** Usernames of people who were erased: kept as keyed digests, so that nobody else is ever taken for them. @module */
import { createHmac } from 'node:crypto'
import type { EntityManager } from '@mikro-orm/core'
import { SettingEntity } from '../storage/entities.ts'
import { RetiredNameEntity } from '../storage/life-entities.ts'
import { type KeyRing, retiredNamesPurpose } from '../storage/sealing.ts'

/** Whether somebody had this username who was erased. Within the caller's transaction. */
export async function isRetired(em: EntityManager, ring: KeyRing, username: string): Promise<boolean> {
  const key = await keyIn(em, ring)
  return key !== undefined && (await em.count(RetiredNameEntity, { digest: digestOf(key, username) })) > 0
}

/** Never gives a username to anybody again. Within the caller's transaction. */
export async function retire(
  em: EntityManager,
  ring: KeyRing,
  name: { readonly username: string; readonly at: Date; newKey(): Uint8Array },
): Promise<void> {
  const key = (await keyIn(em, ring)) ?? (await makeKey(em, ring, name.newKey()))
  await em.upsert(RetiredNameEntity, { digest: digestOf(key, name.username), retiredAt: name.at })
}

async function keyIn(em: EntityManager, ring: KeyRing): Promise<Buffer | undefined> {
  const row = await em.findOne(SettingEntity, { key: retiredNamesPurpose }, { disableIdentityMap: true })
  return row === null ? undefined : ring.open(Buffer.from(row.value, 'base64'), retiredNamesPurpose)
}

/** Sealed, and sealed anew when the ring's keys change: a digest under a key of the ring would be lost with it. */
async function makeKey(em: EntityManager, ring: KeyRing, key: Uint8Array): Promise<Buffer> {
  const value = ring.seal(key, retiredNamesPurpose).toString('base64')
  await em.insert(SettingEntity, { key: retiredNamesPurpose, value })
  return Buffer.from(key)
}

function digestOf(key: Uint8Array, username: string): Buffer {
  return createHmac('sha256', key).update(username).digest()
}

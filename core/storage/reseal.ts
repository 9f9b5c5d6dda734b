/**
 * Sealing anew with the newest key, so that a former one can be taken out of the config. It runs beside a server that
 * has the newest key already: in short steps, and never over a value that was changed in between.
 * @module
 */
import { setImmediate as yieldTurn } from 'node:timers/promises'
import { checkPurpose, type KeyRing, retiredNamesPurpose } from './sealing.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** A column of boxes; `bound`: the column whose bytes tie each box to its row. */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  readonly purpose: string
  readonly bound?: string
}

/** Every sealed column there is; a test looks for boxes elsewhere. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'signing_key', column: 'jwk_sealed', purpose: 'signing-key' },
  { table: 'client', column: 'secret_sealed', purpose: 'client-secret' },
  { table: 'identity', column: 'kept', purpose: 'identity-kept' },
  { table: 'browser_session', column: 'provider_uid', purpose: 'session-provider-uid', bound: 'digest' },
  { table: 'browser_session', column: 'data', purpose: 'session-data', bound: 'digest' },
  { table: 'document', column: 'value', purpose: 'document', bound: 'key_digest' },
  { table: 'artifact', column: 'payload', purpose: 'artifact', bound: 'digest' },
  { table: 'workspace', column: 'secrets', purpose: 'workspace-secrets' },
]

export interface ResealNeeds {
  readonly database: SqliteDatabase
  readonly writer: Writer
  readonly ring: KeyRing
}

/** Seals anew whatever a former key sealed; says how many values it were. */
export async function reseal(needs: ResealNeeds): Promise<number> {
  let count = 0
  for (const column of sealedColumns) count += await resealColumn(column, needs)
  // Last: as long as it is the former key's, a start without that key is refused.
  return count + (await resealSetting(retiredNamesPurpose, needs)) + (await resealSetting(checkPurpose, needs))
}

const chunk = 200

interface Row {
  readonly id: number
  readonly box: Buffer
  readonly place: Buffer | null
}

async function resealColumn(sealed: SealedColumn, { database, writer, ring }: ResealNeeds): Promise<number> {
  const { table, column, purpose, bound } = sealed
  const next = database.prepare<[number], Row>(
    `SELECT rowid AS id, ${column} AS box, ${bound ?? 'NULL'} AS place FROM ${table}
     WHERE rowid > ? AND ${column} IS NOT NULL ORDER BY rowid LIMIT ${chunk}`,
  )
  const update = database.prepare<[Buffer, number, Buffer]>(
    `UPDATE ${table} SET ${column} = ? WHERE rowid = ? AND ${column} = ?`,
  )
  const renew = ({ id, box, place }: Row): number => {
    const at = place ?? undefined
    return update.run(ring.seal(ring.open(box, purpose, at), purpose, at), id, box).changes
  }
  let count = 0
  for (let rows = next.all(0); rows.length > 0; rows = next.all(rows.at(-1)?.id ?? 0)) {
    const old = rows.filter(({ box }) => !ring.isNewest(box))
    if (old.length > 0) count += await writer.run(() => old.reduce((sum, row) => sum + renew(row), 0))
    await yieldTurn()
  }
  return count
}

function resealSetting(name: string, { database, writer, ring }: ResealNeeds): Promise<number> {
  return writer.run(() => {
    const row = database.prepare<[string], { value: string }>('SELECT value FROM setting WHERE "key" = ?').get(name)
    const box = Buffer.from(row?.value ?? '', 'base64')
    if (row === undefined || ring.isNewest(box)) return 0
    const renewed = ring.seal(ring.open(box, name), name).toString('base64')
    database.prepare<[string, string]>('UPDATE setting SET value = ? WHERE "key" = ?').run(renewed, name)
    return 1
  })
}

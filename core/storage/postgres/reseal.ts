/** Sealing anew on PostgreSQL; see `../reseal.ts`. @module */
import { type SealedColumn, sealedColumns } from '../reseal.ts'
import { checkPurpose, type KeyRing, retiredNamesPurpose } from '../sealing.ts'
import type { Settings } from '../settings.ts'
import type { Connection } from './client.ts'
import { changeLock, type PostgresWriter, transactionOn } from './writer.ts'

export interface PostgresResealNeeds {
  readonly reads: Connection
  readonly writer: PostgresWriter
  readonly settings: Settings
  readonly ring: KeyRing
}

const chunk = 200

interface Row {
  readonly id: string
  readonly box: Buffer
  readonly place: Buffer | null
}

/** Seals anew whatever a former key sealed; says how many values it were. */
export async function resealPostgres(needs: PostgresResealNeeds): Promise<number> {
  let count = 0
  for (const column of sealedColumns) count += await resealColumn(column, needs)
  // Last: as long as it is the former key's, a start without that key is refused.
  return count + (await resealSetting(retiredNamesPurpose, needs)) + (await resealSetting(checkPurpose, needs))
}

async function resealColumn(sealed: SealedColumn, { reads, writer, ring }: PostgresResealNeeds): Promise<number> {
  const { table, column, purpose, bound } = sealed
  // Where a row lies; one that is rewritten moves on, and is found sealed by the newest key there.
  const next = `SELECT ctid::text AS id, ${column} AS box, ${bound ?? 'NULL::bytea'} AS place FROM ${table}
    WHERE ctid > @after::tid AND ${column} IS NOT NULL ORDER BY ctid LIMIT ${chunk}`
  const update = `UPDATE ${table} SET ${column} = @renewed WHERE ctid = @id::tid AND ${column} = @box`
  const renew = ({ box, place }: Row) =>
    ring.seal(ring.open(box, purpose, place ?? undefined), purpose, place ?? undefined)
  let count = 0
  let after = '(0,0)'
  for (;;) {
    const { rows } = await transactionOn(reads).run<Row>(next, { after })
    const last = rows.at(-1)
    if (last === undefined) return count
    after = last.id
    const old = rows.filter(({ box }) => !ring.isNewest(box)).map((row) => ({ ...row, renewed: renew(row) }))
    if (old.length > 0)
      count += await writer.run(async (tx) => {
        // A change through the ORM may write the same rows: each waits for the other before it takes one.
        await tx.run(`SELECT pg_advisory_xact_lock_shared(${changeLock})`)
        let changed = 0
        for (const { id, box, renewed } of old) changed += (await tx.run(update, { id, box, renewed })).changes
        return changed
      })
  }
}

async function resealSetting(name: string, { settings, ring }: PostgresResealNeeds): Promise<number> {
  const value = await settings.get(name)
  const box = Buffer.from(value ?? '', 'base64')
  if (value === undefined || ring.isNewest(box)) return 0
  await settings.set(name, ring.seal(ring.open(box, name), name).toString('base64'))
  return 1
}

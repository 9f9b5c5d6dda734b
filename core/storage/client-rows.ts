/** Relying parties of the database as services are asked about: by prepared statements, for either database. @module */
import type { Client } from './entities.ts'
import type { Queries } from './query.ts'

/** What a row says of its client. */
export interface ClientRow extends Pick<Client, 'source' | 'createdAt'> {
  /** As they were written. */
  readonly settings: unknown
  readonly secretSealed: Buffer | null
}

interface Columns {
  readonly source: Client['source']
  readonly settings: string
  readonly secret_sealed: Buffer | null
  readonly created_at: number
}

/** The reads. */
export interface ClientRows {
  find(id: string): Promise<ClientRow | undefined>
  /** Settings, by id, of those that name this text anywhere: whoever asks looks where. */
  naming(text: string): Promise<ReadonlyMap<string, unknown>>
}

/** The reads by the statements of one connection. */
export function createClientRows(queries: Queries): ClientRows {
  const byId = queries.rows<[string], Columns>(
    'SELECT source, cast(metadata AS text) AS settings, secret_sealed, created_at FROM client WHERE id = ?',
  )
  const naming = queries.rows<[string], { readonly id: string; readonly settings: string }>(
    'SELECT id, cast(metadata AS text) AS settings FROM client WHERE instr(cast(metadata AS text), ?) > 0',
  )
  return {
    async find(id) {
      const row = await byId.get(id)
      if (row === undefined) return undefined
      const { source, settings, secret_sealed: secretSealed, created_at: at } = row
      return { source, settings: JSON.parse(settings) as unknown, secretSealed, createdAt: new Date(at) }
    },
    async naming(text) {
      // As it is spelled within JSON.
      const rows = await naming.all(JSON.stringify(text).slice(1, -1))
      return new Map(rows.map(({ id, settings }) => [id, JSON.parse(settings) as unknown]))
    },
  }
}

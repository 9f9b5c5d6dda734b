/** Relying parties of the database as services are asked about: by prepared statements, for either database. @module */
import type { Queries } from './query.ts'

/** The reads. */
export interface ClientRows {
  /** Settings, by id, of those that name this text anywhere: whoever asks looks where. */
  naming(text: string): Promise<ReadonlyMap<string, unknown>>
}

/** The reads by the statements of one connection. */
export function createClientRows(queries: Queries): ClientRows {
  const naming = queries.rows<[string], { readonly id: string; readonly settings: string }>(
    'SELECT id, cast(metadata AS text) AS settings FROM client WHERE instr(cast(metadata AS text), ?) > 0',
  )
  return {
    async naming(text) {
      // As it is spelled within JSON.
      const rows = await naming.all(JSON.stringify(text).slice(1, -1))
      return new Map(rows.map(({ id, settings }) => [id, JSON.parse(settings) as unknown]))
    },
  }
}

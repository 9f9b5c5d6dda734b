/** The tables of importers: accounts whose person has not come yet, and what became of the rows that were imported. @module */
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { AccountEntity } from './entities.ts'

/** Whom an imported account waits for: who is vouched for as this, by this sign-in, is let into it, once. */
export const AwaitedNameEntity = defineEntity({
  name: 'AwaitedName',
  tableName: 'awaited_name',
  primaryKeys: ['instance', 'value'],
  properties: {
    instance: p.text().primary(),
    /** A mail address in small letters, or a subject. */
    value: p.text().primary(),
    account: () => p.manyToOne(AccountEntity).mapToPk().deleteRule('cascade').index(),
    createdAt: p.datetime(),
  },
})

/** A row of another system that was imported: what it became here, and how it read then. */
const ImportedRowEntity = defineEntity({
  name: 'ImportedRow',
  tableName: 'imported_row',
  primaryKeys: ['source', 'kind', 'key'],
  properties: {
    /** The system it came from, as `labgate import --as` calls it. */
    source: p.text().primary(),
    kind: p.text().primary(),
    /** What names the row there. */
    key: p.text().primary(),
    /** Id of what it became here. */
    target: p.text(),
    /** Of what it said: tells a change without keeping what it says. */
    digest: p.text(),
    at: p.datetime(),
  },
})

/** The entities of this file, in the order the tables are made. */
export const importEntities = [AwaitedNameEntity, ImportedRowEntity]

export type ImportedRow = InferEntity<typeof ImportedRowEntity>

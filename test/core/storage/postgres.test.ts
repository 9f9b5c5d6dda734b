import { suite } from 'node:test'
import { needs } from '../../support/needs.ts'
import { openPostgres } from '../../support/storage-postgres.ts'
import { artifactSuite } from './artifact-suite.ts'
import { storageSuite } from './storage-suite.ts'

/** What is meant to differ from what MikroORM would make. */
function withoutWhatIsMeant(sql: string): string {
  const meant = [
    /^set names 'utf8';$/,
    // An index on the first column of another one is spared by it.
    /^drop index "\w+";$/,
    // Ids are counted by an identity, of 64 bits.
    /^alter table "\w+" drop column "(id|seq)";$/,
    /^alter table "\w+" add "(id|seq)" serial primary key;$/,
    // What our statements use on either database.
    /^drop function if exists "(instr|json_each|json_extract|labgate_json)"\([^)]*\);$/,
  ]
  const lines = sql.split('\n').filter((line) => line !== '' && !meant.some((pattern) => pattern.test(line)))
  return lines.join('\n')
}

suite('PostgreSQL', { skip: needs('postgres') }, () => {
  artifactSuite('PostgreSQL', openPostgres)
  storageSuite('PostgreSQL', openPostgres, withoutWhatIsMeant)
})

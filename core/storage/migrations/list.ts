/** The migrations, oldest first. One that was released is never edited: the next change is a new file here. @module */
import { First } from './0001-first.ts'
import { Ledger } from './0002-ledger.ts'
import { AccountLife } from './0003-account-life.ts'
import { NumericIds } from './0004-numeric-ids.ts'
import { Managers } from './0005-managers.ts'
import { Workspaces } from './0006-workspaces.ts'
import { Imports } from './0007-imports.ts'
import { DirectWays } from './0008-direct-ways.ts'
import { PostgreSql } from './0009-postgresql.ts'
import { KeyStages } from './0010-key-stages.ts'
import { AuditActors } from './0011-audit-actors.ts'

/** Name and class of every migration; the names stand in the database. */
export const migrations = [
  { name: '0001-first', class: First },
  { name: '0002-ledger', class: Ledger },
  { name: '0003-account-life', class: AccountLife },
  { name: '0004-numeric-ids', class: NumericIds },
  { name: '0005-managers', class: Managers },
  { name: '0006-workspaces', class: Workspaces },
  { name: '0007-imports', class: Imports },
  { name: '0008-direct-ways', class: DirectWays },
  { name: '0009-postgresql', class: PostgreSql },
  { name: '0010-key-stages', class: KeyStages },
  { name: '0011-audit-actors', class: AuditActors },
]

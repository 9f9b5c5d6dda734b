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
import { StartReads } from './0012-start-reads.ts'
import { migrationNames } from './names.ts'

const classes: Readonly<Record<(typeof migrationNames)[number], typeof First>> = {
  '0001-first': First,
  '0002-ledger': Ledger,
  '0003-account-life': AccountLife,
  '0004-numeric-ids': NumericIds,
  '0005-managers': Managers,
  '0006-workspaces': Workspaces,
  '0007-imports': Imports,
  '0008-direct-ways': DirectWays,
  '0009-postgresql': PostgreSql,
  '0010-key-stages': KeyStages,
  '0011-audit-actors': AuditActors,
  '0012-start-reads': StartReads,
}

/** Name and class of every migration; the names stand in the database. */
export const migrations = migrationNames.map((name) => ({ name, class: classes[name] }))

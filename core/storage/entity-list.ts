/** Every entity, for whichever database. @module */
import { entities } from './entities.ts'
import { importEntities } from './import-entities.ts'
import { ledgerEntities } from './ledger-entities.ts'
import { lifeEntities } from './life-entities.ts'
import { workspaceEntities } from './workspace-entities.ts'

/** All tables that MikroORM knows. */
export const allEntities = [...entities, ...ledgerEntities, ...lifeEntities, ...importEntities, ...workspaceEntities]

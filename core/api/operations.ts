/** The table of operations, in the order of the document. @module */
import type { Schema } from '@labgate/contract'
import { accountLifeOperations, accountLifeSchemas } from './account-life.ts'
import { accountOperations, accountSchemas } from './accounts.ts'
import { auditOperations, auditSchemas } from './audit.ts'
import { clientOperations, clientSchemas } from './clients.ts'
import { datasetOperations, datasetSchemas } from './datasets.ts'
import { openApiDocument, openTag } from './document.ts'
import { explainOperations, explainSchemas } from './explain.ts'
import { grantOperations, grantSchemas } from './grants.ts'
import { groupOperations, groupSchemas } from './groups.ts'
import { identityOperations, identitySchemas } from './identities.ts'
import { invitationSchemas, joiningOperations } from './invitations.ts'
import { meOperations, meSchemas } from './me.ts'
import type { Operation } from './operation.ts'
import { problemSchema } from './problem.ts'
import { problemOperations } from './problems.ts'
import { profileOperations, profileSchemas } from './profiles.ts'
import { requestOperations, requestSchemas } from './requests.ts'
import { serviceAccountOperations, serviceAccountSchemas } from './service-accounts.ts'
import { termsOperations, termsSchemas } from './terms.ts'
import { tokenOperations, tokenSchemas } from './tokens.ts'
import { workspaceHouseOperations, workspaceHouseSchemas } from './workspace-house.ts'
import { workspaceSchemas } from './workspace-schemas.ts'
import { workspaceOperations } from './workspaces.ts'

/** Every operation. */
export const operations: readonly Operation[] = [
  ...meOperations,
  ...datasetOperations,
  ...grantOperations,
  ...termsOperations,
  ...requestOperations,
  ...groupOperations,
  ...accountOperations,
  ...identityOperations,
  ...profileOperations,
  ...accountLifeOperations,
  ...joiningOperations,
  ...serviceAccountOperations,
  ...tokenOperations,
  ...clientOperations,
  ...workspaceOperations,
  ...workspaceHouseOperations,
  ...explainOperations,
  ...auditOperations,
  ...problemOperations,
]

/** Schemas of answers, by the name that the document gives them. */
export const schemas: Readonly<Record<string, Schema>> = {
  ...meSchemas,
  ...datasetSchemas,
  ...grantSchemas,
  ...termsSchemas,
  ...requestSchemas,
  ...groupSchemas,
  ...accountSchemas,
  ...identitySchemas,
  ...profileSchemas,
  ...invitationSchemas,
  ...accountLifeSchemas,
  ...serviceAccountSchemas,
  ...tokenSchemas,
  ...clientSchemas,
  ...workspaceSchemas,
  ...workspaceHouseSchemas,
  ...explainSchemas,
  ...auditSchemas,
  Problem: problemSchema,
}

const tags = {
  me: 'Whose token this is.',
  datasets: 'Datasets with their versions, places, tables and public objects.',
  grants: 'Who may do what on which dataset, and on which conditions.',
  terms: 'Terms of use: their texts, who accepted them, links that invite to them.',
  requests: 'People who ask for access.',
  groups: 'Groups, their members and managers.',
  accounts: 'People and programs, their state, role and sessions.',
  invitations: 'People who are invited by mail, and people who wait for approval.',
  'service accounts': 'Accounts of programs.',
  tokens: 'API tokens.',
  clients: 'Relying parties, invitations to register one, what people let them see.',
  workspaces: 'Notebooks and the like that run for people, quotas and places to run.',
  explain: 'Why somebody may, or may not.',
  audit: 'What happened, by whom.',
  [openTag]: 'What needs no token.',
}

/** The OpenAPI document. */
export const document = openApiDocument({ operations, schemas, tags })

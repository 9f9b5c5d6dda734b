/** Names of the migrations, oldest first, as they stand in the database; what they do is in {@link ./list.ts}. @module */
export const migrationNames = [
  '0001-first',
  '0002-ledger',
  '0003-account-life',
  '0004-numeric-ids',
  '0005-managers',
  '0006-workspaces',
  '0007-imports',
  '0008-direct-ways',
  '0009-postgresql',
  '0010-key-stages',
  '0011-audit-actors',
  '0012-start-reads',
] as const

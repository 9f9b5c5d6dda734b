/** What a storage offers and how one is opened, whichever database is behind it. @module */
import type { Clock, Log, Store } from '@labgate/contract'
import type { EntityManager, MikroORM } from '@mikro-orm/sqlite'
import type { AccountRows } from './account-rows.ts'
import type { Alone } from './alone.ts'
import type { ArtifactStore } from './artifacts.ts'
import type { AuditTrail } from './audit.ts'
import type { Cleaner } from './cleanup.ts'
import type { ClientRows } from './client-rows.ts'
import type { Reads } from './late-orm.ts'
import type { LedgerRows } from './ledger-rows.ts'
import type { MakeLimiter } from './limiter.ts'
import type { Notices } from './notices.ts'
import type { PostgresTarget } from './postgres/client.ts'
import type { RedisState, RedisTarget } from './redis.ts'
import type { KeyRing } from './sealing.ts'
import type { SessionStore } from './sessions.ts'
import type { Settings } from './settings.ts'
import type { StartRows } from './start-rows.ts'
import type { TokenRows } from './token-rows.ts'
import type { WorkspaceRows } from './workspace-rows.ts'
import type { Pause } from './writer.ts'

export interface StorageOptions {
  /** Path of the SQLite file; it and its folder are made when missing. Not with `postgres`. */
  readonly file?: string
  /** The PostgreSQL to use instead of a file. */
  readonly postgres?: PostgresTarget | undefined
  /** A Redis that all processes share, for what is counted and what lives for minutes. */
  readonly redis?: RedisTarget | undefined
  readonly clock: Clock
  /** Sealing secrets, revealed, newest first, each of at least 32 characters. */
  readonly keys: readonly string[]
  readonly log: Log
  /** `auto` brings the schema up to date, `check` refuses when it is not. Default: `auto` for a file, `check` for PostgreSQL. */
  readonly migrate?: 'auto' | 'check'
  /** For tests: called at named points of the writing. */
  readonly pause?: Pause
}

/** Everything that outlives the process. */
export interface Storage {
  /** MikroORM itself, loaded when first asked for. */
  orm(): Promise<MikroORM>
  /** Reading by an entity manager of its own; inside `transaction`, by the transaction's. */
  em(): Reads
  /**
   * The only way to write through the ORM: one transaction, while no other write runs. Keep it short: everything
   * that writes waits for it. Inside it write through `em` only; a transaction within a transaction joins it.
   */
  transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T>
  /** Runs it once the open transaction has committed, and never when it fails; at once when none is open. It must not throw. */
  afterCommit(work: () => void): void
  /** Runs what answers one request: what it has read once need not be asked of another machine again, until it writes. */
  during<T>(work: () => T): T
  /** Accounts and identities on the hot path. */
  readonly accountRows: AccountRows
  /** Relying parties of the database, as answers read them. */
  readonly clientRows: ClientRows
  /** The ledger, as answers read it. */
  readonly ledgerRows: LedgerRows
  /** API tokens on the hot path. */
  readonly tokenRows: TokenRows
  /** What every start reads. */
  readonly startRows: StartRows
  /** Workspaces on the hot path. */
  readonly workspaceRows: WorkspaceRows
  /** Held by the one process that looks after workspaces. */
  readonly alone: Alone
  readonly artifacts: ArtifactStore
  readonly sessions: SessionStore
  /** The documents of one plugin instance. */
  documents(owner: string): Store
  readonly audit: AuditTrail
  /** Whether other processes may serve on it at the same time. */
  readonly isShared: boolean
  /** Word to the other processes that serve on it. */
  readonly notices: Notices
  readonly ring: KeyRing
  readonly settings: Settings
  readonly cleaner: Cleaner
  /** Makes counters that all processes share; absent where there is but one process. */
  readonly limiter?: MakeLimiter
  /** How the Redis beside it is; absent where there is none. */
  readonly redis?: RedisState
  /**
   * Another number after every commit, of whichever process; what was read at the same number is still right. NaN, which
   * equals nothing, where that cannot be told without a read.
   */
  generation(): number
  /** The same of the ledger alone, which is written through the ORM only: what sign-ins write leaves it. */
  ledgerGeneration(): number
  /** Changes when another connection has written: another process, or an ORM transaction of this one; or at each look, where that cannot be told. */
  dataVersion(): number
  /** Transactions committed by the group commit so far. */
  commits(): number
  /** Whether the database answers. */
  answers(): Promise<boolean>
  /** Brings the schema up to date; says which migrations ran. */
  migrate(): Promise<string[]>
  /** Names of the migrations that have not run. */
  pendingMigrations(): Promise<string[]>
  /**
   * Rewrites the file, or the tables, so that nothing deleted is left in them. Takes as long as copying; writing waits
   * meanwhile, and on PostgreSQL reading too, table by table.
   * @throws Fault ERR_STORAGE when another process holds it
   */
  compact(): Promise<void>
  /** Seals anew, with the newest key, whatever a former key sealed; says how many values it were. */
  reseal(): Promise<number>
  /** Writes what waits and closes; called twice, the second time does nothing. */
  close(): Promise<void>
}

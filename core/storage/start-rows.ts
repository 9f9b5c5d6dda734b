/** What every start reads, by plain statements: for these alone the ORM would have to be loaded before the first answer. @module */
import type { SigningKey } from './entities.ts'
import type { Queries } from './query.ts'

/** Reads of a start. */
export interface StartRows {
  /** The newest first. */
  signingKeys(): Promise<SigningKey[]>
  hasAdmin(): Promise<boolean>
  /** Whether a config has left anything in the ledger that another config would have to end or to change. */
  hasSeeded(): Promise<boolean>
  /** Whether anybody has answered a question of the profile, or is in a group by an answer. */
  hasProfiles(): Promise<boolean>
}

interface KeyColumns extends Pick<SigningKey, 'kid' | 'alg' | 'use' | 'state'> {
  readonly jwk_sealed: Buffer
  readonly created_at: number
  readonly state_since: number | null
}

function someOf(parts: readonly string[]): string {
  return `SELECT 1 FROM (${parts.map((part) => `SELECT 1 FROM ${part}`).join(' UNION ALL ')}) AS found LIMIT 1`
}

/** Whether there is any; by name, so that a test can ask SQLite how it would find out. */
export const startQuestions = {
  hasAdmin: someOf(["account WHERE role = 'admin' AND state = 'active'"]),
  hasSeeded: someOf([
    'setting WHERE "key" = \'ledger.config\'',
    ...['account_group', 'membership', 'group_manager', 'dataset', 'access_grant', 'terms'].map(
      (table) => `${table} WHERE source = 'config'`,
    ),
  ]),
  hasProfiles: someOf(['profile_answer', "membership WHERE source = 'profile'"]),
} as const

/** The reads by the statements of one connection. */
export function createStartRows({ queries }: { readonly queries: Queries }): StartRows {
  const keys = queries.rows<[], KeyColumns>('SELECT * FROM signing_key ORDER BY created_at DESC')
  const asked = (question: keyof typeof startQuestions) => {
    const query = queries.values<[], number>(startQuestions[question])
    return async () => (await query.get()) !== undefined
  }
  return {
    signingKeys: async () => (await keys.all()).map(keyOf),
    hasAdmin: asked('hasAdmin'),
    hasSeeded: asked('hasSeeded'),
    hasProfiles: asked('hasProfiles'),
  }
}

function keyOf({ jwk_sealed: jwkSealed, created_at: at, state_since: since, ...rest }: KeyColumns): SigningKey {
  return { ...rest, jwkSealed, createdAt: new Date(at), stateSince: since === null ? null : new Date(since) }
}

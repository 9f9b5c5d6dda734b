/** Browser sessions on PostgreSQL; see `../sessions.ts` for the rules. @module */
import type { Clock } from '@labgate/contract'
import type { KeyRing } from '../sealing.ts'
import {
  childOf,
  digestOf,
  isOver,
  rowOf,
  type StoredSession,
  sealedUid,
  sessionOf,
  uidDigest,
} from '../session-rows.ts'
import { type SessionRow, type SessionStore, touchMs } from '../sessions.ts'
import type { Connection } from './client.ts'
import type { Recall } from './recall.ts'
import { forgetting, type PostgresWriter, type Transaction, transactionOn } from './writer.ts'

const columns = [
  ...['digest', 'parent', 'account', 'provider_uid_digest', 'provider_uid', 'host', 'created_at', 'last_seen_at'],
  ...['idle_seconds', 'ends_at', 'remember', 'amr', 'acr', 'auth_time', 'instance', 'identity', 'address'],
  ...['user_agent', 'data'],
]

const select = 'SELECT * FROM browser_session WHERE'
const statements = {
  get: `${select} digest = ?`,
  getByProviderUid: `${select} provider_uid_digest = ? ORDER BY created_at DESC LIMIT 1`,
  listRoots: `${select} account = ? AND parent IS NULL ORDER BY last_seen_at DESC`,
  insert: `INSERT INTO browser_session (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
  // The parent's row first, as below.
  touch: `WITH held AS MATERIALIZED (SELECT digest FROM browser_session
      WHERE (digest = @digest OR digest = @parent) AND last_seen_at < @at ORDER BY parent NULLS FIRST FOR NO KEY UPDATE)
    UPDATE browser_session s SET last_seen_at = @at FROM held WHERE s.digest = held.digest`,
  bindProvider: `UPDATE browser_session SET provider_uid = @provider_uid, provider_uid_digest = @provider_uid_digest
    WHERE digest = @digest`,
  // The parent's row first: a child that is being made under it is made before, and goes too, or not at all.
  hold: `${select} digest = ? FOR UPDATE`,
  deleteWithChildren: 'DELETE FROM browser_session WHERE digest = @digest OR parent = @digest',
  deleteExpired: `DELETE FROM browser_session WHERE digest IN
    (SELECT digest FROM browser_session WHERE ends_at <= @now ORDER BY ends_at LIMIT @limit FOR UPDATE SKIP LOCKED)`,
}

export interface PostgresSessionNeeds {
  readonly reads: Connection
  readonly recall: Recall
  readonly writer: PostgresWriter
  readonly ring: KeyRing
  readonly clock: Clock
}

/** Rows of a statement with one value. */
async function rows(tx: Transaction, sql: string, value: unknown): Promise<StoredSession[]> {
  return (await tx.run<StoredSession>(sql, [value])).rows
}

async function one(tx: Transaction, sql: string, value: unknown): Promise<StoredSession | undefined> {
  return (await rows(tx, sql, value))[0]
}

/** What is written, inside a transaction. */
function writes(ring: KeyRing) {
  const insert = async (tx: Transaction, row: StoredSession): Promise<SessionRow> => {
    await tx.run(statements.insert, { ...row, remember: row.remember === 1 })
    return sessionOf(row, ring)
  }
  const end = async (tx: Transaction, key: Buffer, account?: string): Promise<SessionRow | undefined> => {
    const row = await one(tx, statements.hold, key)
    if (row === undefined || (account !== undefined && row.account !== account)) return undefined
    await tx.run(statements.deleteWithChildren, { digest: key })
    return sessionOf(row, ring)
  }
  return { insert, end }
}

/** Makes the session store. */
export function createPostgresSessions(needs: PostgresSessionNeeds) {
  const { ring, clock } = needs
  const recalled = needs.recall.part()
  const writer = forgetting(needs.writer, recalled)
  const now = () => clock.now().getTime()
  const reads = transactionOn(needs.reads)
  const opened = (row: StoredSession | undefined): SessionRow | undefined => row && sessionOf(row, ring)
  const recalledOne = (sql: string, digest: Buffer) =>
    recalled.read(`${sql} ${digest.toString('latin1')}`, () => one(reads, sql, digest))
  const get = (digest: Buffer) => recalledOne(statements.get, digest)
  /** A child's own idleness does not count, only its root's. */
  const alive = async (row: StoredSession | undefined): Promise<StoredSession | undefined> => {
    const root = row?.parent == null ? row : await get(row.parent)
    return root === undefined || isOver(root, now()) ? undefined : row
  }
  const stored = (id: string) => get(digestOf(id))
  const { insert, end } = writes(ring)
  const store: SessionStore = {
    create: (session) => {
      const row = rowOf(session, { digest: digestOf(session.id), now: now(), ring })
      return insert({ run: writer.one }, row)
    },
    find: async (id) => opened(await alive(await stored(id))),
    async touch(id) {
      const row = await alive(await stored(id))
      const at = now()
      if (row !== undefined && at - row.last_seen_at >= touchMs)
        await writer.one(statements.touch, { digest: row.digest, parent: row.parent, at })
    },
    async bindProvider(id, providerUid) {
      const digest = digestOf(id)
      const uid = sealedUid(providerUid, digest, ring)
      await writer.one(statements.bindProvider, { digest, ...uid })
    },
    findByProviderUid: async (uid) =>
      opened(await alive(await recalledOne(statements.getByProviderUid, uidDigest(uid)))),
    end: async (id) => ((await stored(id)) === undefined ? undefined : writer.run((tx) => end(tx, digestOf(id)))),
    endByHandle: (account, handle) => writer.run((tx) => end(tx, Buffer.from(handle, 'hex'), account)),
    endByAccount: (account, { exceptId } = {}) =>
      writer.run(async (tx) => {
        const kept = exceptId === undefined ? undefined : await one(tx, statements.get, digestOf(exceptId))
        const root = kept?.parent ?? kept?.digest
        const ended: SessionRow[] = []
        const roots = await rows(tx, statements.listRoots, account)
        // In one order, whoever else ends them at the same time.
        for (const row of roots.toSorted((a, b) => a.digest.compare(b.digest))) {
          const gone = root?.equals(row.digest) === true ? undefined : await end(tx, row.digest)
          if (gone) ended.push(gone)
        }
        return ended
      }),
    async listByAccount(account) {
      const roots = await rows(reads, statements.listRoots, account)
      return roots.flatMap((row) => (isOver(row, now()) ? [] : [sessionOf(row, ring)]))
    },
    async child({ parentHandle, id, host }) {
      const place = { digest: digestOf(id), host, now: now() }
      return writer.run(async (tx) => {
        const parent = await one(tx, statements.get, Buffer.from(parentHandle, 'hex'))
        if (parent === undefined) return undefined
        // Held until the child is there: who ends the parent meanwhile ends the child, too.
        const root = await one(tx, statements.hold, parent.parent ?? parent.digest)
        if (root === undefined || isOver(root, now())) return undefined
        return insert(tx, childOf(parent, place))
      })
    },
  }
  const deleteExpired = async (limit: number) =>
    (await writer.one(statements.deleteExpired, { now: now(), limit })).changes
  return { ...store, deleteExpired }
}

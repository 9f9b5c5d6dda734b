/**
 * Answers from ledgers of different sizes, in one process and by turns: what an answer costs must not grow with what
 * others hold. Every account holds as much as every other, in the smallest ledger and in the largest.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type Access, createAccess } from '../../core/access/access.ts'
import { createGrants } from '../../core/access/grants.ts'
import { createChange } from '../../core/accounts/changes.ts'
import { openStorage, type Storage } from '../../core/storage/storage.ts'
import { statementsOf } from '../support/statements.ts'
import { median } from './measure.ts'

/** What an answer costs in one ledger; microseconds, the median of all rounds. */
export interface AccessRow {
  readonly grants: number
  readonly decide: number
  /** Of somebody who was not asked about since the last change. */
  readonly decideFirst: number
  readonly snapshot: number
  readonly snapshotFirst: number
  /** Statements of one operation of each kind. */
  readonly statements: Readonly<Record<Operation, number>>
}

export const operations = ['decide', 'decideFirst', 'snapshot', 'snapshotFirst'] as const
export type Operation = (typeof operations)[number]

/** Grants of every account. */
export const holds = 10
const askedAbout = 1000
const ignore = () => undefined
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const clock = { now: () => new Date() }

/** Measures ledgers of these sizes. */
export async function accessRows(sizes: readonly number[], rounds: number): Promise<AccessRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-access-'))
  const ledgers: OpenLedger[] = []
  try {
    for (const size of sizes) ledgers.push(await openLedger(join(folder, `${size}.db`), size))
    const took = new Map(ledgers.map((ledger) => [ledger, [] as Record<Operation, number>[]]))
    for (let round = 0; round <= rounds; round++)
      for (const ledger of ledgers) {
        const times = await oneRound(ledger)
        // The first round warms up.
        if (round > 0) took.get(ledger)?.push(times)
      }
    const rows: AccessRow[] = []
    for (const ledger of ledgers) {
      const of = (name: Operation) => median((took.get(ledger) ?? []).map((times) => times[name]))
      const costs = Object.fromEntries(operations.map((name) => [name, of(name)])) as Record<Operation, number>
      rows.push({ grants: ledger.size, ...costs, statements: await countedIn(ledger) })
    }
    return rows
  } finally {
    for (const { storage } of ledgers) await storage.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface OpenLedger {
  readonly size: number
  readonly storage: Storage
  readonly access: Access
  /** Drops what is remembered, as any change to the ledger does. */
  forget(): Promise<void>
  account(turn: number): string
  dataset(turn: number): string
}

async function openLedger(file: string, size: number): Promise<OpenLedger> {
  const storage = await openStorage({ file, clock, keys: ['bench key bench key bench key bench key'], log: quiet })
  const people = Math.max(1, Math.floor(size / holds))
  fill(file, people)
  const step = Math.max(1, Math.floor(people / askedAbout))
  return {
    size,
    storage,
    access: createAccess({ storage, clock }),
    forget: async () =>
      storage.settings.set('ledger.revision', String((await storage.ledgerRows.ledgerRevision()) + 1)),
    account: (turn) => `p${((turn % askedAbout) * step) % people}`,
    dataset: (turn) => `d${turn % holds}`,
  }
}

function fill(file: string, people: number): void {
  const database = new Database(file)
  const account = database.prepare(
    `insert into account (id, state, role, username, display_name, email_verified, created_at, updated_at, revision)
     values (?, 'active', 'user', ?, ?, 0, 0, 0, 1)`,
  )
  const dataset = database.prepare(`insert into dataset (slug, title, created_at, updated_at) values (?, ?, 0, 0)`)
  const grant = database.prepare(
    `insert into access_grant (subject, dataset, level, conditions, granted_by, created_at) values (?, ?, 'view', '{}', 'bench', 0)`,
  )
  database.transaction(() => {
    for (let number = 0; number < holds; number++) dataset.run(`d${number}`, `Dataset ${number}`)
    for (let person = 0; person < people; person++) account.run(`p${person}`, `p${person}`, `p${person}`)
    for (let number = 0; number < holds; number++)
      for (let person = 0; person < people; person++) grant.run(`account:p${person}`, `d${number}`)
  })()
  database.close()
}

const asks: Readonly<Record<Operation, (ledger: OpenLedger, turn: number) => Promise<boolean>>> = {
  decide: decideOne,
  decideFirst: decideOne,
  snapshot: snapshotOne,
  snapshotFirst: snapshotOne,
}

async function decideOne({ access, account, dataset }: OpenLedger, turn: number): Promise<boolean> {
  return (await access.decide({ account: account(turn), dataset: dataset(turn), verb: 'view' })).allowed
}

async function snapshotOne({ access, account }: OpenLedger, turn: number): Promise<boolean> {
  return (await access.snapshot(account(turn))).grants.length === holds
}

async function oneRound(ledger: OpenLedger): Promise<Record<Operation, number>> {
  const costs = { decide: 0, decideFirst: 0, snapshot: 0, snapshotFirst: 0 }
  const people = Math.min(askedAbout, Math.max(1, ledger.size / holds))
  for (const name of ['decideFirst', 'decide', 'snapshotFirst', 'snapshot'] as const) {
    const isFirst = name.endsWith('First')
    let [spent, asked] = [0, 0]
    // A small ledger has few people: they are asked about again, each time as if for the first time.
    const times = isFirst ? Math.min(askedAbout, people * 20) : askedAbout
    // Since the last commit of whatever kind each has been looked at once: what is measured is an answer that stands.
    if (!isFirst) for (let turn = 0; turn < askedAbout; turn++) await asks[name](ledger, turn)
    while (asked < times) {
      if (isFirst) await ledger.forget()
      const start = performance.now()
      for (let turn = 0; turn < (isFirst ? people : askedAbout); turn++, asked++)
        if (!(await asks[name](ledger, turn))) throw new Error(`${name} of a ledger of ${ledger.size}: a wrong answer`)
      spent += performance.now() - start
    }
    costs[name] = (spent * 1000) / asked
  }
  return costs
}

async function countedIn(ledger: OpenLedger): Promise<Record<Operation, number>> {
  const counted = { decide: 0, decideFirst: 0, snapshot: 0, snapshotFirst: 0 }
  for (const name of ['decideFirst', 'decide', 'snapshotFirst', 'snapshot'] as const) {
    if (name.endsWith('First')) await ledger.forget()
    counted[name] = (await statementsOf(() => asks[name](ledger, 0))).statements.length
  }
  return counted
}

/** How many rows it takes to give a dataset to a group, and to take it away again. */
export async function rowsOfGroupGrant(members: number): Promise<{ readonly given: number; readonly taken: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-access-'))
  const file = join(folder, 'group.db')
  const { storage, access } = await openLedger(file, members * holds)
  try {
    const database = new Database(file)
    database.exec(`insert into account_group (slug, title) values ('imaging', 'Imaging');
      insert into membership (account_id, group_slug, source, at) select id, 'imaging', 'admin', 0 from account;
      insert into dataset (slug, title, created_at, updated_at) values ('fish', 'Fish', 0, 0)`)
    database.close()
    const grants = createGrants({
      storage,
      clock,
      change: createChange({ storage, log: quiet, authorise: async () => undefined }),
    })
    const actor = { kind: 'system', name: 'bench' } as const
    const asked = { account: `p${members - 1}`, dataset: 'fish', verb: 'view' }
    const changes = async () => {
      const [row] = await storage.em().execute<{ n: number }[]>('select total_changes() as n')
      return row?.n ?? Number.NaN
    }
    const before = await changes()
    const { id } = await grants.add(actor, {
      subject: { kind: 'group', group: 'imaging' },
      dataset: 'fish',
      level: 'view',
    })
    const given = await changes()
    if (!(await access.decide(asked)).allowed) throw new Error('the grant to the group does not count')
    await grants.end(actor, id)
    const taken = await changes()
    if ((await access.decide(asked)).allowed) throw new Error('the grant to the group still counts')
    return { given: given - before, taken: taken - given }
  } finally {
    await storage.close()
    await rm(folder, { recursive: true, force: true })
  }
}

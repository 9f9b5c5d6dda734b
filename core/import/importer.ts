/** An import from beginning to end: tables, what they hold, plan, and, if it is wanted, the work. @module */
import { Fault } from '@labgate/contract'
import type { Reads } from '../storage/late-orm.ts'
import type { ApplyNeeds } from './applying.ts'
import { datasetGatewayNeeds, datasetGatewayTables, readDatasetGateway } from './datasetgateway.ts'
import { readHere } from './here.ts'
import { launchpadNeeds, launchpadTables, readLaunchpad } from './launchpad.ts'
import { middleAuthNeeds, middleAuthTables, readMiddleAuth } from './middle-auth.ts'
import type { Found, Key } from './model.ts'
import { makePlan, type Plan } from './plan.ts'
import { applyPlan, stampOf } from './slices.ts'
import { openTables, type Tables, type Wanted } from './tables.ts'

/** A system that can be imported from. */
export interface ImportSource {
  /** As people call it. */
  readonly title: string
  readonly wanted: Wanted
  /** Tables without which it is another system's file. */
  readonly needs: readonly string[]
  read(tables: Tables, now: Date): Found
}

/** Every source, by the word of its command. */
export const importSources = {
  'middle-auth': {
    title: 'CAVE middle_auth',
    wanted: middleAuthTables,
    needs: middleAuthNeeds,
    read: readMiddleAuth,
  },
  datasetgateway: {
    title: 'DatasetGateway',
    wanted: datasetGatewayTables,
    needs: datasetGatewayNeeds,
    read: readDatasetGateway,
  },
  launchpad: { title: 'datascience-launchpad', wanted: launchpadTables, needs: launchpadNeeds, read: readLaunchpad },
} as const satisfies Readonly<Record<string, ImportSource>>

/** What an import stands on. */
export type ImportNeeds = ApplyNeeds & { readonly steeringCommittee: string }

/** Reads a file. @throws Fault ERR_INPUT when it is none of the source's, or damaged */
export async function readSource(
  source: ImportSource,
  { path, shown, now }: { readonly path: string; readonly shown: string; readonly now: Date },
): Promise<Found> {
  const tables = await openTables(path, source.wanted, shown)
  try {
    const missing = source.needs.filter((table) => !tables.has(table))
    if (missing.length > 0)
      throw new Fault(
        'ERR_INPUT',
        `${shown}: has no table ${missing.join(', ')}: it is no database of ${source.title}, or a dump of a part of it`,
      )
    const found = source.read(tables, now)
    // Against it, everything here would be gone there.
    if (found.people.length === 0)
      throw new Fault('ERR_INPUT', `${shown}: has nobody in it: was the dump made with --schema-only?`)
    return found
  } finally {
    tables.close()
  }
}

/** What an import of this would do now. Writes nothing. */
export function planImport(needs: ImportNeeds, found: Found): Promise<Plan> {
  return planIn(needs.storage.em(), needs, found).then(({ plan }) => plan)
}

/** So often it is planned anew because others write meanwhile. */
const mostTurns = 50

/**
 * Does it, in slices (`slices.ts`); answers what was to do when it began. Repeated, it finds what is left to do.
 * @throws Fault ERR_INPUT when something must be mended first; ERR_CONFLICT when others write all the time
 */
export async function applyImport(needs: ImportNeeds, found: Found): Promise<Plan> {
  let first: Plan | undefined
  for (let turn = 0; turn < mostTurns; turn++) {
    const stamp = await stampOf(needs.storage.em())
    const { plan, here } = await planIn(needs.storage.em(), needs, found)
    if (plan.problems.length > 0) throw new Fault('ERR_INPUT', `nothing was imported: ${plan.problems.join('\n  ')}`)
    first ??= plan
    if (await applyPlan(needs, { plan, here, stamp })) return first
  }
  throw new Fault('ERR_CONFLICT', 'others change accounts or the ledger all the time: import again in a quiet hour')
}

/** Ids and numbers of the accounts that people of the source have here; without those who are to be made. */
export async function accountsOf(
  { storage, source, signIn }: ImportNeeds,
  { people }: Found,
): Promise<ReadonlyMap<Key, { readonly id: string; readonly number: number | undefined }>> {
  const here = await readHere(storage.em(), { source, signIn })
  const remembered = here.remembered.get('person')
  return new Map(
    people.flatMap(({ key }) => {
      const account = here.account(remembered?.get(key)?.target.replace(/^=/, '') ?? '')
      return account === undefined ? [] : [[key, account] as const]
    }),
  )
}

async function planIn(em: Reads, { source, signIn, steeringCommittee }: ImportNeeds, found: Found) {
  const here = await readHere(em, { source, signIn })
  return { here, plan: makePlan({ found, here, steeringCommittee }) }
}

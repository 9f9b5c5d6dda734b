import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { covers, type GrantView, heldOn } from '@labgate/contract'
import Database from 'better-sqlite3'
import { type Access, createAccess } from '../../../core/access/access.ts'
import fc from '../../support/chance.ts'
import { openSqlite } from '../../support/storage.ts'
import { instant, questions, start, world } from './arbitrary-world.ts'
import { type Question, verdict } from './oracle.ts'
import { type World, writeWorld } from './world.ts'

suite('every answer is what the rules say, read slowly', async () => {
  const { storage, file, close } = await openSqlite()
  const database = new Database(file)
  after(async () => {
    database.close()
    await close()
  })
  let now = start
  const access = createAccess({ storage, clock: { now: () => new Date(now) } })

  test('decide, explain and a reading of the snapshot agree with them, at any instant', async () => {
    const claim = fc.asyncProperty(world, fc.array(instant, { minLength: 1, maxLength: 3 }), async (made, instants) => {
      await writeWorld(database, made)
      for (const at of instants) {
        now = at
        const views = await viewsOf(access, made)
        for (const { dataset, version } of [...views.values()].flat())
          assert.ok(
            version === undefined || made.versions.some((one) => one.dataset === dataset && one.version === version),
          )
        for (const ask of questions(at)) await agree(access, { made, ask, views })
      }
    })
    await fc.assert(claim, { numRuns: Number(process.env.LABGATE_ORACLE_RUNS ?? 150) })
  })
})

type Views = ReadonlyMap<string, readonly GrantView[]>

async function viewsOf(access: Access, { accounts }: World): Promise<Views> {
  const views = new Map<string, readonly GrantView[]>()
  for (const service of [undefined, 'cave']) {
    views.set(JSON.stringify([undefined, service]), (await access.anyone({ service })).grants)
    for (const { id } of accounts)
      views.set(JSON.stringify([id, service]), (await access.snapshot(id, { service })).grants)
  }
  return views
}

async function agree(access: Access, { made, ask, views }: { made: World; ask: Question; views: Views }) {
  const { now: _, ...asked } = ask
  const wanted = verdict(made, ask)
  const decision = await access.decide(asked)
  const about = JSON.stringify(ask)
  assert.equal(decision.allowed, wanted.allowed, about)
  assert.equal(decision.missing === undefined, wanted.allowed, about)
  assert.equal(stopOf(decision.missing), wanted.stop, about)
  const { lines, allowed, missing, revision, words } = await access.explain(asked)
  assert.deepEqual({ allowed, missing, revision }, decision)
  assert.ok(words.length > 0 && words.every((word) => !/undefined|null|NaN|Infinity/.test(word)), `${about} ${words}`)
  const counting = lines.filter(({ counts }) => counts).map(({ grant }) => grant.id)
  assert.deepEqual(counting.toSorted(), wanted.counting.toSorted(), about)
  readAgrees({ made, ask, views, allowed: wanted.allowed })
}

/** Snapshots know slugs and versions that are there; all the rest is asked of `decide`. */
function readAgrees({ made, ask, views, allowed }: { made: World; ask: Question; views: Views; allowed: boolean }) {
  const { dataset, version, account, service } = ask
  const isThere = made.versions.some((one) => one.dataset === dataset && one.version === version)
  const grants = views.get(JSON.stringify([account, service]))
  if (grants === undefined || dataset === 'zebra' || (version !== undefined && !isThere)) return
  const entry = heldOn(grants, { dataset, version })
  assert.equal(entry !== undefined && covers(entry, ask.verb), allowed, JSON.stringify(ask))
  const before = verdict(made, { ...ask, termsAside: true }).allowed
  assert.equal(entry !== undefined && covers(entry.beforeTerms, ask.verb), before, JSON.stringify(ask))
  if (before && !allowed) assert.ok((entry?.missingTerms.length ?? 0) > 0, JSON.stringify(ask))
}

function stopOf(missing: Awaited<ReturnType<Access['decide']>>['missing']) {
  if (missing?.step === 'account') return 'account'
  return missing?.step === 'dataset' ? missing.why : undefined
}

/** What an import does to accounts: those it makes, what they are called, and whether they may act. @module */
import type { AccountId } from '@labgate/contract'
import { addImportedIn } from '../accounts/imported.ts'
import { AccountEntity } from '../storage/entities.ts'
import { AwaitedNameEntity } from '../storage/import-entities.ts'
import { type Applying, added, importActor, named } from './applying.ts'
import type { FoundPerson } from './model.ts'
import { rememberedOf, stateChanged } from './remembering.ts'
import { remember } from './rows.ts'
import type { Rows, Step } from './steps.ts'

/** Makes people, then programs, which act for them. */
export async function addAccounts(applying: Applying): Promise<void> {
  const { plan, ids } = applying
  for (const step of [...plan.steps.person, ...plan.steps.program])
    if (step.do === 'adopt') ids.set(named('person', step.key), step.target ?? '')
  await addOf(applying, 'person', {
    steps: added(plan.steps.person),
    accountOf: ({ row, number }) => ({
      ...{ kind: 'person', called: row.email?.split('@')[0] ?? row.displayName, description: '', parent: undefined },
      ...{ displayName: row.displayName, email: row.email, state: row.state, number, names: row.names },
    }),
  })
  await addOf(applying, 'program', {
    steps: added(plan.steps.program),
    accountOf: ({ row, number }) => ({
      ...{ kind: 'service', called: row.username, description: row.description, email: undefined, names: [] },
      ...{ displayName: row.displayName, state: row.state, number },
      parent: row.parent === undefined ? undefined : ids.get(named('person', row.parent)),
    }),
  })
}

async function addOf<K extends 'person' | 'program'>(
  { em, storage, clock, random, ids, source, signIn }: Applying,
  kind: K,
  {
    steps,
    accountOf,
  }: {
    steps: readonly Step<Rows[K]>[]
    accountOf: (step: Step<Rows[K]>) => Parameters<typeof addImportedIn>[2][number]
  },
): Promise<void> {
  const made = await addImportedIn(em, { storage, clock, random, instance: signIn }, steps.map(accountOf))
  for (const [index, step] of steps.entries()) {
    const account = made[index] as AccountId
    ids.set(named(kind, step.key), account)
    const detail = { source, after: { kind, number: step.number ?? null, state: step.row.state } }
    await storage.audit.appendIn(em, { type: 'account.imported', actor: importActor.name, account, detail })
  }
}

/** Of somebody who has come, the name is their own, and no address lets anybody else in. */
export async function changePerson({ em, here, clock, signIn, touched }: Applying, row: FoundPerson, id: AccountId) {
  if (!here.account(id)?.isAwaited) return
  const { displayName, names, email = null } = row
  await em.nativeUpdate(AccountEntity, { id }, { displayName, email, updatedAt: clock.now() })
  await em.nativeDelete(AwaitedNameEntity, { account: id, instance: signIn })
  const free = names.filter((name) => (here.known(name) ?? id) === id)
  for (const value of free)
    await em.insert(AwaitedNameEntity, { instance: signIn, value, account: id, createdAt: clock.now() })
  touched.add(id)
}

/** Shuts out, or lets in again, whom the source has: each for itself, and remembered with it. */
export async function settleStates(applying: Omit<Applying, 'em' | 'touched' | 'here'>): Promise<void> {
  const { plan, accounts, serviceAccounts, storage, source, clock } = applying
  for (const kind of ['person', 'program'] as const)
    for (const step of plan.steps[kind]) {
      if (!stateChanged(step) || step.target === undefined) continue
      const { state } = step.row
      if (kind === 'person') await accounts.setState(step.target, state)
      else await serviceAccounts.change(importActor, step.target, { state })
      const row = rememberedOf(applying, kind, step)
      await storage.transaction(async (em) => {
        const [type, account] = [state === 'active' ? 'account.activated' : 'account.deactivated', step.target] as const
        await storage.audit.appendIn(em, { type, actor: importActor.name, account, detail: { source } })
        await remember(em, [row], { source, kind, at: clock.now() })
      })
    }
}

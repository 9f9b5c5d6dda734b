/** Whether the ledger will take what a plan makes: asked before anything is written, all of it at once. @module */
import { isFault } from '@labgate/contract'
import { checkPatch } from '../access/dataset-patch.ts'
import { checkRoot, checkSlug } from '../access/input.ts'
import { checkedId, checkedServices, checkedText, checkedTitle } from '../access/terms-rows.ts'
import { checkedName } from '../accounts/wording.ts'
import { type Here, pair } from './here.ts'
import type { Step, Steps } from './steps.ts'

/** What stands in the way, in words. */
export function problemsOf(steps: Steps, here: Here): string[] {
  const problems: string[] = []
  const check = (what: string, checks: readonly (() => unknown)[]) => {
    for (const one of checks) {
      try {
        one()
      } catch (error) {
        if (!isFault(error)) throw error
        problems.push(`${what}: ${error.message}`)
      }
    }
  }
  for (const { row } of made(steps.group)) check(`group ${row.slug}`, [() => checkedName(row.title)])
  for (const { row, target = row.slug } of made(steps.dataset)) {
    const versions = row.versions.map((version) => ({ version }))
    check(`dataset ${row.slug}`, [() => checkSlug(target), () => checkPatch({ ...row, versions })])
    for (const taken of takenBy(target, row, here)) problems.push(`dataset ${row.slug}: ${taken}; rename one of them`)
  }
  for (const { row, target = row.id } of made(steps.terms))
    check(`terms ${row.id}`, [
      () => checkedId(target),
      () => checkedTitle(row.title),
      () => row.markdown.trim() === '' || checkedText(row.markdown),
      () => checkedServices(row.services),
    ])
  for (const { row } of made(steps.root)) check('public objects', [() => checkRoot(row.root)])
  return problems
}

function made<R>(steps: readonly Step<R>[]): readonly Step<R>[] {
  return steps.filter((step) => step.do !== 'adopt')
}

/** Names that another dataset has here. */
function takenBy(slug: string, row: Steps['dataset'][number]['row'], here: Here): string[] {
  const names = [slug, ...row.aliases].flatMap((name) => {
    const owner =
      here.aliases.get(name.toLowerCase()) ?? (here.datasets.has(name.toLowerCase()) ? name.toLowerCase() : slug)
    return owner === slug ? [] : [`the name ${name} is one of the dataset ${owner} here`]
  })
  const tables = row.tables.flatMap(({ namespace, name }) => {
    const owner = here.tables.get(pair(namespace, name)) ?? slug
    return owner === slug ? [] : [`the table ${name} in ${namespace} is one of the dataset ${owner} here`]
  })
  return [...names, ...tables]
}

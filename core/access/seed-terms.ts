/** The terms of use of the config file: their texts, and that a changed one is published. @module */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { EntityManager } from '@mikro-orm/sqlite'
import { configFault, type Locate, problemAt } from '../config/problems.ts'
import type { Config, TermsEntry } from '../config/schema.ts'
import { TermsEntity } from '../storage/ledger-entities.ts'
import { type Seeding, seedActor } from './seeding.ts'
import { checkedServices, checkedText, checkedTitle, digestOf } from './terms-rows.ts'

/**
 * The texts by id. Relative paths start from the working folder (`cwd`, else the process's), like every other file of the config.
 * @throws Fault ERR_CONFIG with every file that cannot be read
 */
export async function readTexts({ terms }: Pick<Config, 'terms'>, locate: Locate | undefined, cwd = '') {
  const problems: ReturnType<typeof problemAt>[] = []
  const texts: Record<string, string> = {}
  for (const [id, { text }] of Object.entries(terms)) {
    if (text.file === undefined) {
      texts[id] = text.markdown ?? ''
      continue
    }
    try {
      // Another encoding would be accepted as something that nobody has read.
      texts[id] = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(resolve(cwd, text.file)))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
      const why = { ENOENT: 'there is no such file', ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8' }[code]
      const path = ['terms', id, 'text', 'file']
      problems.push(problemAt({ path, locate }, why ?? `cannot be read (${code})`))
    }
  }
  if (problems.length > 0) throw configFault(problems)
  return texts
}

/** Terms that the file has no longer are asked of nobody. */
export async function retireTerms(em: EntityManager, { config, ledger }: Seeding): Promise<void> {
  const rows = await em.find(TermsEntity, { source: 'config', retiredAt: null }, { orderBy: { id: 1 } })
  for (const { id } of rows) if (!Object.hasOwn(config.terms, id)) await ledger.terms.retire(seedActor, id)
}

/** Makes the terms of the file what the file says. */
export async function seedTerms(em: EntityManager, seeding: Seeding): Promise<void> {
  const { config, ledger, texts, at } = seeding
  for (const [id, entry] of Object.entries(config.terms)) {
    const markdown = texts[id] ?? ''
    await at(['terms', id], async () => {
      const { title, dataset, version, services, again } = entry
      if ((await em.count(TermsEntity, { id })) === 0) {
        await ledger.terms.add(seedActor, { id, title, dataset, version, services, markdown })
        return
      }
      await settleTerms(seeding, id, entry)
      const present = await ledger.terms.find(id)
      if (present?.text.digest !== digestOf(checkedText(markdown)))
        await ledger.terms.publish(seedActor, id, { markdown, again })
    })
  }
}

/** Title and place; terms that were taken out and stand in the file again are asked for again. */
async function settleTerms({ change }: Seeding, id: string, entry: TermsEntry): Promise<void> {
  await change(seedActor, undefined, async (em) => {
    const row = await em.findOneOrFail(TermsEntity, { id })
    const view = () => ({
      ...{ title: row.title, dataset: row.dataset ?? null, version: row.version ?? null },
      ...{ services: [...row.services], retired: row.retiredAt !== null },
    })
    const before = view()
    row.title = checkedTitle(entry.title)
    row.dataset = entry.dataset ?? null
    row.version = entry.version ?? null
    const services = checkedServices(entry.services)
    if (JSON.stringify(services) !== JSON.stringify(row.services)) row.services = services
    row.retiredAt = null
    const after = view()
    if (JSON.stringify(before) === JSON.stringify(after)) return { unchanged: undefined }
    return { result: undefined, type: 'terms.changed', target: { terms: id }, before, after }
  })
}

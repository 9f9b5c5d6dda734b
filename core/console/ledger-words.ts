/** Lines of the ledger in the words of the console: who holds what where, on which conditions. @module */
import type { Json, Missing } from '@labgate/contract'
import type { FactCondition, Grant, Subject } from '../access/model.ts'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'
import type { GrantLineView, LinkView } from '../pages/views-console-ledger.ts'
import { isAmong, keptDatasets, seenDatasets } from './scope.ts'
import { instantText } from './typed-ledger.ts'
import { createWho } from './who.ts'

/** What words are made of. */
export type WordsNeeds = Pick<Desk, 'accounts' | 'text' | 'methods' | 'locale' | 'clock'>

/** Words for one answer: a page asks for each name once. */
export interface LedgerWords {
  /** An account, or a part of the house. */
  who(id: string): Promise<LinkView>
  subject(subject: Subject): Promise<LinkView>
  dataset(slug: string): LinkView
  line(grant: Grant): Promise<GrantLineView>
  conditions(grant: Pick<Grant, 'conditions'>): readonly string[]
  missing(missing: Missing): string
}

/** Where a dataset's page is. */
export function datasetPath(slug: string): string {
  return `/console/datasets/${encodeURIComponent(slug)}`
}

/** Makes the words for one request and what its visitor may open. */
export function ledgerWords(ctx: Ctx, desk: WordsNeeds, rights: Rights): LedgerWords {
  const names = createWho(desk)
  const known = new Map<string, Promise<LinkView>>()
  const text = (key: string, values?: Readonly<Record<string, string>>) => desk.text(ctx, `console.${key}`, values)
  const look = async (id: string): Promise<LinkView> => {
    const { name, username } = await names.view(id)
    if (name === undefined) return { label: id }
    return { label: username === undefined || username === name ? name : `${name} (${username})` }
  }
  const who = (id: string): Promise<LinkView> => {
    const found = known.get(id) ?? look(id)
    known.set(id, found)
    return found
  }
  const subject = async (one: Subject): Promise<LinkView> => {
    if (one.kind === 'account') return who(one.account)
    if (one.kind === 'group') {
      const mayOpen = rights.admin || rights.groups.includes(one.group)
      const href = mayOpen ? `/console/groups/${encodeURIComponent(one.group)}` : undefined
      return { label: one.group, href }
    }
    if (one.kind === 'name') return { label: `${one.value} · ${desk.methods.label(one.instance, desk.locale(ctx))}` }
    return { label: text(`subjects.${one.kind}`) }
  }
  const dataset = (slug: string): LinkView =>
    isAmong(seenDatasets(rights), slug) ? { label: slug, href: datasetPath(slug) } : { label: slug }
  const conditions = (grant: Pick<Grant, 'conditions'>) => conditionWords(grant.conditions, text)
  return {
    who,
    subject,
    dataset,
    conditions,
    missing: (one) => missingWords(one, text),
    line: async (grant) => ({
      id: grant.id,
      href: `/console/grants/${grant.id}`,
      who: await subject(grant.subject),
      kind: grant.subject.kind,
      dataset: dataset(grant.dataset),
      version: grant.version,
      level: grant.level,
      permission: grant.permission,
      conditions: conditions(grant),
      state: stateOf(grant, desk.clock.now()),
      ofConfig: grant.source === 'config',
      at: grant.createdAt,
    }),
  }
}

/** Where a grant's page may be opened: explanations show lines of datasets that are kept. */
export function mayExplain(rights: Rights, slug: string): boolean {
  return isAmong(keptDatasets(rights), slug)
}

function stateOf({ endedAt, conditions: { from, until } }: Grant, now: Date): GrantLineView['state'] {
  if (endedAt !== undefined) return 'ended'
  if (until !== undefined && until <= now) return 'over'
  return from !== undefined && from > now ? 'ahead' : 'current'
}

type Text = (key: string, values?: Readonly<Record<string, string>>) => string

function conditionWords({ terms, from, until, facts = [], withinGroup }: Grant['conditions'], text: Text): string[] {
  return [
    ...(terms === undefined ? [] : [text('if.terms', { terms: terms.id, number: String(terms.number) })]),
    ...(from === undefined ? [] : [text('if.from', { at: instantText(from) })]),
    ...(until === undefined ? [] : [text('if.until', { at: instantText(until) })]),
    ...facts.map((fact) => factWords(fact, text)),
    ...(withinGroup === undefined ? [] : [text('if.group', { group: withinGroup })]),
  ]
}

function factWords(fact: FactCondition, text: Text): string {
  const say = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value))
  const parts = [
    fact.equals !== undefined
      ? text('if.equals', { claim: fact.claim, value: say(fact.equals) })
      : fact.oneOf !== undefined
        ? text('if.oneOf', { claim: fact.claim, value: fact.oneOf.map(say).join(', ') })
        : fact.contains !== undefined
          ? text('if.contains', { claim: fact.claim, value: say(fact.contains) })
          : text('if.known', { claim: fact.claim }),
    ...(fact.via === undefined ? [] : [text('if.via', { via: fact.via })]),
    ...(fact.trust === undefined || fact.trust === 'verified' ? [] : [text(`if.trust.${fact.trust}`)]),
    ...(fact.withinDays === undefined ? [] : [text('if.days', { days: String(fact.withinDays) })]),
  ]
  return parts.join(', ')
}

function missingWords(missing: Missing, text: Text): string {
  switch (missing.step) {
    case 'account':
      return text(`missing.account.${missing.state}`)
    case 'dataset':
      return text(`missing.dataset.${missing.why}`)
    case 'terms':
      return text('missing.terms', { title: missing.title, number: String(missing.number) })
    case 'not-yet':
      return text('missing.notYet', { at: instantText(missing.from) })
    case 'over':
      return text('missing.over', { at: instantText(missing.until) })
    case 'group':
      return text('missing.group', { group: missing.group })
    case 'fact':
      return text(`missing.fact.${missing.why}`, { claim: missing.claim, days: String(missing.days ?? '') })
    case 'sign-in':
      return text('missing.signIn')
    case 'grant':
      return text('missing.grant')
  }
}

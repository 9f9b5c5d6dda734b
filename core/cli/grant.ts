/** `labgate grant list`, `add`, `end`: the lines of the ledger. @module */
import { Fault, type Json } from '@labgate/contract'
import { readFact } from '../access/fact-words.ts'
import { type Conditions, type FactCondition, formatSubject, type Grant } from '../access/model.ts'
import type { Rooms } from '../assembly.ts'
import { type Args, type Command, textOption, textsOption, wordOf } from './command.ts'
import { datasetOf } from './dataset.ts'
import {
  accountsIn,
  actorFor,
  base,
  choiceOption,
  instantOption,
  levelOption,
  listOptions,
  many,
  namesOf,
  one,
  pageAsk,
  say,
  subjectOf,
  subjectText,
  tableLines,
} from './ledger.ts'
import { withRooms } from './site.ts'
import { plain } from './table.ts'

/** Lists grants, newest first. */
export const list: Command = {
  name: 'grant list',
  summary: 'List grants, newest first.',
  usage: 'grant list [--dataset SLUG] [--to SUBJECT] [--state current|ended|all] [--search TEXT] [--limit N] [--json]',
  options: {
    dataset: one('SLUG', 'Only of this dataset.'),
    to: one('SUBJECT', 'Only those to exactly this subject.'),
    state: one('STATE', 'current (default), ended or all.'),
    ...listOptions,
  },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const [name, to] = [textOption(args, 'dataset'), textOption(args, 'to')]
      const state = choiceOption(args, 'state', ['current', 'ended', 'all'])
      const page = await rooms.get('ledger').grants.list({
        ...pageAsk(args),
        ...(state === undefined ? {} : { state }),
        ...(name === undefined ? {} : { dataset: (await datasetOf(rooms, name)).slug }),
        ...(to === undefined ? {} : { subject: await subjectOf(rooms, to) }),
      })
      const nameOf = await namesOf(rooms, peopleIn(page.rows))
      const lines = tableLines(page, {
        none: 'No grants.',
        headings: ['ID', 'TO', 'DATASET', 'VERSION', 'MAY', 'CONDITIONS', 'BY', 'SINCE', 'ENDED', 'WHY'],
        cells: (grant) => [
          ...[grant.id, subjectText(grant.subject, nameOf), grant.dataset, grant.version ?? 'all'],
          ...[grant.level ?? grant.permission, conditionsText(grant.conditions), nameOf(grant.grantedBy)],
          ...[grant.createdAt, grant.endedAt, grant.why],
        ],
      })
      return say(args, io, { result: page.rows.map(grantJson), lines })
    }),
}

/** Adds a grant. */
export const add: Command = {
  name: 'grant add',
  summary: 'Let somebody do something with a dataset.',
  usage: [
    'grant add SUBJECT DATASET --level LEVEL [--version V] [--until DATE] [--why TEXT] [more] [--json]',
    'SUBJECT: an account by id, username or verified e-mail address; group:SLUG; name:INSTANCE:VALUE for somebody who',
    'has not been here yet; signed-in; anyone. A running server knows it with its next answer.',
  ].join('\n'),
  options: {
    level: one('LEVEL', 'view, edit, manage or admin; each contains those before it.'),
    permission: one('NAME', 'Instead: a permission beside the levels.'),
    version: one('VERSION', 'Of this version only; default the dataset with all its versions.'),
    from: one('DATE', 'Counts from this date (UTC) or instant on.'),
    until: one('DATE', 'Counts to the end of this date (UTC) or to this instant.'),
    terms: one('ID[:NUMBER]', 'Terms that must be accepted for it, besides those of the dataset.'),
    fact: many(
      'FACT',
      'A fact that must be known of the holder, such as "orcid", "affiliation = Northfield; via university; within 365 days", "role in staff, faculty", "groups has imaging; trust asserted"',
    ),
    'within-group': one('SLUG', 'Counts only while the holder is in this group.'),
    why: one('TEXT', 'The reason, for whoever asks later.'),
    ...base,
  },
  words: ['SUBJECT', 'DATASET'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { slug } = await datasetOf(rooms, wordOf(args, 1))
      const made = await rooms.get('ledger').grants.add(actorFor(add), {
        subject: await subjectOf(rooms, wordOf(args, 0)),
        dataset: slug,
        version: textOption(args, 'version'),
        level: levelOption(args),
        permission: textOption(args, 'permission'),
        conditions: conditionsOf(args),
        why: textOption(args, 'why') ?? '',
      })
      return say(args, io, { result: grantJson(made), lines: [await grantText(rooms, made)] })
    }),
}

/** Ends a grant. */
export const end: Command = {
  name: 'grant end',
  summary: 'End a grant; it stays in the ledger as ended.',
  usage:
    'grant end ID [--json]\nA running server heeds it with its next answer. Grants of the config file are ended there.',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const word = wordOf(args, 0)
      if (!/^\d{1,15}$/.test(word)) throw new Fault('ERR_INPUT', `${plain(word)} is no id of a grant: it is a number`)
      const ended = await rooms.get('ledger').grants.end(actorFor(end), Number(word))
      return say(args, io, { result: grantJson(ended), lines: [`Ended: ${await grantText(rooms, ended)}`] })
    }),
}

function conditionsOf(args: Args): Conditions {
  const [from, until] = [instantOption(args, 'from'), instantOption(args, 'until')]
  const [terms, withinGroup] = [textOption(args, 'terms'), textOption(args, 'within-group')]
  const facts = textsOption(args, 'fact').map(readFact)
  return {
    ...(from ? { from } : {}),
    ...(until ? { until } : {}),
    ...(terms === undefined ? {} : { terms: termsOf(terms) }),
    ...(facts.length > 0 ? { facts } : {}),
    ...(withinGroup === undefined ? {} : { withinGroup }),
  }
}

function termsOf(text: string): { readonly id: string; readonly number: number } {
  const [id = '', number = '1'] = text.split(':')
  if (!/^[1-9]\d{0,8}$/.test(number)) throw new Fault('ERR_INPUT', '--terms is ID or ID:NUMBER')
  return { id, number: Number(number) }
}

/** A grant as scripts read it: its subject is one word. */
export function grantJson({ subject, conditions, ...grant }: Grant) {
  return { ...grant, subject: formatSubject(subject), conditions }
}

/** Accounts that lines speak of. */
export function peopleIn(grants: readonly Grant[]): string[] {
  return [...accountsIn(grants.map(({ subject }) => subject)), ...grants.map(({ grantedBy }) => grantedBy)]
}

/** One line of the ledger in words. */
async function grantText(rooms: Rooms, grant: Grant): Promise<string> {
  const { id, subject, dataset, version, level, permission, conditions } = grant
  const who = subjectText(subject, await namesOf(rooms, peopleIn([grant])))
  const place = version === undefined ? dataset : `${dataset} ${version}`
  const more = conditionsText(conditions)
  return plain(`grant ${id}: ${who} may ${level ?? permission} ${place}${more === '' ? '' : ` (${more})`}`)
}

/** Conditions in a few words. */
export function conditionsText({ terms, from, until, facts = [], withinGroup }: Conditions): string {
  const words = [
    from && `from ${plain(from)}`,
    until && `until ${plain(until)}`,
    terms && `terms ${terms.id} ${terms.number}`,
    ...facts.map(factText),
    withinGroup && `within group ${withinGroup}`,
  ]
  return words.filter((word) => word !== undefined).join(', ')
}

function factText({ claim, equals, oneOf, contains, via, trust, withinDays }: FactCondition): string {
  const value = (one: Json) => JSON.stringify(one)
  const compared =
    equals !== undefined
      ? ` = ${value(equals)}`
      : oneOf !== undefined
        ? ` of ${value(oneOf)}`
        : contains !== undefined
          ? ` with ${value(contains)}`
          : ''
  const trusted = trust !== undefined && trust !== 'verified' && ` at least ${trust}`
  const more = [via && ` by ${via}`, trusted, withinDays && ` within ${withinDays} days`].filter(Boolean).join('')
  return `fact ${claim}${compared}${more}`
}

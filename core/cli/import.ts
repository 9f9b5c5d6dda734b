/** `labgate import middle-auth` and `import datasetgateway`: what other systems hold, planned and taken over. @module */
import { resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import type { Rooms } from '../assembly.ts'
import type { ImportNeeds, importSources } from '../import/importer.ts'
import type { Found } from '../import/model.ts'
import type { End, Plan } from '../import/plan.ts'
import type { Step } from '../import/steps.ts'
import { type Args, type Command, type Io, textOption, wordOf } from './command.ts'
import { base, one, say, yes } from './ledger.ts'
import { withRooms } from './site.ts'
import { plain } from './table.ts'

type SourceName = 'middle-auth' | 'datasetgateway'

/** Options of every import. */
export const importOptions = {
  'sign-in': one('INSTANCE', 'The sign-in whose verified addresses tell who is who; people are let in by it.'),
  apply: yes('Do it. Without this the plan is printed and nothing is changed.'),
  as: one('NAME', 'What this source is called here, if there are several of a kind (default: the kind).'),
  all: yes('Print every row of the plan, not the first of each kind.'),
  ...base,
} as const

const usageOf = (name: SourceName, what: string) =>
  [
    `import ${name} FILE --sign-in INSTANCE [--apply] [--as NAME] [--all] [--json]`,
    `FILE: ${what}`,
    'Run it as often as you like: what was imported is not imported again, what was changed there is changed here,',
    'what was removed here stays removed. docs/migrate-cave.md says what becomes of what.',
  ].join('\n')

/** Imports the tables of CAVE's middle_auth. */
export const middleAuth: Command = {
  name: 'import middle-auth',
  summary: 'Take over people, groups, datasets, permissions and terms of CAVE’s middle_auth.',
  usage: usageOf('middle-auth', 'the plain text of pg_dump of its database.'),
  options: importOptions,
  words: ['FILE'],
  run: (args, io) => run('middle-auth', args, io),
}

/** Imports the tables of DatasetGateway. */
export const datasetGateway: Command = {
  name: 'import datasetgateway',
  summary: 'Take over people, groups, datasets, grants and terms of DatasetGateway.',
  usage: usageOf(
    'datasetgateway',
    'its SQLite database (a copy made by sqlite3 .backup), or the plain text of pg_dump.',
  ),
  options: importOptions,
  words: ['FILE'],
  run: (args, io) => run('datasetgateway', args, io),
}

function run(name: SourceName, args: Args, io: Io): Promise<number> {
  return importWith(name, { args, io })
}

/** What a source adds to an import. */
export interface More {
  readonly args: Args
  readonly io: Io
  /** Works on after it; answers further lines and whatever scripts want to know. */
  after?(
    done: Imported,
  ): Promise<{ readonly lines: readonly string[]; readonly result: Readonly<Record<string, unknown>> }>
}

/** An import that was planned, or done. */
export interface Imported {
  readonly needs: ImportNeeds
  readonly found: Found
  readonly path: string
  readonly shown: string
  readonly isApplied: boolean
}

/** Reads, plans, does, tells. */
export function importWith(name: keyof typeof importSources, { args, io, after }: More): Promise<number> {
  const signIn = textOption(args, 'sign-in')
  if (signIn === undefined)
    throw new Fault('ERR_INPUT', '--sign-in is missing: name the sign-in that vouches for the addresses')
  const source = textOption(args, 'as') ?? name
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(source))
    throw new Fault('ERR_INPUT', '--as has up to 64 small letters, digits, dots, dashes and underscores')
  return withRooms(args, io, async (rooms) => {
    const { applyImport, importSources: sources, planImport, readSource } = await import('../import/importer.ts')
    const needs = needsOf(rooms, { source, signIn })
    const shown = plain(wordOf(args, 0))
    const path = resolve(io.cwd, wordOf(args, 0))
    const found = await readSource(sources[name], { path, shown, now: rooms.get('clock').now() })
    const isApplied = args.values.apply === true
    const plan = isApplied ? await applyImport(needs, found) : await planImport(needs, found)
    const more = await after?.({ needs, found, path, shown, isApplied })
    const most = args.values.all === true ? Number.POSITIVE_INFINITY : 10
    say(args, io, {
      result: { ...jsonOf(plan, { source, signIn, file: shown, applied: isApplied }), ...more?.result },
      lines: [...linesOf(plan, { isApplied, most, signIn }), ...(more?.lines ?? [])],
    })
    return plan.problems.length > 0 ? 1 : 0
  })
}

function needsOf(rooms: Rooms, { source, signIn }: { source: string; signIn: string }): ImportNeeds {
  const { plugins, access } = rooms.get('config')
  if (!Object.hasOwn(plugins, signIn))
    throw new Fault(
      'ERR_INPUT',
      `--sign-in: there is no plugin ${plain(signIn)} in the config; there are ${Object.keys(plugins).join(', ')}`,
    )
  return {
    ...{ storage: rooms.get('storage'), clock: rooms.get('clock'), random: rooms.get('random') },
    ...{ change: rooms.get('change'), accounts: rooms.get('accounts'), groups: rooms.get('groups') },
    ...{ serviceAccounts: rooms.get('serviceAccounts'), ledger: rooms.get('ledger') },
    ...{ source, signIn, steeringCommittee: access.steeringCommittee },
  }
}

const titles = {
  person: 'people',
  program: 'service accounts',
  group: 'groups',
  dataset: 'datasets',
  terms: 'terms of use',
  member: 'memberships',
  manager: 'managers of groups',
  root: 'public objects',
  acceptance: 'acceptances of terms',
  grant: 'grants',
} as const

type Kind = keyof typeof titles

/** The words of a plan in the order of their weight. */
const words = { add: 'new', adopt: 'here already', change: 'changed there', end: 'gone there' } as const

const weights = { lost: 0, mind: 1, do: 2 } as const

interface Printing {
  readonly isApplied: boolean
  readonly most: number
  readonly signIn: string
}

function linesOf(plan: Plan, { isApplied, most, signIn }: Printing): string[] {
  const lines: string[] = []
  for (const problem of plan.problems) lines.push(`MEND FIRST  ${plain(problem)}`)
  for (const [kind, title] of Object.entries(titles) as [Kind, string][])
    for (const [what, word] of Object.entries(words)) {
      const labels = labelsOf(plan, kind, what as keyof typeof words)
      if (labels.length === 0) continue
      lines.push(`${title}: ${labels.length} ${word}`, ...someOf(labels, most))
    }
  for (const { kind, what, of } of plan.notes.toSorted((a, b) => weights[a.kind] - weights[b.kind])) {
    const word = { lost: 'NOT IMPORTED', mind: 'MIND', do: 'DO' }[kind]
    lines.push(`${word}  ${of.length > 1 ? `${of.length} ` : ''}${plain(what)}`, ...someOf(of, most))
    if (kind === 'do' && what.startsWith('site admins'))
      lines.push(`  admins: [${of.map((email) => JSON.stringify(`${signIn}:${email}`)).join(', ')}]`)
  }
  if (plan.work === 0) lines.push('Nothing to do.')
  else if (isApplied) lines.push('Done.')
  else lines.push('This is the plan; nothing was changed. With --apply it is done.')
  return lines
}

function labelsOf(plan: Plan, kind: Kind, what: keyof typeof words): string[] {
  if (what === 'end') return plan.ends.filter((end) => end.kind === kind).map(endLabel)
  const steps: readonly Step<unknown>[] = plan.steps[kind]
  return steps.filter((step) => step.do === what).map(stepLabel)
}

const stepLabel = ({ label, number }: Step<unknown>) => (number === undefined ? label : `${label}, number ${number}`)

/** Keys and targets of what ends are lists, but for a line of the ledger, which has its number. */
function endLabel({ kind, key, target }: End): string {
  if (kind === 'grant') return `grant ${target}`
  const [words, here] = [JSON.parse(key) as readonly string[], JSON.parse(target) as readonly string[]]
  return kind === 'root'
    ? words.join(' ')
    : `${words[1] === 'person' ? 'user' : 'service account'} ${words[2]} in ${here[0]}`
}

function someOf(labels: readonly string[], most: number): string[] {
  const shown = labels.slice(0, most).map((label) => `  ${plain(label)}`)
  return labels.length > most ? [...shown, `  … and ${labels.length - most} more; --all shows them`] : shown
}

function jsonOf(plan: Plan, about: Readonly<Record<string, unknown>>) {
  const steps = (Object.keys(titles) as Kind[]).flatMap((kind) =>
    (plan.steps[kind] as readonly Step<unknown>[]).map(({ do: what, key, label, target, number }) => ({
      ...{ kind, do: what, key, label, target },
      ...(number === undefined ? {} : { number }),
    })),
  )
  const ends = plan.ends.map(({ kind, key, target }) => ({ kind, do: 'end', key, target }))
  return { ...about, work: plan.work, steps: [...steps, ...ends], notes: plan.notes, problems: plan.problems }
}

/**
 * From the config's `plugins` to a registry of instances. Everything is checked before anything is started, and
 * all problems are told at once.
 * @module
 */
import { Fault, type Log, type SignIn } from '@labgate/contract'
import { problemText } from '../config/problems.ts'
import type { Config, PluginEntry } from '../config/schema.ts'
import { create, type Surroundings } from './create.ts'
import type { DisabledInstance, FailedInstance, Instance, Kind } from './instance.ts'
import { type Prepared, type PrepareNeeds, prepare } from './prepare.ts'
import { printOf } from './print.ts'
import { type Outcome, type PluginProblem, refuse } from './problem.ts'
import { createRegistry, type Registry } from './registry.ts'
import { corePlaces, overlaps, type RoutePlace } from './routes.ts'
import { kinds } from './shape.ts'

/** What {@link loadPlugins} needs. */
export interface LoadNeeds extends PrepareNeeds, Omit<Surroundings, 'signIns'> {
  /** The config's `plugins`. */
  readonly config: Config['plugins']
  readonly log: Log
  /** The ways to sign in, for adapters; default those of this very registry. */
  signIns?(): readonly SignIn[]
  /** A registry whose instances run on in this one where their settings are the same. */
  readonly takeOver?: Pick<Registry, 'running'> | undefined
  /** Instances as they were prepared before, files of secrets read then. */
  readonly prepared?: ReadonlyMap<string, Prepared> | undefined
}

/**
 * Loads every enabled instance: finds and imports its plugin, checks shape, contract, config, texts and route
 * claims, then creates it. Opens nothing; that is {@link Registry.start}.
 * @throws Fault ERR_PLUGIN with all problems of the instances that are not optional, one a line
 */
export async function loadPlugins(needs: LoadNeeds): Promise<Registry> {
  const entries = Object.entries(needs.config)
  const enabled = entries.filter(([, entry]) => entry.enabled)
  const outcomes = new Map<string, Outcome<Prepared>>()
  for (const [id, entry] of enabled) outcomes.set(id, preparedBefore(id, needs) ?? (await prepare(id, entry, needs)))
  refuseOverlaps(outcomes)
  refuseShared(outcomes)
  // An adapter asks for the ways to sign in when it answers a request, long after this line.
  const late: { registry: Registry | undefined } = { registry: undefined }
  const signIns = needs.signIns ?? (() => late.registry?.signIns() ?? [])
  const surroundings: Surroundings = { ...needs, signIns }
  const running = runningOf(outcomes, needs.takeOver)
  const created = enabled.map(([id, entry]) => {
    const value = running.get(id)
    return { id, entry, outcome: value === undefined ? createdOf(outcomes.get(id), surroundings) : { value } }
  })
  stopOnProblems(created)
  late.registry = createRegistry({
    loaded: created.flatMap(({ outcome }) => ('value' in outcome ? [outcome.value] : [])),
    failed: created.flatMap(failedOf),
    disabled: entries.flatMap(([id, { enabled: on, use }]): DisabledInstance[] => (on ? [] : [{ id, use }])),
    log: needs.log,
    kept: new Set(running.keys()),
    prepared: new Map([...outcomes].flatMap(([id, outcome]) => ('value' in outcome ? [[id, outcome.value]] : []))),
  })
  return late.registry
}

function preparedBefore(id: string, { prepared }: LoadNeeds): Outcome<Prepared> | undefined {
  const value = prepared?.get(id)
  return value && { value }
}

/** Instances that run already with these very settings. */
function runningOf(outcomes: Map<string, Outcome<Prepared>>, from: LoadNeeds['takeOver']): Map<string, Instance> {
  const found = new Map<string, Instance>()
  for (const [id, outcome] of outcomes) {
    const instance = 'value' in outcome ? from?.running(id, printOf(outcome.value)) : undefined
    if (instance !== undefined) found.set(id, instance)
  }
  return found
}

interface Result {
  readonly id: string
  readonly entry: PluginEntry
  readonly outcome: Outcome<Instance>
}

function createdOf(prepared: Outcome<Prepared> | undefined, surroundings: Surroundings): Outcome<Instance> {
  if (prepared === undefined) return { problems: [] }
  return 'value' in prepared ? create(prepared.value, surroundings) : prepared
}

function refuseOverlaps(outcomes: Map<string, Outcome<Prepared>>): void {
  const prepared = [...outcomes.values()].flatMap((outcome) => ('value' in outcome ? [outcome.value] : []))
  const home = prepared.find(({ plugin, entry }) => plugin.kind === 'authz' && entry.home && !entry.host)
  // The first page passes to the one home, and to no other adapter.
  const core = corePlaces.map((place) => (home && place.path === '/' ? { ...place, owner: home.subject.id } : place))
  const messages = new Map<string, string[]>()
  for (const { owners, message } of overlaps([...core, ...prepared.flatMap(placesOf)]))
    messages.set(owners[1], [...(messages.get(owners[1]) ?? []), message])
  for (const { subject } of prepared) {
    const found = messages.get(subject.id)
    if (found !== undefined) outcomes.set(subject.id, refuse(subject, found))
  }
}

/** A name that a plugin wants once is given to the first instance that has it. */
function refuseShared(outcomes: Map<string, Outcome<Prepared>>): void {
  const owners = new Map<string, string>()
  for (const [id, outcome] of outcomes) {
    if (!('value' in outcome)) continue
    const { plugin, subject, unique } = outcome.value
    const keys = unique.map((name) => [name, `${plugin.kind}-${plugin.name} ${name}`] as const)
    const taken = keys.flatMap(([name, key]) => {
      const owner = owners.get(key)
      return owner === undefined ? [] : [`${name} is that of plugins.${owner} already; each instance needs its own`]
    })
    if (taken.length > 0) outcomes.set(id, refuse(subject, taken))
    else for (const [, key] of keys) owners.set(key, id)
  }
}

function placesOf({ subject, routes, callbackPaths }: Prepared): RoutePlace[] {
  return [
    ...routes.map(({ owner, host, path, claim }) => ({ owner, host, path, method: claim.method })),
    ...callbackPaths.map((path) => ({ owner: subject.id, host: undefined, path, method: undefined })),
  ]
}

function stopOnProblems(results: readonly Result[]): void {
  const problems = results.flatMap(({ entry, outcome }) =>
    'problems' in outcome && !entry.optional ? outcome.problems : [],
  )
  if (problems.length === 0) return
  const causes = problems.flatMap(({ cause }) => (cause === undefined ? [] : [cause]))
  throw new Fault('ERR_PLUGIN', problems.map(problemText).join('\n'), {
    detail: { problems: problems.map(withoutCause) },
    cause: causes.length > 1 ? new AggregateError(causes) : causes[0],
  })
}

function withoutCause({ cause: _, ...problem }: PluginProblem): PluginProblem {
  return problem
}

function failedOf({ id, entry, outcome }: Result): FailedInstance[] {
  if ('value' in outcome) return []
  const reason = outcome.problems.map(problemText).join('; ')
  return [{ id, use: entry.use, kind: guessKind(entry.use), failed: reason }]
}

// A plugin that could not be imported has no kind; our own packages carry it in their names.
function guessKind(use: string): Kind | undefined {
  const last = use.split('/').at(-1) ?? ''
  return kinds.find((kind) => last.startsWith(`${kind}-`))
}

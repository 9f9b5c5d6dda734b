/** Places to run, as the room asks them: a profile's runner, its state read with today's eyes, and what is drained. @module */
import { createHash } from 'node:crypto'
import { type Endpoint, type Json, type LaunchRequest, launchFault, type Runner } from '@labgate/contract'
import { registeredTracer, withSpans } from '../observe/spans.ts'
import type { Settings } from '../storage/settings.ts'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import type { Profile } from './model.ts'
import { limitsOf } from './records.ts'

/** A runner by its instance id. */
export interface Place {
  readonly id: string
  readonly runner: Runner<Json>
}

/** How the room finds places. */
export interface Places {
  all(): readonly Place[]
  /** @throws Fault ERR_LAUNCH when it is not there */
  of(row: Pick<WorkspaceRow, 'runner'>): Place
  /** The runner's state of a row in today's form; `undefined` when nothing is known outside. */
  stateOf(row: WorkspaceRow): Json | undefined
  /** The machine it is on. */
  hostOf(row: WorkspaceRow): string | undefined
  endpointOf(row: WorkspaceRow): Promise<Endpoint>
}

/** Where drained places stand in the settings. */
const drainedKey = 'workspaces.drained'

/** Makes the places of the runners that are loaded. */
export function createPlaces(loaded: () => readonly Place[]): Places {
  const runners = withRunnerSpans(loaded)
  const find = (id: string) => runners().find((one) => one.id === id)
  const stateOf = (row: WorkspaceRow): Json | undefined => {
    const place = find(row.runner)
    const kept = row.runnerState ?? undefined
    if (place === undefined || kept === undefined) return undefined
    const { version, migrate } = place.runner.state
    return row.runnerStateVersion === version ? kept : migrate(kept, row.runnerStateVersion ?? 0)
  }
  const of: Places['of'] = ({ runner }) => {
    const found = find(runner)
    if (found) return found
    throw launchFault('unreachable', 'The place where this runs is not available now.', {
      hint: 'An admin finds the reason in the log and at /readyz.',
      retryable: true,
    })
  }
  return {
    all: runners,
    of,
    stateOf,
    hostOf(row) {
      try {
        const state = stateOf(row)
        return state === undefined ? undefined : find(row.runner)?.runner.hostOf?.(state)
      } catch {
        // A state that its runner cannot read hides the machine, never the workspace.
        return undefined
      }
    },
    async endpointOf(row) {
      const state = stateOf(row)
      if (state === undefined) throw launchFault('unreachable', 'It does not run.')
      return of(row).runner.endpoint(state)
    },
  }
}

/** The operations of a runner that have spans when somebody listens. */
const spannedOperations = ['launch', 'inspect', 'endpoint', 'terminate', 'remove']

function withRunnerSpans(loaded: () => readonly Place[]): () => readonly Place[] {
  if (registeredTracer() === undefined) return loaded
  const known = new WeakMap<Place, Place>()
  const spanning = (place: Place): Place => {
    const attributes = { 'labgate.runner': place.id }
    const options = { prefix: 'runner', names: spannedOperations, attributes }
    const made = known.get(place) ?? { ...place, runner: withSpans(place.runner, options) }
    known.set(place, made)
    return made
  }
  return () => loaded().map(spanning)
}

/** Runners and machines that take nothing new. */
export async function drainedIn(settings: Settings): Promise<readonly string[]> {
  const kept = await settings.get(drainedKey)
  return kept === undefined ? [] : (JSON.parse(kept) as string[])
}

/** Writes down what takes nothing new. */
export async function setDrained(settings: Settings, places: readonly string[]): Promise<void> {
  await settings.set(drainedKey, JSON.stringify([...new Set(places)].toSorted()))
}

/** What a runner is asked to start for a row. */
export function requestOf(
  row: WorkspaceRow,
  given: { storage: string; basePath: string; drained: readonly string[] },
): LaunchRequest {
  const { storage, basePath, drained } = given
  const prefix = `${row.runner}/`
  return {
    instance: row.id,
    account: row.account,
    storage,
    basePath,
    limits: limitsOf(row.limits),
    avoidHosts: drained.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length)),
  }
}

/** Digest of what is going to run: another one makes a new container. */
export function hashOf(runner: string, detail: Json): string {
  return createHash('sha256')
    .update(JSON.stringify([runner, detail]))
    .digest('hex')
    .slice(0, 32)
}

/** The profile as a runner takes it; the core has filled in nothing yet. */
export function appOf(profile: Profile, image: string | null | undefined) {
  const { name, title, command, port, environment, user, mounts } = profile
  return { name, title, image: image ?? profile.images[0], command, port, environment, user, mounts }
}

/** The instances of a running Labgate: found by kind and id, started and stopped in order, asked how they are. @module */
import { type Card, Fault, type Health, type Hidden, type Log, type SignIn } from '@labgate/contract'
import type {
  AuthInstance,
  AuthzInstance,
  DisabledInstance,
  FailedInstance,
  Instance,
  Kind,
  RunnerInstance,
} from './instance.ts'
import { lifecycleOf, startWithin, within } from './lifecycle.ts'
import type { Prepared } from './prepare.ts'
import { printOf } from './print.ts'
import { messageOf } from './problem.ts'

/** How one instance is. */
export interface InstanceHealth extends Health {
  readonly id: string
  readonly kind: Kind | undefined
  readonly plugin: string
  readonly optional: boolean
  readonly state: 'loaded' | 'started' | 'failed' | 'stopped'
}

/** A way to sign in as the chooser shows it: a button, or why there is none. */
export interface Choice {
  readonly id: string
  readonly card: Card | Hidden
}

/** Everything that was loaded. */
export interface Registry {
  /** Ways to sign in, in the order of the config; those that failed are left out. */
  auth(): readonly AuthInstance[]
  authz(): readonly AuthzInstance[]
  runners(): readonly RunnerInstance[]
  /** An instance that is loaded and did not fail. */
  get(id: string): Instance | undefined
  failed(): readonly FailedInstance[]
  disabled(): readonly DisabledInstance[]
  /** Each way to sign in with its card, sorted for the chooser; a failed one with its reason for the person. */
  choices(locale: string): readonly Choice[]
  signIns(): readonly SignIn[]
  /** Starts all in order, 10 s each. An optional one that fails is degraded; a required one stops the others again. */
  start(signal?: AbortSignal): Promise<void>
  /** The id of the plugin that is being started just now, for those who wait. */
  starting(): string | undefined
  /** Stops all in reverse order, at most 5 s each; those in `except` run on, in the registry that took them over. Never throws. */
  stop(except?: ReadonlySet<string>): Promise<void>
  /** Ids of the instances that were taken over, running. */
  readonly kept: ReadonlySet<string>
  /** An instance that runs with exactly these settings, for the registry of another config. */
  running(id: string, print: string): Instance | undefined
  /** What each instance was made of. */
  readonly prepared: ReadonlyMap<string, Prepared>
  health(): Promise<readonly InstanceHealth[]>
}

/** What a registry is made of. */
export interface RegistryNeeds {
  readonly loaded: readonly Instance[]
  readonly failed: readonly FailedInstance[]
  readonly disabled: readonly DisabledInstance[]
  readonly log: Log
  /** Those of `loaded` that run already: another registry has started them. */
  readonly kept?: ReadonlySet<string>
  readonly prepared?: ReadonlyMap<string, Prepared>
  /** For tests: milliseconds a start, a stop and a look at health may take. */
  readonly limits?: { readonly start: number; readonly stop: number; readonly health: number }
}

const defaultLimits = { start: 10_000, stop: 5_000, health: 2_000 }

/** Makes the registry of instances that were created. */
export function createRegistry(needs: RegistryNeeds): Registry {
  const { loaded, log } = needs
  const limits = needs.limits ?? defaultLimits
  const { kept = new Set(), prepared = new Map<string, Prepared>() } = needs
  const states = new Map<string, InstanceHealth['state']>(
    loaded.map(({ id }) => [id, kept.has(id) ? 'started' : 'loaded']),
  )
  const broken = new Map<string, FailedInstance>()
  let current: string | undefined
  const usable = () => loaded.filter(({ id }) => !broken.has(id))
  const failed = () => [...needs.failed, ...broken.values()]
  const auth = () => usable().filter((instance) => instance.kind === 'auth')

  const stop = async (except: ReadonlySet<string> = new Set()) => {
    for (const instance of loaded.toReversed()) {
      if (states.get(instance.id) !== 'started' || except.has(instance.id)) continue
      states.set(instance.id, 'stopped')
      await stopOne(instance, { log, limit: limits.stop })
    }
  }

  const startOne = async (instance: Instance, signal: AbortSignal | undefined) => {
    try {
      await startWithin(lifecycleOf(instance), limits.start, signal)
      states.set(instance.id, 'started')
    } catch (cause) {
      const { id, use, kind } = instance
      await stopOne(instance, { log, limit: limits.stop })
      if (!instance.optional) throw startFault(instance, cause)
      states.set(id, 'failed')
      broken.set(id, { id, use, kind, failed: messageOf(cause) })
      log.error({ instance: id, err: cause }, 'an optional plugin did not start; Labgate goes on without it')
    }
  }

  const start = async (signal?: AbortSignal) => {
    try {
      for (const instance of usable()) {
        if (states.get(instance.id) === 'started') continue
        current = instance.id
        await startOne(instance, signal)
      }
    } catch (error) {
      await stop(kept)
      throw error
    } finally {
      current = undefined
    }
  }

  return {
    auth,
    authz: () => usable().filter((instance) => instance.kind === 'authz'),
    runners: () => usable().filter((instance) => instance.kind === 'runner'),
    get: (id) => usable().find((instance) => instance.id === id),
    failed,
    disabled: () => needs.disabled,
    choices: (locale) => sorted([...auth().map((one) => choiceOf(one, locale, log)), ...failed().flatMap(goneOf)]),
    signIns: () => auth().flatMap((one) => signInOf(one, log)),
    start,
    starting: () => current,
    stop,
    kept,
    prepared,
    running(id, print) {
      const made = prepared.get(id)
      if (made === undefined || states.get(id) !== 'started' || broken.has(id) || printOf(made) !== print)
        return undefined
      return loaded.find((instance) => instance.id === id)
    },
    health: () =>
      Promise.all([
        ...usable().map((one) => healthOf(one, { state: states.get(one.id) ?? 'loaded', limit: limits.health })),
        ...failed().map(failedHealth),
      ]),
  }
}

function startFault({ id, use }: Instance, cause: unknown): Fault {
  const message = `plugins.${id}: ${use}: did not start: ${messageOf(cause)}; mend it, or set \`optional: true\``
  return new Fault('ERR_PLUGIN', message, { detail: { instance: id }, cause })
}

async function stopOne(instance: Instance, { log, limit }: { log: Log; limit: number }): Promise<void> {
  try {
    await within(limit, lifecycleOf(instance).stop?.())
  } catch (error) {
    log.error({ instance: instance.id, err: error }, 'a plugin did not stop cleanly')
  }
}

function choiceOf({ id, method }: AuthInstance, locale: string, log: Log): Choice {
  try {
    return { id, card: method.card({ locale }) }
  } catch (error) {
    log.error({ instance: id, err: error }, 'a way to sign in could not show its card')
    return { id, card: unavailable(id) }
  }
}

function goneOf({ id, kind }: FailedInstance): Choice[] {
  return kind === 'auth' ? [{ id, card: unavailable(id) }] : []
}

// The reason is for the operator and stands in health; the person needs to know only that it is not their fault.
function unavailable(id: string): Hidden {
  return { hidden: `“${id}” is not available at the moment.`, show: true }
}

function sorted(choices: readonly Choice[]): readonly Choice[] {
  const order = ({ card }: Choice) => ('hidden' in card ? Number.POSITIVE_INFINITY : (card.order ?? 100))
  return choices.toSorted((a, b) => (order(a) === order(b) ? a.id.localeCompare(b.id) : order(a) - order(b)))
}

function signInOf(instance: AuthInstance, log: Log): SignIn[] {
  const { id, card } = choiceOf(instance, 'en', log)
  return 'hidden' in card ? [] : [{ id, plugin: instance.plugin, label: card.label }]
}

async function healthOf(
  instance: Instance,
  { state, limit }: { state: InstanceHealth['state']; limit: number },
): Promise<InstanceHealth> {
  const { id, kind, plugin, optional } = instance
  try {
    const health = (await within(limit, lifecycleOf(instance).health?.())) ?? { ok: true }
    return { id, kind, plugin, optional, state, ...health }
  } catch (error) {
    return { id, kind, plugin, optional, state, ok: false, detail: messageOf(error) }
  }
}

function failedHealth({ id, kind, use, failed }: FailedInstance): InstanceHealth {
  return { id, kind, plugin: use, optional: true, state: 'failed', ok: false, detail: failed }
}

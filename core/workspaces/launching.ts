/** From a record to an app that answers. @module */
import {
  type Fault,
  type Inspection,
  isFault,
  type Json,
  type LaunchPlan,
  type LaunchTrouble,
  launchFault,
  type Runner,
} from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { askApp } from './ask.ts'
import { within } from './bounded.ts'
import { clear } from './ending.ts'
import type { Profile, Trouble } from './model.ts'
import { appOf, drainedIn, hashOf, type Place, requestOf } from './places.ts'
import { credentialsOf, innerPath, type Room, secretsOf, secretsPurpose, storageOf } from './room.ts'

/** Name of the file with the token for the lab's services. */
export const tokenFile = 'labgate-token'

/** Lines of progress that one launch may leave. */
const mostLines = 300

/** A launch under way. */
interface Launching {
  readonly row: WorkspaceRow
  readonly profile: Profile
  readonly place: Place
  readonly basePath: string
  readonly signal: AbortSignal
}

/**
 * Starts what a row asks for and waits until it answers; every step is kept before the next. May be called again for the
 * same row after a crash: what exists is taken over, unless its plan has changed. `false`: it is not wanted any more.
 * @throws Fault ERR_LAUNCH; whatever when the signal aborts
 */
export async function launch(room: Room, row: WorkspaceRow, signal: AbortSignal): Promise<boolean> {
  const profile = room.profiles.get(row.profile)
  if (profile === undefined)
    throw launchFault('policy', 'This app is not offered any more.', { hint: 'Choose another one.' })
  const account = await room.accounts.find(row.account)
  if (account === undefined) throw launchFault('policy', 'Its owner is not known here any more.')
  const place = room.places.of(row)
  const { basePath } = room.addressOf(row.id)
  const drained = await drainedIn(room.storage.settings)
  const request = requestOf(row, { storage: storageOf(account), basePath: innerPath(profile, basePath), drained })
  const plan = place.runner.plan(request, appOf(profile, row.image))
  const hash = hashOf(place.id, plan.detail)
  const launching: Launching = { row, profile, place, basePath, signal }
  await dropOther(room, launching, hash)
  const secrets = await prepare(room, launching)
  if (!(await noteBegin(room, row, { secrets, plan, hash }))) return false
  signal.throwIfAborted()
  const save = saving(room, launching)
  const progress = progressOf(room, row.id)
  const state = await place.runner.launch(plan, { signal, secrets, save, progress })
  await save(state)
  await untilReady({ ...launching, secrets }, state)
  return true
}

/** One write for all that must be known before anything exists outside. */
function noteBegin(
  { records, storage, clock }: Room,
  row: WorkspaceRow,
  { secrets, plan, hash }: { secrets: Readonly<Record<string, string>>; plan: LaunchPlan; hash: string },
): Promise<boolean> {
  const begun = row.state === 'starting' ? {} : { state: 'starting' as const, startedAt: clock.now() }
  const sealed = storage.ring.seal(JSON.stringify(secrets), secretsPurpose)
  return records.update(
    row.id,
    { ...begun, secrets: sealed, planHash: hash },
    {
      events: [
        ...(row.state === 'starting' ? [] : [{ kind: 'starting' as const }]),
        { kind: 'progress', text: plan.summary },
      ],
      when: ({ wanted }) => wanted === 'running',
    },
  )
}

/** Keeps what the runner says, once as long as it says the same. */
function saving({ records }: Room, { row, place }: Launching): (state: Json) => Promise<void> {
  const { version } = place.runner.state
  let kept = ''
  return async (state) => {
    const said = JSON.stringify(state)
    if (said === kept) return
    await records.update(row.id, { runnerState: state, runnerStateVersion: version })
    kept = said
  }
}

/** A pull that tells of each of its bytes must not fill the database. */
function progressOf({ records }: Room, id: string): (line: string) => void {
  let left = mostLines
  let last = ''
  return (line) => {
    if (line === last || left <= 0) return
    last = line
    left -= 1
    void records.note(id, { kind: 'progress', text: line }).catch(() => undefined)
  }
}

/** A container of another plan than today's is not the one that was asked for. */
async function dropOther(room: Room, { row, place, signal }: Launching, hash: string): Promise<void> {
  const state = room.places.stateOf(row)
  if (state === undefined || row.planHash === hash) return
  await clear(room, { runner: place.runner, state, signal })
  await room.records.update(row.id, { runnerState: null, runnerStateVersion: null })
}

/** Secrets are made once and kept sealed, so that a launch that goes on after a crash has the same. */
async function prepare(room: Room, { row, profile }: Launching): Promise<Readonly<Record<string, string>>> {
  const kept = secretsOf(room, row)
  const own = profile.credential
    ? { [profile.credential.file]: kept[profile.credential.file] ?? room.random.token() }
    : {}
  const token = await room.tokens.give(row, profile)
  return { ...own, ...(token === undefined ? {} : { [tokenFile]: token }) }
}

async function untilReady(
  launching: Launching & { readonly secrets: Readonly<Record<string, string>> },
  state: Json,
): Promise<void> {
  const { profile, place, basePath, secrets, signal } = launching
  const { path, timeoutSeconds } = profile.readiness
  const end = performance.now() + timeoutSeconds * 1000
  const headers = credentialsOf(profile, secrets)
  const ask = { path: `${innerPath(profile, basePath)}${path}`, headers, timeoutMs: 3000, signal }
  let last = 'it did not answer'
  for (let wait = 50; performance.now() < end; wait = Math.min(1000, wait * 1.5)) {
    signal.throwIfAborted()
    const found = await within(place.runner.inspect(state, signal), { seconds: 10, signal }).catch(unknown)
    signal.throwIfAborted()
    if (found.state === 'exited') throw crash(found)
    if (found.state === 'missing') throw launchFault('crash', 'It was gone before it was ready.', { retryable: true })
    const status = await answer(place.runner, state, ask).catch((error: unknown) => {
      last = error instanceof Error ? error.message : String(error)
      return 0
    })
    if (status > 0 && status < 500) return
    if (status >= 500) last = `it answered ${status}`
    await pause(wait, signal)
  }
  throw launchFault('readiness', `It was not ready within ${timeoutSeconds} seconds.`, {
    hint: 'The lines below may say why. A first start can take long; try again.',
    retryable: true,
    cause: last,
  })
}

/** A place that cannot say is asked again: that ends nothing, and the time that an app has does pass. */
function unknown(): Inspection {
  return { state: 'unknown', reason: 'no answer' }
}

async function answer(runner: Runner<Json>, state: Json, ask: Parameters<typeof askApp>[1]): Promise<number> {
  return (await askApp(await runner.endpoint(state), ask)).status
}

/** What an app that ended by itself left behind. */
export function crash({ code, reason }: { code: number | undefined; reason: string | undefined }): Fault {
  const how = code === undefined ? '' : ` (code ${code})`
  return launchFault('crash', `The app ended by itself${how}${reason === undefined ? '' : `: ${reason}`}.`, {
    hint: 'The last lines it wrote are below.',
    retryable: true,
  })
}

/** Waits, and breaks off with the signal. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** What went wrong, for the person: what was not foreseen tells no inner words. */
export function troubleOf(error: unknown, logs: readonly string[]): Trouble {
  if (!isFault(error) || error.code !== 'ERR_LAUNCH')
    return {
      code: 'internal',
      message: isFault(error) && error.shown ? error.message : 'Something went wrong here.',
      hint: 'An admin finds it in the log.',
      retryable: true,
      logs,
    }
  const { trouble, hint, retryable } = error.detail as { trouble?: LaunchTrouble; hint?: string; retryable?: boolean }
  return { code: trouble ?? 'internal', message: error.message, hint: hint ?? '', retryable: retryable === true, logs }
}

/** From a plan to an app that listens. Every step may have been done before: by a launch that was killed. @module */
import { isDeepStrictEqual } from 'node:util'
import { type Launch, type LaunchPlan, launchFault } from '@labgate/contract'
import { choose, notes, type Spot, survey } from './choose.ts'
import { takeDown } from './end.ts'
import type { Ground } from './ground.ts'
import { type Host, hostTrouble } from './host.ts'
import { planHash, type SshPlan, startScript } from './plan.ts'
import { Refusal, type Step } from './remote.ts'
import { type Run, runOf, type State } from './state.ts'
import { pause } from './wait.ts'

/** One launch as its steps see it. */
interface Launching {
  readonly ground: Ground
  readonly instance: string
  readonly plan: SshPlan
  readonly hash: string
  readonly launch: Launch<State>
}

/** Starts of an app whose port somebody else took in between. */
const startTries = 3
/** What is in the way of a launch gets so long to end by itself. */
const graceSeconds = 10

/** Brings the instance of a plan up. @throws Fault ERR_LAUNCH */
export async function launchOn(ground: Ground, launchPlan: LaunchPlan, launch: Launch<State>): Promise<State> {
  // What `plan` made; the core hands it back as it was.
  const plan = launchPlan.detail as unknown as SshPlan
  const { instance } = launchPlan
  const { storage } = plan
  const hosts = launchPlan.hosts ?? ground.hosts.map(({ name }) => name)
  const launching: Launching = { ground, instance, plan, hash: planHash(plan), launch }
  const spots = await survey(ground, { instance, storage, hosts }, launch.signal)
  const adopted = await adopt(launching, spots)
  if (adopted) return adopted
  const spot = await choose(ground, { instance, storage, hosts }, spots)
  const { name } = spot.host
  try {
    checkUser(plan, spot)
    return await bringUp(launching, spot)
  } catch (error) {
    ground.placed.delete(instance)
    launch.signal.throwIfAborted()
    throw hostTrouble(name, error)
  }
}

/** What runs already by this very plan is taken over; anything else of this instance is in the way. */
async function adopt(
  { ground, instance, hash, launch }: Launching,
  spots: readonly Spot[],
): Promise<State | undefined> {
  let adopted: State | undefined
  for (const { host, runs } of spots) {
    const run = runs.find((one) => one.instance === instance)
    if (run === undefined) continue
    const state = stateOf(host, run)
    if (adopted === undefined && run.plan === hash && run.state === 'running' && !run.isEnded) adopted = state
    else
      try {
        await takeDown(host, instance, { graceSeconds, signal: launch.signal })
      } catch (error) {
        launch.signal.throwIfAborted()
        throw hostTrouble(host.name, error)
      }
  }
  if (adopted) {
    await notes.write(ground, adopted)
    await launch.save(adopted)
    launch.progress(`It runs on ${adopted.host} already.`)
  }
  return adopted
}

function stateOf(host: Host, { instance, account, storage }: Pick<Run, 'instance' | 'account' | 'storage'>): State {
  return { host: host.name, instance, account, storage }
}

/** Everything runs as the account that Labgate signs in as; without root nobody could change that. */
function checkUser({ user }: SshPlan, { uid, gid, host }: Spot): void {
  if (user === null || isDeepStrictEqual(user, { uid, gid })) return
  throw launchFault('policy', 'This app shall run as somebody else than it can.', {
    hint: `On ${host.name} everything runs as the account that Labgate signs in as; an admin takes \`user\` out of the profile.`,
  })
}

async function bringUp(launching: Launching, spot: Spot): Promise<State> {
  const { ground, instance, plan, launch } = launching
  const { host } = spot
  const { account, storage } = plan
  const state = stateOf(host, { instance, account, storage })
  // Before anything is made: a crash from here on finds the way to it.
  await launch.save(state)
  await notes.write(ground, state)
  launch.signal.throwIfAborted()
  await host.limits(launch.signal)
  for (let tries = 1; ; tries += 1) {
    const nonce = await reserve(launching, spot)
    launch.signal.throwIfAborted()
    launch.progress(`Starts on ${host.name}.`)
    const port = await startWithPort(launching, spot, nonce)
    const listens = await untilListening(launching, host)
    if (listens !== 'foreign') return state
    ground.log.warn({ workspace: instance, host: host.name, port }, 'a port was taken between choice and use')
    await takeDown(host, instance, { graceSeconds, signal: launch.signal })
    if (tries === startTries)
      throw launchFault('port', 'Its port was taken by somebody else each time.', {
        hint: 'Try again.',
        retryable: true,
      })
    launch.progress('Its port was taken in the meantime; it is started anew.')
  }
}

/**
 * Makes the folder with its label. It is waited for even when the launch is broken off: what is made later than it is taken
 * away would stay.
 */
async function reserve({ ground, instance, plan, hash }: Launching, spot: Spot): Promise<string> {
  const nonce = Buffer.from(ground.random.bytes(12)).toString('hex')
  const { account, storage } = plan
  const homes: Step[] = plan.home === null ? [] : [['keep', storage, plan.home]]
  const owns = plan.links.flatMap(({ own }): Step[] => (own === null ? [] : [['keep', storage, own]]))
  const shared = [...plan.paths, ...plan.links.flatMap((link) => (link.shared ? [link.shared] : []))]
  const checks = shared.map(({ source, readOnly }): Step => ['shared', source, readOnly ? 'ro' : 'rw'])
  const links = plan.links.map(({ at, own, shared: other }): Step => {
    const source = other?.source ?? `${spot.folder}/people/${storage}/${own}`
    return ['link', source, `${homeOf(plan, spot, instance)}/${at}`]
  })
  const label: Step = ['reserve', instance, nonce, hash, account, storage]
  const answer = await spot.host.ask([label, ...homes, ...owns, ...checks, ...links])
  const made = answer.lines('run').map(runOf).at(-1)
  if (made?.nonce !== nonce) throw new Refusal('busy', 'another launch of the same workspace is at it')
  return nonce
}

function homeOf({ storage, home }: SshPlan, { folder, runFolder }: Spot, instance: string): string {
  return home === null ? `${runFolder}/${instance}/tmp` : `${folder}/people/${storage}/${home}`
}

async function startWithPort(launching: Launching, spot: Spot, nonce: string): Promise<number> {
  const { ground, launch } = launching
  const { from, to } = ground.config.ports
  const begin = Buffer.from(ground.random.bytes(4)).readUInt32BE()
  let cause: unknown
  for (let step = 0; step <= to - from; step += 1) {
    const port = from + ((begin + step) % (to - from + 1))
    if (spot.taken.has(port)) continue
    try {
      await start(launching, spot, { nonce, port })
      return port
    } catch (error) {
      launch.signal.throwIfAborted()
      if (!(error instanceof Refusal) || error.word !== 'port') throw error
      // Somebody else was faster since the host was asked.
      cause = error
    } finally {
      spot.taken.add(port)
    }
  }
  throw launchFault('port', `There is no free port on ${spot.host.name}.`, {
    hint: 'Try again.',
    retryable: true,
    cause,
  })
}

/** May be broken off at any time: what has no folder any more, or one that was told to end, is not started. */
async function start(
  { ground, instance, plan, launch }: Launching,
  spot: Spot,
  { nonce, port }: { readonly nonce: string; readonly port: number },
): Promise<void> {
  const { host } = spot
  const limits = await host.limits(launch.signal)
  const { memoryBytes, cpus, pids } = plan.limits
  const scope = [
    ...(limits.memory && memoryBytes !== null ? [`-p MemoryMax=${memoryBytes} -p MemorySwapMax=0`] : []),
    ...(limits.cpu && cpus !== null ? [`-p CPUQuota=${Math.max(1, Math.round(cpus * 100))}%`] : []),
    ...(limits.pids && pids !== null ? [`-p TasksMax=${pids}`] : []),
  ]
  const home = homeOf(plan, spot, instance)
  const paths = { home, secrets: `${spot.runFolder}/${instance}/secrets`, port }
  const script = startScript(plan, paths, { nice: ground.config.nice, memoryBytes: limits.memory ? null : memoryBytes })
  const secrets = secretSteps(instance, launch.secrets)
  const steps: Step[] = [['begin', instance, nonce, String(port)], ...secrets, ['go', instance, nonce, script, home]]
  // Without a property it is a scope all the same: nobody leaves it.
  const properties = limits.scope ? ['-p CPUAccounting=yes', ...scope].join(' ') : ''
  await host.ask(steps, { signal: launch.signal, scope: properties })
}

/** Steps that write secrets; the call's script goes by standard input, and printf is a part of the shell. */
export function secretSteps(instance: string, secrets: Readonly<Record<string, string>>): readonly Step[] {
  return Object.entries(secrets).map(([name, value]): Step => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) throw new TypeError('a secret is named by letters and digits')
    return ['secret', instance, name, value]
  })
}

async function untilListening({ ground, instance, launch }: Launching, host: Host): Promise<string> {
  const end = performance.now() + ground.config.listenTimeout * 1000
  for (let wait = 50; performance.now() < end; wait = Math.min(1000, wait * 1.5)) {
    const answer = await host.ask([['one', instance]], { signal: launch.signal })
    launch.signal.throwIfAborted()
    const run = answer.lines('run').map(runOf)[0]
    const listens = answer.line('listens')?.[0] ?? 'none'
    // An app that found its port taken has ended by now; whose the port is tells.
    if (listens !== 'none' || run?.state !== 'running') return listens
    await pause(wait, launch.signal)
  }
  return 'none'
}

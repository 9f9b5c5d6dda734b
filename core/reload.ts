/**
 * A config takes the place of another while people sign in: a site is built from it beside the one that serves, started,
 * and put in its place in one step. What does not load, check or start changes nothing. When sign-ins fail after it, the
 * former config comes back by itself.
 * @module
 */
import { isFault, type Json, type Log } from '@labgate/contract'
import { buildSite, type House } from './build-site.ts'
import { conditions } from './config/conditions.ts'
import type { LoadedConfig } from './config/load.ts'
import { configFault, problemAt } from './config/problems.ts'
import type { Config } from './config/schema.ts'
import { changedPaths, effectiveOf, restartNeeds } from './difference.ts'
import { findProblems } from './judge.ts'
import { type ConfigMetrics, createConfigMetrics } from './observe/config-metrics.ts'
import type { HealthPart } from './observe/health.ts'
import type { Departures } from './oidc/departures.ts'
import { changedCode } from './plugin-code.ts'
import { seedLedger } from './seed-ledger.ts'
import type { LiveSite, SiteConfig } from './site.ts'

/** What became of a reload. */
export interface ReloadAnswer {
  /** `refused`: the former config goes on. */
  readonly outcome: 'applied' | 'refused'
  /** Paths of the config that differ from what served before: `clients.wiki`. */
  readonly changed: readonly string[]
  /** What counts after the next start only: sections of the config, plugins with other code. */
  readonly restart: readonly string[]
  /** What is doubtful, or why it was refused; one mistake a line. */
  readonly why?: string
  readonly warnings: readonly string[]
}

/** Reads the config that is wanted. */
export type ReadConfig = () => Promise<LoadedConfig>

/** Reloads, one after the other. */
export interface Reloads {
  /** Never throws: a config that cannot serve is told, and the former goes on. */
  reload(read: ReadConfig): Promise<ReloadAnswer>
  /** For readiness: degraded while what the file says does not serve. */
  readonly part: HealthPart
  /** When nothing is being reloaded any more and former sites are closed. */
  settled(): Promise<void>
}

interface Needs {
  readonly house: House
  /** The site that serves from now on. */
  use(site: LiveSite): void
  readonly startedAt: number
  /** What is done in the step in which a site takes its place. */
  applied?(config: Config): void
}

interface Wanted {
  readonly from: SiteConfig
  readonly restart: readonly string[]
  readonly prepared?: LiveSite['registry']['prepared']
}

interface Standing {
  readonly needs: Needs
  readonly metrics: ConfigMetrics
  readonly log: Log
  /** Former sites that finish what they began. */
  readonly leaving: Set<Promise<void>>
  trouble: string | undefined
  /** When a former config came back: what failed until then was not its fault. */
  backAt: Date | undefined
}

/** Makes the reloads of a house. */
export function createReloads(needs: Needs): Reloads {
  const { get } = needs.house.ground
  const standing: Standing = {
    ...{ needs, metrics: createConfigMetrics(get('metrics').registry), log: get('log') },
    ...{ leaving: new Set(), trouble: undefined, backAt: undefined },
  }
  let last: Promise<unknown> = Promise.resolve()
  const oneByOne = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
  const goBack = (trial: Trial) => void oneByOne(() => rollBack(standing, trial))
  return {
    reload: (read) => oneByOne(() => reloadOnce(standing, read, goBack)),
    part: {
      name: 'config',
      weight: 'useful',
      check: async () => ({
        ok: standing.trouble === undefined,
        ...(standing.trouble ? { detail: standing.trouble } : {}),
      }),
    },
    async settled() {
      await last
      await Promise.all(standing.leaving)
    },
  }
}

async function reloadOnce(standing: Standing, read: ReadConfig, goBack: (trial: Trial) => void): Promise<ReloadAnswer> {
  const { house, startedAt } = standing.needs
  const before = house.current()
  let restart: readonly string[] = []
  try {
    const loaded = await read()
    const wanted = siteConfigOf(loaded)
    restart = restartNeeds(before.config, wanted.config)
    const from = { ...wanted, config: effectiveOf(before.config, wanted.config) }
    restart = [...restart, ...(await changedCode(from, { before: before.from, since: startedAt }))]
    const warnings = await putInPlace(standing, { from, restart }, loaded)
    const changed = changedPaths(before.config, from.config)
    standing.trouble = restart.length === 0 ? undefined : `counts after a restart only: ${restart.join(', ')}`
    standing.metrics.waiting(restart.length)
    await tell(standing, 'applied', { changed: [...changed], restart: [...restart] })
    watchTrial(standing, { before, goBack })
    return { outcome: 'applied', changed, restart, warnings }
  } catch (error) {
    const why = isFault(error) ? error.message : String(error)
    standing.trouble = 'the config file was refused; the former config goes on'
    await tell(standing, 'refused', { why: why.slice(0, 2000), restart: [...restart] }, error)
    return { outcome: 'refused', changed: [], restart, why, warnings: [] }
  }
}

/** Where plugins given by path are looked up, and the rest of what a site starts from. */
export function siteConfigOf({ config, locate, env, file }: LoadedConfig): SiteConfig {
  return { config, locate, env, folder: file.slice(0, Math.max(0, file.lastIndexOf('/'))) || '/' }
}

/** Builds, starts, seeds, swaps. Until the swap nothing of what serves is touched, and nothing that was started stays. */
async function putInPlace(
  standing: Standing,
  wanted: Wanted,
  judged?: Pick<LoadedConfig, 'warnings'>,
): Promise<readonly string[]> {
  const { needs, leaving, log } = standing
  const { house, use } = needs
  const before = house.current()
  const next = await buildSite(house, wanted.from, { before, prepared: wanted.prepared })
  const warnings: string[] = []
  try {
    if (judged) warnings.push(...judgeOf(next, judged))
    await next.registry.start()
    await seedLedger(next)
  } catch (error) {
    await next.abandon(before)
    throw error
  }
  use(next)
  needs.applied?.(next.config)
  await endDeparted(standing, (departures) => departures.settle({ here: clientsOf(next), former: clientsOf(before) }))
  const gone = leave(standing, { before, heir: next })
    .catch((err: unknown) => log.error({ err }, 'a former config did not close cleanly'))
    .finally(() => leaving.delete(gone))
  leaving.add(gone)
  return warnings
}

function judgeOf(next: LiveSite, { warnings }: Pick<LoadedConfig, 'warnings'>): string[] {
  const { config, from } = next
  // The file was sound; with what only a restart changes, it may not be.
  const broken = conditions(config).map((said) => problemAt({ ...said, locate: from.locate }, said.message))
  if (broken.length > 0) throw configFault(broken)
  const found = findProblems({ config, locate: from.locate, warnings }, next.registry)
  if (found.errors.length > 0) throw configFault(found.errors)
  return found.warnings.map(({ path, message }) => `${path}: ${message}`)
}

/** What was under way is finished by whom it began with; then that one stops. */
async function leave(standing: Standing, { before, heir }: { before: LiveSite; heir: LiveSite }): Promise<void> {
  await before.idle(heir.config.reload.drain)
  // Once more: a request that began before may have written for a client that is gone.
  await endDeparted(standing, (departures) => departures.endLate(clientsOf(before)))
  await before.close(heir)
}

/** Another config serves already: what cannot be ended now, the next reload or start ends. */
async function endDeparted(
  { needs: { house }, log }: Standing,
  work: (departures: Departures) => Promise<void>,
): Promise<void> {
  await work(house.ground.get('departures')).catch((err: unknown) =>
    log.error({ err }, 'what clients held that left the config has not ended yet'),
  )
}

const clientsOf = ({ config }: LiveSite): readonly string[] => Object.keys(config.clients)

async function tell(
  { needs, metrics, log }: Standing,
  outcome: 'applied' | 'refused' | 'rolled-back',
  detail: { readonly [name: string]: Json },
  error?: unknown,
): Promise<void> {
  const { get } = needs.house.ground
  metrics.reload(outcome, get('clock').now())
  const words = {
    applied: 'the config was reloaded',
    refused: 'the config was not reloaded; the former one goes on',
    'rolled-back': 'sign-ins failed after the last reload; the former config serves again',
  }
  if (outcome === 'applied') log.info(detail, words.applied)
  else log.error({ ...detail, ...(error === undefined ? {} : { err: error }) }, words[outcome])
  await get('audit')({ type: `config.${outcome}`, actor: 'config', detail }).catch((err: unknown) =>
    log.error({ err }, 'an audit event of a reload was lost'),
  )
}

interface Trial {
  readonly before: LiveSite
  readonly applied: LiveSite
}

/** Watches sign-ins for a while; when too many fail, and more than did before, the former config is asked back. */
function watchTrial(
  { needs: { house }, backAt }: Standing,
  { before, goBack }: { before: LiveSite; goBack: (trial: Trial) => void },
): void {
  const { get } = house.ground
  const [signIns, clock] = [get('signIns'), get('clock')]
  const applied = house.current()
  const { window, failures, least } = applied.config.reload.guard
  const from = clock.now()
  const usualFrom = Math.max(from.getTime() - window * 1000, backAt?.getTime() ?? 0)
  const usual = shareOf(signIns.since(new Date(usualFrom), from), least)
  signIns.onFailed(() => {
    if (window === 0 || house.current() !== applied || clock.now().getTime() - from.getTime() > window * 1000) return
    const share = shareOf(signIns.since(from), least)
    if (share < failures || share <= usual * 1.5) return
    signIns.onFailed(() => undefined)
    goBack({ before, applied })
  })
}

function shareOf({ done, failed }: { readonly done: number; readonly failed: number }, least: number): number {
  return done + failed < least ? 0 : failed / (done + failed)
}

async function rollBack(standing: Standing, { before, applied }: Trial): Promise<void> {
  const { house } = standing.needs
  if (house.current() !== applied) return
  try {
    await putInPlace(standing, { from: before.from, restart: [], prepared: before.registry.prepared })
    standing.trouble = 'sign-ins failed with the config file; the former config serves'
    standing.backAt = house.ground.get('clock').now()
    await tell(standing, 'rolled-back', { changed: changedPaths(applied.config, before.config) })
  } catch (error) {
    standing.log.error(
      { err: error },
      'sign-ins fail since the last reload, and the former config does not start any more',
    )
  }
}

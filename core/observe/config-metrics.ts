/** What monitoring learns of the config: how reloads went, and whether the file and what serves are one. @module */
import { Counter, Gauge, type Registry } from 'prom-client'

/** How a reload ended. */
export type ReloadOutcome = 'applied' | 'refused' | 'rolled-back'

/** The metrics. */
export interface ConfigMetrics {
  reload(outcome: ReloadOutcome, at: Date): void
  /** How many sections wait for a restart. */
  waiting(sections: number): void
}

/** Makes them in the registry of all. */
export function createConfigMetrics(registry: Registry): ConfigMetrics {
  const registers = [registry]
  const reloads = new Counter({
    name: 'labgate_config_reloads_total',
    help: 'Reloads of the config, by outcome: applied, refused (the former one goes on), rolled-back.',
    labelNames: ['outcome'],
    registers,
  })
  const isGood = new Gauge({
    name: 'labgate_config_last_reload_successful',
    help: '1 when the last reload was applied and stayed, 0 when it was refused or rolled back.',
    registers,
  })
  const since = new Gauge({
    name: 'labgate_config_applied_timestamp_seconds',
    help: 'When the config that serves took its place.',
    registers,
  })
  const waiting = new Gauge({
    name: 'labgate_config_restart_needed',
    help: 'Sections of the config file that count after the next start only.',
    registers,
  })
  isGood.set(1)
  return {
    reload(outcome, at) {
      reloads.inc({ outcome })
      isGood.set(outcome === 'applied' ? 1 : 0)
      if (outcome !== 'refused') since.set(at.getTime() / 1000)
    },
    waiting: (sections) => waiting.set(sections),
  }
}

/** Metrics for Prometheus, in a registry of our own. Labels have few values: patterns of routes, ids of instances. @module */
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { createDurations, type Series } from './durations.ts'

/** The metrics. */
export interface Metrics {
  /** A finished request; `route` is a pattern, never a path. */
  request(sample: { method: string; route: string; status: number; seconds: number }): void
  /** A try to sign in that ended. */
  signIn(sample: { instance: string; outcome: 'done' | 'refused' | 'failed' }): void
  /** A request to an upstream. */
  upstream(sample: { name: string; outcome: string; seconds: number }): void
  /** A mail handed over, or not. */
  mail(sample: { outcome: 'sent' | 'failed' }): void
  /** All of it in the text format. */
  text(): Promise<string>
  readonly contentType: string
  /** For rooms with metrics of their own. */
  readonly registry: Registry
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

function instruments(registry: Registry) {
  const registers = [registry]
  return {
    requests: createDurations({
      name: 'labgate_http_request_seconds',
      help: 'Time from a request to the end of its response, by pattern of the route.',
      labelNames: ['method', 'route', 'status'],
      buckets,
      registry,
    }),
    signIn: new Counter({
      name: 'labgate_sign_ins_total',
      help: 'Tries to sign in that ended, by instance and outcome.',
      labelNames: ['instance', 'outcome'],
      registers,
    }),
    upstream: new Histogram({
      name: 'labgate_upstream_seconds',
      help: 'Time until an upstream answered, by who asked.',
      labelNames: ['name', 'outcome'],
      buckets,
      registers,
    }),
    mail: new Counter({
      name: 'labgate_mails_total',
      help: 'Mails handed to the mail server.',
      labelNames: ['outcome'],
      registers,
    }),
  }
}

/** Makes the metrics, those of the process (memory, event-loop delay, garbage collection) among them. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const { requests, signIn, upstream, mail } = instruments(registry)
  // By route, whose patterns are few and always the same texts, then by method and status.
  const series = new Map<string, Map<string, Series>>()
  return {
    request({ method, route, status, seconds }) {
      const known = knownMethods.has(method) ? method : 'other'
      const key = known + status
      const ofRoute = series.get(route) ?? new Map<string, Series>()
      series.set(route, ofRoute)
      const one = ofRoute.get(key) ?? requests.series(known, route, String(status))
      ofRoute.set(key, one)
      one.observe(seconds)
    },
    signIn: (labels) => signIn.inc(labels),
    upstream: ({ name, outcome, seconds }) => upstream.observe({ name, outcome }, seconds),
    mail: (labels) => mail.inc(labels),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    registry,
  }
}

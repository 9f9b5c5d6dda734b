/**
 * A histogram of durations with few series, each counted in plain numbers. prom-client's own makes a key of the labels at
 * every observation, which costs more than all else that is noted about a request; what is scraped is the same.
 * @module
 */
import type { Histogram, Registry } from 'prom-client'

/** One series, to be kept by who observes often. */
export interface Series {
  observe(seconds: number): void
}

/** A histogram by labels. */
export interface Durations<L extends string> {
  /** The series of these values, in the order of `labelNames`. */
  series(...values: readonly string[]): Series
  readonly labelNames: readonly L[]
}

/** What one is made of. */
export interface DurationsNeeds<L extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly L[]
  /** Upper ends in seconds, rising. */
  readonly buckets: readonly number[]
  readonly registry: Registry
}

interface Counted extends Series {
  readonly labels: Readonly<Record<string, string>>
  readonly counts: readonly number[]
  readonly sum: number
}

/** Makes one and registers it. */
export function createDurations<L extends string>(needs: DurationsNeeds<L>): Durations<L> {
  const { name, help, labelNames, buckets, registry } = needs
  const all = new Map<string, Counted>()
  const metric = {
    ...{ name, help, type: 'histogram', aggregator: 'sum' },
    get: async () => ({
      ...{ name, help, type: 'histogram', aggregator: 'sum' },
      values: [...all.values()].flatMap((one) => valuesOf(one, name, buckets)),
    }),
    reset: () => all.clear(),
  }
  // Of a metric the registry asks for nothing else (`Registry.metrics`, `getMetricsAsJSON`); its type names one class.
  registry.registerMetric(metric as unknown as Histogram)
  return {
    labelNames,
    series(...values) {
      const key = values.join('\n')
      const known =
        all.get(key) ?? counted(Object.fromEntries(labelNames.map((label, at) => [label, values[at] ?? ''])), buckets)
      all.set(key, known)
      return known
    },
  }
}

function counted(labels: Counted['labels'], buckets: readonly number[]): Counted {
  // The last is for what is above all ends.
  const counts = new Array<number>(buckets.length + 1).fill(0)
  const series = {
    ...{ labels, counts, sum: 0 },
    observe(seconds: number) {
      let at = 0
      while (at < buckets.length && seconds > (buckets[at] ?? 0)) at++
      counts[at] = (counts[at] ?? 0) + 1
      series.sum += seconds
    },
  }
  return series
}

function valuesOf({ labels, counts, sum }: Counted, name: string, buckets: readonly number[]) {
  let total = 0
  const upTo = counts.map((count, at) => {
    total += count
    return { metricName: `${name}_bucket`, labels: { le: buckets[at] ?? '+Inf', ...labels }, value: total }
  })
  return [
    ...upTo,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ]
}

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

export { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A registry of a service's own, so that two services in one process (tests) do not meet. */
export function createRegistry(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  return registry
}

export function counter<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[],
): Counter<Label> {
  return new Counter({ name, help, labelNames: labels, registers: [registry] })
}

export function gauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[],
): Gauge<Label> {
  return new Gauge({ name, help, labelNames: labels, registers: [registry] })
}

/** Buckets in seconds or in rows, as `help` says. */
export function histogram<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[],
  buckets: readonly number[],
): Histogram<Label> {
  return new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [registry] })
}

interface Series {
  readonly labels: Record<string, string>
  /** How many were no more than each bound, the last of them infinite; not yet summed up. */
  readonly counts: number[]
  sum: number
}

/**
 * A histogram for what happens tens of thousands of times a second: a series is looked up by one text, which the caller
 * has at hand, instead of by labels that are checked, sorted and joined each time.
 */
export class HotHistogram {
  readonly #name
  readonly #help
  readonly #bounds
  readonly #series = new Map<string, Series>()

  constructor(registry: Registry, name: string, help: string, bounds: readonly number[]) {
    this.#name = name
    this.#help = help
    this.#bounds = [...bounds, Number.POSITIVE_INFINITY]
    // What the registry asks of a metric is this much.
    registry.registerMetric({
      name,
      get: () => Promise.resolve(this.#read()),
      reset: () => this.#series.clear(),
    } as never)
  }

  /** `labels` is asked once for each key. */
  observe(key: string, labels: () => Record<string, string>, value: number): void {
    let series = this.#series.get(key)
    if (series === undefined) {
      series = { labels: labels(), counts: this.#bounds.map(() => 0), sum: 0 }
      this.#series.set(key, series)
    }
    let bound = 0
    while (value > (this.#bounds[bound] as number)) bound += 1
    series.counts[bound] = (series.counts[bound] ?? 0) + 1
    series.sum += value
  }

  #read(): object {
    const values = [...this.#series.values()].flatMap(({ labels, counts, sum }) => {
      let reached = 0
      const buckets = counts.map((count, index) => {
        reached += count
        const bound = this.#bounds[index] ?? Number.POSITIVE_INFINITY
        return this.#value('_bucket', { le: bound === Number.POSITIVE_INFINITY ? '+Inf' : bound, ...labels }, reached)
      })
      return [...buckets, this.#value('_sum', labels, sum), this.#value('_count', labels, reached)]
    })
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values }
  }

  #value(suffix: string, labels: Record<string, string | number>, value: number): object {
    return { metricName: `${this.#name}${suffix}`, labels, value, sharedLabels: {} }
  }
}

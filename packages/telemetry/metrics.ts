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

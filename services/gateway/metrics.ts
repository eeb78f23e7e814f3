import type { RouteClass } from '@timesale/contracts/gateway-api'
import { counter, Gauge, type Registry } from '@timesale/telemetry/metrics'
import type { Limiter } from './limits/limiter.ts'
import type { Outcome, Upstream } from './upstreams/upstream.ts'

export interface GatewayMetrics {
  readonly upstreamOutcome: (upstream: string, outcome: Outcome) => void
  readonly countedInMemory: () => void
  readonly refused: (reason: 'token' | 'limit', routeClass: RouteClass) => void
}

export function gatewayMetrics(registry: Registry): GatewayMetrics {
  const outcomes = counter(registry, 'gateway_upstream_total', 'Requests to services, by what became of them', [
    'upstream',
    'outcome',
  ])
  const refusals = counter(registry, 'gateway_refused_total', 'Requests that were not let in', ['reason', 'class'])
  const inMemory = counter(registry, 'gateway_counted_in_memory_total', 'Requests that Redis did not count in time', [])
  return {
    countedInMemory: () => inMemory.inc(),
    upstreamOutcome: (upstream, outcome) => outcomes.inc({ upstream, outcome }),
    refused: (reason, routeClass) => refusals.inc({ reason, class: routeClass }),
  }
}

const BREAKER_VALUES = { closed: 0, 'half-open': 1, open: 2 } as const

/** What is looked up when somebody reads the metrics. */
export function watchGateway(registry: Registry, upstreams: readonly Upstream[], limiter: Limiter): void {
  const breakers = new Gauge({
    name: 'gateway_breaker_state',
    help: '0 closed, 1 half-open, 2 open',
    labelNames: ['upstream', 'instance'],
    registers: [],
    collect() {
      for (const { name, instances } of upstreams)
        for (const [index, instance] of instances.entries())
          // By its number in /api/upstreams: everybody may read this, and only operators where our processes are.
          this.set({ upstream: name, instance: index + 1 }, BREAKER_VALUES[instance.breakerAt(performance.now())])
    },
  })
  const inMemory = new Gauge({
    name: 'gateway_limits_in_memory',
    help: '1 while Redis does not count requests, and this gateway does by itself',
    registers: [],
    collect() {
      this.set(limiter.countedIn === 'memory' ? 1 : 0)
    },
  })
  registry.registerMetric(breakers)
  registry.registerMetric(inMemory)
}

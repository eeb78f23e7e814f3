import { Gauge, type Registry } from '@timesale/telemetry/metrics'
import type { OrderStreams } from './order-streams.ts'

/** Counted when somebody reads the metrics. */
export function watchStreams(registry: Registry, streams: OrderStreams): void {
  const open = new Gauge({
    name: 'gateway_order_streams',
    help: 'Callers who are being told of the changes of an order',
    registers: [],
    collect() {
      this.set(streams.size)
    },
  })
  registry.registerMetric(open)
}

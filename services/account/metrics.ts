import { Gauge, counter, type Registry } from '@timesale/telemetry/metrics'

export type AccountMetrics = ReturnType<typeof createMetrics>

/** `hashesWaiting` is asked when somebody looks. */
export function createMetrics(registry: Registry, hashesWaiting: () => number) {
  const waiting: Gauge = new Gauge({
    name: 'account_hashes_waiting',
    help: 'Sign-ups and log-ins that wait for their hash',
    registers: [registry],
    collect: () => waiting.set(hashesWaiting()),
  })
  return {
    logIns: counter(registry, 'account_log_ins_total', 'Log-ins, by what became of them', ['outcome']),
    refreshes: counter(registry, 'account_refreshes_total', 'Refreshes, by what became of them', ['outcome']),
  }
}

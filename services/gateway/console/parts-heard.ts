import type { PartView } from '@timesale/contracts/console-api'
import type { BrokerAddress } from '@timesale/kafka/cluster'

/** A process of a service, as its instance in `upstreams/` knows it. */
interface HeardInstance {
  readonly url: string
  readonly isReady: boolean
  /** Whether it was ever asked to the end. */
  readonly wasHeard: boolean
}

export interface Heard {
  readonly gatewayPort: number
  readonly services: readonly { readonly name: string; readonly instances: readonly HeardInstance[] }[]
  /** Those that are in the cluster at this moment; undefined where Kafka does not answer. */
  readonly brokers: readonly BrokerAddress[] | undefined
  readonly redis: { readonly port: number; readonly isReachable: boolean }
}

/** What the gateway itself hears of the parts of a shop that nobody supervises. Databases are not among them: only services speak to them. */
export class PartsHeard {
  readonly #brokers = new Map<number, number>()

  list({ gatewayPort, services, brokers, redis }: Heard): PartView[] {
    for (const { node, port } of brokers ?? []) this.#brokers.set(node, port)
    const present = new Set(brokers?.map(({ node }) => node))
    return [
      { name: 'gateway', kind: 'service', state: 'running', port: gatewayPort },
      ...services.flatMap(({ name, instances }) =>
        instances.map((instance, index) => ({
          name: instances.length === 1 ? name : `${name}-${index + 1}`,
          kind: 'service' as const,
          state: stateOf(instance),
          port: portOf(instance.url),
        })),
      ),
      ...[...this.#brokers].map(([node, port]) => ({
        name: `kafka-${node}`,
        kind: 'broker' as const,
        state:
          brokers === undefined
            ? ('unknown' as const)
            : present.has(node)
              ? ('running' as const)
              : ('stopped' as const),
        port,
      })),
      { name: 'redis', kind: 'cache', state: redis.isReachable ? 'running' : 'stopped', port: redis.port },
    ]
  }
}

function stateOf({ isReady, wasHeard }: HeardInstance): PartView['state'] {
  if (!wasHeard) return 'unknown'
  return isReady ? 'running' : 'stopped'
}

/** 0 where the URL names none. */
export function portOf(url: string): number {
  const { protocol, port } = new URL(url)
  return port === '' ? (USUAL_PORTS[protocol] ?? 0) : Number(port)
}

const USUAL_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'redis:': 6379, 'rediss:': 6379 }
